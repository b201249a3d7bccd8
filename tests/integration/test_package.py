"""What is deployed works by itself: imported by a bare interpreter, and served by the local host."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dev.launcher import start
from dev.launcher.terminal import Progress
from dev.package.building import PACKAGES, build
from tests.support.signing_in import callback_of, is_signed_in

if TYPE_CHECKING:
    from dev.sandbox.serving import Sandbox
    from tests.support.apps import Apps
    from tests.support.client import BrowserClient

OURS = re.compile(
    r"function_app\.py|host\.json|requirements\.txt|(functions|shared)/\w+\.py|web/[\w-]+\.(css|html|js|svg)|"
    rf"(functions/|shared/|)__pycache__/\w+\.{sys.implementation.cache_tag}\.pyc|\.python_packages/lib/site-packages/.+"
)
IMPORTED = """
import json, sys
folder, packages = sys.argv[1:]
sys.path[:0] = [packages, folder]
import function_app
places = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
cached = {name: getattr(module, "__cached__", None) for name, module in sys.modules.items()}
print(json.dumps({"places": places, "cached": cached}))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built zip."""
    return build(Path(start.ROOT), tmp_path_factory.mktemp("build") / "package", Progress(io.StringIO()))


@pytest.fixture(scope="module")
def unzipped(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip's content in an empty folder."""
    folder = tmp_path_factory.mktemp("wwwroot")
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    return folder


def test_the_package_holds_the_app_and_its_dependencies_and_nothing_else(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        names = archive.namelist()
    assert [name for name in names if not OURS.fullmatch(name)] == []
    modules = {path.name for path in (Path(start.ROOT) / "shared").glob("*.py")}
    assert {name.removeprefix("shared/") for name in names if re.fullmatch(r"shared/\w+\.py", name)} == modules
    assert not [
        name for name in names if name.endswith((".pem", ".env", "local.settings.json")) and "certifi" not in name
    ]


def test_plain_pip_installs_what_the_lock_names_and_nothing_without_a_hash() -> None:
    """As Azure's remote build does. Hashes in the file make pip demand one of every package, dependencies included."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed", "--report", "-"]
    command += ["--only-binary", ":all:", "--disable-pip-version-check", "-r", "requirements.txt"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=start.ROOT)
    assert ended.returncode == 0, ended.stderr
    installed = json.loads(ended.stdout)["install"]
    assert {"azure-functions", "msal", "cryptography"} <= {each["metadata"]["name"] for each in installed}
    assert [
        each["metadata"]["name"] for each in installed if "hashes" not in each["download_info"]["archive_info"]
    ] == []
    lock = (Path(start.ROOT) / "requirements.txt").read_text("utf-8")
    assert [
        each["metadata"]["name"]
        for each in installed
        if each["download_info"]["archive_info"]["hashes"]["sha256"] not in lock
    ] == []


def test_every_module_has_byte_code_that_is_never_compared_with_its_source(unzipped: Path) -> None:
    sources = [*unzipped.glob("*.py"), *unzipped.glob("*/*.py")]
    assert sources
    for source in sources:
        code = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
        assert code.read_bytes()[4:8] == b"\x01\0\0\0", source  # PEP 552: hash-based, not to be checked


def test_every_library_is_for_linux_and_exactly_this_python(unzipped: Path) -> None:
    tag = sys.implementation.cache_tag
    libraries = [path.name for path in (unzipped / PACKAGES).rglob("*.so")]
    assert libraries
    assert [name for name in libraries if not re.search(rf"{tag}-x86_64-linux-gnu|abi3", name)] == []


def test_a_bare_interpreter_imports_the_app_from_the_package_alone(unzipped: Path) -> None:
    base = getattr(sys, "_base_executable", sys.executable)
    command = [base, "-I", "-S", "-B", "-c", IMPORTED, str(unzipped), str(unzipped / PACKAGES)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["places"]["function_app"] == str(unzipped / "function_app.py")
    foreign = [place for place in found["places"].values() if place and "site-packages" in place]
    assert [place for place in foreign if not place.startswith(str(unzipped))] == []
    assert found["cached"]["shared.services"].startswith(str(unzipped / "shared" / "__pycache__"))


def test_a_person_signs_in_and_reads_mail_with_the_package_alone(
    own_apps: Apps, sandbox: Sandbox, browser_client: BrowserClient, unzipped: Path
) -> None:
    app = replace(own_apps, app_folder=unzipped).start()
    browser_client.navigate(callback_of(app, sandbox, browser_client))
    assert is_signed_in(app, browser_client)
    answer = browser_client.fetch(f"{app.url}/api/messages")
    assert answer.status == 200
    assert len(answer.json()["messages"]) == 25
