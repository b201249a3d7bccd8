"""What is deployed, and what is installed there."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from dev.package.building import app_files
from tests.architecture.package import shipped

CLONE = Path(__file__).resolve().parents[2]
FUNCIGNORE = (CLONE / ".funcignore").read_text("utf-8")
LOCKS = ("requirements.txt", "dev/requirements.txt", "dev/azurite/requirements.txt")
SHIPPED = re.compile(
    r"function_app\.py|host\.json|requirements\.txt|(functions|shared)/\w+\.py|web/[\w-]+\.(css|html|js|svg)"
)


def committed() -> list[str]:
    """Every file of the repository."""
    return subprocess.run(
        ["git", "ls-files"], cwd=CLONE, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.splitlines()


def test_nothing_but_the_app_is_deployed() -> None:
    sent = shipped(committed(), FUNCIGNORE)
    assert [path for path in sent if not SHIPPED.fullmatch(path)] == []


def test_all_of_the_app_is_deployed() -> None:
    assert [path for path in committed() if SHIPPED.fullmatch(path)] == shipped(committed(), FUNCIGNORE)


@pytest.mark.parametrize(
    "path",
    [
        *("dev/host/server.py", "tests/conftest.py", "functions/__pycache__/login.cpython-313.pyc", ".env"),
        *(".drawbridge/sealing-key", "local.settings.json", "README.md", ".git/config", "deploy.py"),
        *("dev/functions/login.py", "web/old/page.html", "shared/keys.pem"),
    ],
)
def test_a_file_that_is_not_the_apps_stays_here(path: str) -> None:
    assert shipped([path], FUNCIGNORE) == []


def test_both_ways_of_publishing_send_the_same_files_of_the_app() -> None:
    built = {path.relative_to(CLONE).as_posix() for path in app_files(CLONE)}
    assert built == set(shipped(committed(), FUNCIGNORE))
    with_dependencies = [*sorted(built), ".python_packages/lib/site-packages/msal/__pycache__/a.cpython-313.pyc"]
    assert shipped(with_dependencies, "") == with_dependencies  # the built folder has no .funcignore


def test_packages_that_were_installed_beside_the_app_are_deployed_with_it() -> None:
    path = ".python_packages/lib/site-packages/msal/__init__.py"
    assert shipped([path], FUNCIGNORE) == [path]


def test_the_reader_of_funcignore_follows_its_odd_rules() -> None:
    assert shipped(["a/__pycache__/b.pyc"], "__pycache__") == ["a/__pycache__/b.pyc"]
    assert shipped(["a/__pycache__/b.pyc"], "**/__pycache__") == []
    assert shipped(["test.py", "tests/a.py", "test-data/x"], "test") == ["tests/a.py"]
    assert shipped(["a/b.py", "a/c/d.py"], "!a/*.py\n**") == ["a/b.py"]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_with_hashes_and_no_lock_names_an_address(lock: str) -> None:
    text = (CLONE / lock).read_text("utf-8")
    entries = re.findall(r"^\S.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    pinned = re.compile(r"[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", re.DOTALL)
    assert entries
    assert [entry for entry in entries if not pinned.match(entry)] == []
    assert "://" not in text
    assert "index-url" not in text


def test_the_tools_are_tried_with_the_very_versions_that_are_deployed() -> None:
    deployed, tried = (re.findall(r"^(\S+==\S+)", (CLONE / lock).read_text(), re.MULTILINE) for lock in LOCKS[:2])
    assert set(deployed) <= set(tried)


def test_the_msal_that_draws_state_and_nonce_from_a_strong_generator_is_the_oldest_allowed() -> None:
    found = re.search(r"^msal==(\d+)\.(\d+)", (CLONE / "requirements.txt").read_text(), re.MULTILINE)
    assert found
    assert (int(found[1]), int(found[2])) >= (1, 39)


def test_azurite_is_pinned_with_hashes_and_its_lock_names_no_address() -> None:
    packages = json.loads((CLONE / "dev/azurite/package-lock.json").read_text())["packages"]
    ours = packages.pop("no-telemetry")
    assert ours["name"] == "applicationinsights"
    assert packages.pop("node_modules/applicationinsights") == {"resolved": "no-telemetry", "link": True}
    del packages[""]
    assert packages
    assert [name for name, package in packages.items() if not package.get("integrity", "").startswith("sha512-")] == []
    assert [name for name, package in packages.items() if "resolved" in package] == []
