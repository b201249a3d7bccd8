"""`python -m dev.bicep.check`: every fault of infra/, a line each; then the real compiler, where there is one."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from dev.bicep.kinds import kind_faults
from dev.bicep.names import name_faults
from dev.bicep.policy import policy_faults
from dev.bicep.reading import reading_faults
from dev.bicep.syntax import Fault, parse, syntax_faults
from dev.bicep.wire_names import wire_faults

FOLDER = Path(__file__).resolve().parents[2] / "infra"


def faults(folder: Path, app_settings: frozenset[str]) -> list[Fault]:
    """Every fault of the templates in a folder, by file and line. Only what can be read is looked into further."""
    files = sorted(folder.resolve().rglob("*.bicep")) + sorted(folder.resolve().rglob("*.bicepparam"))
    sources = {source.name: source for source in (parse(path, folder.resolve()) for path in files)}
    found = [fault for source in sources.values() for fault in syntax_faults(source)]
    if not found:
        found = [*name_faults(sources), *kind_faults(sources), *policy_faults(sources, app_settings)]
        found += [fault for source in sources.values() for fault in (*wire_faults(source), *reading_faults(source))]
    return sorted(set(found), key=lambda fault: (fault.file, fault.line, fault.text))


def compile_with(compiler: list[str], folder: Path) -> list[str]:
    """What the real compiler (`bicep` or `az bicep`) says of the entry files and their parameters; best nothing."""
    said = []
    for entry in ("main", "main-existing-application"):
        for action, file in (("build", f"{entry}.bicep"), ("build-params", f"{entry}.bicepparam")):
            target = ["--file", file] if compiler[0] == "az" else [file]
            ended = subprocess.run(
                [*compiler, action, *target, "--stdout"],
                cwd=folder,
                env={**os.environ, "ENTRA_CLIENT_ID": "11111111-1111-4111-8111-111111111111"},
                capture_output=True,
                text=True,
                check=False,
            )
            lines = [line for line in ended.stderr.splitlines() if "Warning" in line or "Error" in line]
            said += lines or ([f"{file}: {ended.stderr.strip()[:500]}"] if ended.returncode else [])
    return sorted(set(said))


def main(arguments: list[str]) -> int:
    """0 where nothing is wrong, else 1."""
    argparse.ArgumentParser(prog="python -m dev.bicep.check", description=__doc__).parse_args(arguments)
    from shared.config import SETTINGS

    said = [str(fault) for fault in faults(FOLDER, frozenset(SETTINGS))]
    compiler = ["bicep"] if shutil.which("bicep") else ["az", "bicep"] if shutil.which("az") else []
    if compiler:
        said += compile_with(compiler, FOLDER)
    print("\n".join(said) or ("nothing wrong" + ("" if compiler else " (no Bicep compiler here: types are unchecked)")))
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
