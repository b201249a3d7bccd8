"""`python3 dev package`: builds what is deployed, and says how to send it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dev.launcher import start
from dev.launcher.terminal import Progress, Stop
from dev.package.building import build, size

PYTHON = (3, 13)
"""Byte code is for exactly one version: another would ignore it, and pay for that at each cold start."""
FOLDER = Path(start.ROOT) / ".drawbridge" / "package"


def main(arguments: list[str]) -> int:
    """0 where the package was built, 1 where it could not be."""
    parser = argparse.ArgumentParser(prog="python3 dev package", description=__doc__)
    parser.add_argument("--into", type=Path, default=FOLDER, metavar="FOLDER", help="which is emptied first")
    given = parser.parse_args(arguments)
    folder = given.into.resolve()
    if folder.exists() and any(folder.iterdir()) and not (folder / "host.json").is_file():
        parser.error(f"{folder} holds something else; name an empty folder")
    if sys.version_info[:2] != PYTHON:
        needed = ".".join(map(str, PYTHON))
        print(f"The app runs on Python {needed} in Azure, and this is {sys.version.split()[0]}.", file=sys.stderr)
        return 1
    try:
        archive = build(Path(start.ROOT), folder, Progress())
    except Stop as problem:
        print(problem, file=sys.stderr)
        return 1
    shown = f"{size(folder) / 2**20:.1f} MiB, zipped {archive.stat().st_size / 2**20:.1f} MiB"
    print(f"\n{folder} ({shown})\nSend it:\n\n  cd {folder}\n  func azure functionapp publish NAME --no-build --python")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
