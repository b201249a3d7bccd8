"""`python -m dev.bicep.check`: every fault of infra/, a line each; then the real compiler, where there is one."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from dev.bicep.names import name_faults
from dev.bicep.policy import policy_faults
from dev.bicep.syntax import Fault, parse, syntax_faults
from dev.bicep.wire_names import wire_faults

FOLDER = Path(__file__).resolve().parents[2] / "infra"


def faults(folder: Path, app_settings: frozenset[str]) -> list[Fault]:
    """Every fault of the templates in a folder, by file and line. Only what can be read is looked into further."""
    files = sorted(folder.resolve().rglob("*.bicep")) + sorted(folder.resolve().rglob("*.bicepparam"))
    sources = {source.name: source for source in (parse(path, folder.resolve()) for path in files)}
    found = [fault for source in sources.values() for fault in syntax_faults(source)]
    if not found:
        found = [*name_faults(sources), *policy_faults(sources, app_settings)]
        found += [fault for source in sources.values() for fault in wire_faults(source)]
    return sorted(set(found), key=lambda fault: (fault.file, fault.line, fault.text))


def compile_with(command: list[str], folder: Path) -> list[str]:
    """What the real compiler says of the two entry files; empty where it is content."""
    said = []
    for entry in ("main.bicep", "main-existing-application.bicep"):
        target = [*command, "--file", entry] if command[0] == "az" else [*command, entry]
        ended = subprocess.run([*target, "--stdout"], cwd=folder, capture_output=True, text=True, check=False)
        said += [line for line in ended.stderr.splitlines() if "Warning" in line or "Error" in line]
        if ended.returncode and not said:
            said.append(f"{entry}: {ended.stderr.strip()[:500]}")
    return said


def main(arguments: list[str]) -> int:
    """0 where nothing is wrong, else 1."""
    argparse.ArgumentParser(prog="python -m dev.bicep.check", description=__doc__).parse_args(arguments)
    from shared.config import SETTINGS

    said = [str(fault) for fault in faults(FOLDER, frozenset(SETTINGS))]
    compiler = ["bicep", "build"] if shutil.which("bicep") else ["az", "bicep", "build"] if shutil.which("az") else []
    if compiler:
        said += compile_with(compiler, FOLDER)
    print("\n".join(said) or ("nothing wrong" + ("" if compiler else " (no Bicep compiler here: types are unchecked)")))
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
