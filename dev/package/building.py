"""A folder that `func azure functionapp publish NAME --no-build` sends as it is, and the same as one zip.

https://learn.microsoft.com/azure/azure-functions/functions-reference-python, "Publishing to Azure"
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from dev.launcher.terminal import Progress, Stop

FILES = (
    "function_app.py",
    "functions/*.py",
    "shared/*.py",
    *(f"web/*.{kind}" for kind in ("css", "html", "js", "svg")),
    "host.json",
    "requirements.txt",
)
"""What is deployed of the project, and nothing else."""

PACKAGES = Path(".python_packages") / "lib" / "site-packages"
# Wheels for these run on the images of Azure Functions (glibc 2.36 and later), the newest first.
_PLATFORMS = (*(f"manylinux_2_{minor}_x86_64" for minor in (34, 31, 28, 26, 24, 17)), "manylinux2014_x86_64")
# What wheels bring beside what is imported.
_SURPLUS = ("tests", "test", "bin")
_STAMP = (2020, 1, 1, 0, 0, 0)


def build(clone: Path, into: Path, progress: Progress) -> Path:
    """Fill `into` anew and put its zip beside it; the result is the zip's path. Raises Stop.

    Dependencies and byte code are for the version of Python that runs this. Times and modes are not this machine's.
    """
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    with progress.step("app"):
        for path in app_files(clone):
            target = into / path.relative_to(clone)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    with progress.step("dependencies", "dependencies for Linux"):
        _install(into)
    with progress.step("byte code"):
        _compile(into)
    with progress.step("zip"):
        return _zip(into)


def app_files(clone: Path) -> Iterator[Path]:
    """Every file of the project that is deployed."""
    for pattern in FILES:
        yield from sorted(clone.glob(pattern))


def _install(into: Path) -> None:
    target = into / PACKAGES
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--target", str(target)]
    command += ["--implementation", "cp", "--python-version", "{}.{}".format(*sys.version_info)]
    command += [option for platform in _PLATFORMS for option in ("--platform", platform)]
    ended = subprocess.run(
        [*command, "-r", str(into / "requirements.txt")], capture_output=True, text=True, check=False
    )
    if ended.returncode:
        reasons = [line for line in ended.stderr.splitlines() if line.startswith("ERROR")]
        raise Stop(f"The dependencies could not be fetched: {' '.join(reasons[-1:]) or 'pip failed'}")
    for name in _SURPLUS:
        shutil.rmtree(target / name, ignore_errors=True)


def _compile(into: Path) -> None:
    """Byte code that is never compared with its source: the package is mounted read-only, with other times.

    https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation
    """
    command = [sys.executable, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    ended = subprocess.run([*command, "-s", str(into), str(into)], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise Stop(f"Byte code could not be made: {(ended.stdout or ended.stderr).strip().splitlines()[0]}")


def _zip(folder: Path) -> Path:
    target = folder.with_suffix(".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _STAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, path.read_bytes())
    return target


def size(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
