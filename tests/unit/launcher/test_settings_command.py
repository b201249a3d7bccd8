"""`dev settings` writes a file that the app takes, and leaves alone what is there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dev import settings
from shared.config import SETTINGS, Config

TENANT = "11111111-2222-4333-8444-555555555555"
CLIENT = "99999999-2222-4333-8444-555555555555"


def written(file: Path) -> dict[str, str]:
    values: dict[str, str] = json.loads(file.read_text("utf-8"))["Values"]
    return values


def test_the_file_for_the_sandbox_is_complete_and_right(tmp_path: Path) -> None:
    file = tmp_path / "local.settings.json"
    assert settings.main([], file) == 0
    values = written(file)
    assert set(SETTINGS) <= set(values)
    found = Config.from_environment({name: value for name, value in values.items() if name != "LOCAL_CA_FILE"})
    assert found.public_url == "http://localhost:7071"


def test_the_file_for_a_real_tenant_lacks_the_secret_alone(tmp_path: Path) -> None:
    file = tmp_path / "local.settings.json"
    assert settings.main(["--tenant", TENANT, "--client-id", CLIENT, "--port", "7072"], file) == 0
    values = written(file)
    assert values["ENTRA_AUTHORITY"] == f"https://login.microsoftonline.com/{TENANT}"
    assert values["LOCAL_CA_FILE"] == ""
    found = Config.from_environment(values | {"ENTRA_CLIENT_SECRET": "from the portal"})
    assert (found.client_id, found.public_url) == (CLIENT, "http://localhost:7072")


def test_each_file_has_a_key_of_its_own_that_nobody_else_may_read(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    settings.main([], first)
    settings.main([], second)
    assert written(first)["SEALING_KEY"] != written(second)["SEALING_KEY"]
    if os.name != "nt":
        assert first.stat().st_mode & 0o077 == 0


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "local.settings.json"
    file.write_text("mine")
    assert settings.main([], file) == 1
    assert file.read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    assert settings.main(["--force"], file) == 0
    assert "Values" in file.read_text()


@pytest.mark.parametrize(
    "arguments", [["--tenant", TENANT], ["--client-id", CLIENT], ["--tenant", "a b", "--client-id", CLIENT]]
)
def test_half_a_tenant_is_refused(arguments: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as refused:
        settings.main(arguments, tmp_path / "local.settings.json")
    assert refused.value.code == 2
    assert not (tmp_path / "local.settings.json").exists()
