"""What the doctor says of this machine: programs, ports, settings, storage, keys and the clock."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest

from dev.doctor.browsing import Answer, Browser, Unreachable
from dev.doctor.local import ca_file, examine, port_verdict
from dev.doctor.verdicts import Verdict
from shared import errors
from shared.keyring import Keyring
from shared.secret import Secret
from shared.wrapping import LocalKey
from tests.fakes.build import ENVIRONMENT, World, world
from tests.fakes.store import Fault

SECRETS = ("client-secret", ENVIRONMENT["SEALING_KEY"])


class Entra(Browser):
    """Answers discovery, with a clock that may differ from this machine's."""

    def __init__(self, clock: float, status: int = 200, *, unreachable: bool = False) -> None:
        super().__init__()
        self._clock, self._status, self._unreachable = clock, status, unreachable

    def send(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        if self._unreachable:
            raise Unreachable("no such host")
        return Answer(self._status, {"date": [formatdate(self._clock, usegmt=True)]}, "{}")


@pytest.fixture
def app() -> World:
    return world()


def found(
    app: World, folder: Path, entra: Entra | None = None, environment: Mapping[str, str] = ENVIRONMENT
) -> dict[str, Verdict]:
    """The verdicts by check, with the services of fakes."""
    browser = entra or Entra(app.clock.now())
    verdicts = list(examine(folder, environment, app.clock, browser, lambda *_: app.services))
    assert all(verdict.fix for verdict in verdicts if verdict.level != "ok")
    assert not [secret for secret in SECRETS if secret in str(verdicts)]
    return {verdict.check: verdict for verdict in verdicts}


def test_a_machine_that_is_right_has_nothing_wrong(app: World, tmp_path: Path) -> None:
    verdicts = found(app, tmp_path)
    assert [verdict for verdict in verdicts.values() if verdict.level not in ("ok", "warning")] == []
    assert {"python", "node", "core tools", "ports", "settings", "storage", "keys", "clock"} == verdicts.keys()


def test_programs_are_looked_for_on_the_path(app: World, tmp_path: Path) -> None:
    for name in ("node", "func"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    with_them = found(app, tmp_path, environment={**ENVIRONMENT, "PATH": str(tmp_path)})
    assert with_them["node"].reason == str(tmp_path / "node")
    assert with_them["core tools"].level == "ok"

    without = found(app, tmp_path, environment={**ENVIRONMENT, "PATH": str(tmp_path / "empty")})
    assert "brings" in without["node"].reason or "installs" in without["node"].reason
    assert without["core tools"].level == "warning"


def test_a_port_in_use_is_named_with_its_purpose_and_the_way_out() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        verdict = port_verdict({port: "the app"})
    assert verdict.level == "warning"
    assert f"{port} (the app)" in verdict.reason
    assert "--port" in verdict.fix
    assert port_verdict({port: "the app"}).level == "ok"


def test_no_settings_at_all_are_no_fault(app: World, tmp_path: Path) -> None:
    verdicts = found(app, tmp_path, environment={})
    assert verdicts["settings"].level == "ok"
    assert "dev run" in verdicts["settings"].reason
    assert "storage" not in verdicts


def test_every_setting_that_is_missing_or_wrong_is_named(app: World, tmp_path: Path) -> None:
    wrong = {**ENVIRONMENT, "SEALING_KEY": "short", "PUBLIC_URL": "", "SESSION_MAX_AGE": "soon"}
    verdicts = [
        verdict
        for verdict in examine(tmp_path, wrong, app.clock, Entra(0), lambda *_: app.services)
        if verdict.check == "settings"
    ]
    assert [verdict.level for verdict in verdicts] == ["wrong"] * 3
    for name in ("SEALING_KEY", "PUBLIC_URL", "SESSION_MAX_AGE"):
        assert any(name in verdict.reason for verdict in verdicts)
    assert not [verdict for verdict in verdicts if "short" in verdict.reason or "soon" in verdict.reason]


def test_the_settings_of_the_file_are_read_too(app: World, tmp_path: Path) -> None:
    file = tmp_path / "local.settings.json"
    file.write_text(json.dumps({"Values": dict(ENVIRONMENT)}))
    assert found(app, tmp_path, environment={})["storage"].level == "ok"
    file.write_text('{"Values": ')
    verdict = found(app, tmp_path, environment={})["settings"]
    assert verdict.level == "wrong"
    assert "dev settings" in verdict.fix


def test_storage_that_is_down_is_told_and_keys_are_not_asked_for(app: World, tmp_path: Path) -> None:
    app.store.script("read", Fault(errors.StorageUnavailable))
    verdicts = found(app, tmp_path)
    assert verdicts["storage"].level == "wrong"
    assert "storage_unavailable" in verdicts["storage"].reason
    assert "Azurite" in verdicts["storage"].fix
    assert "keys" not in verdicts
    assert verdicts["clock"].level == "ok"


def test_a_key_ring_that_does_not_open_is_told(app: World, tmp_path: Path) -> None:
    cold = Keyring(app.store, LocalKey(Secret(ENVIRONMENT["SEALING_KEY"])), app.clock)
    app.store.script("partition", Fault(errors.StorageUnavailable))
    verdicts = found(replace(app, services=replace(app.services, keyring=cold)), tmp_path)
    assert verdicts["storage"].level == "ok"
    assert verdicts["keys"].level == "wrong"
    assert "SEALING_KEY" in verdicts["keys"].fix


@pytest.mark.parametrize("skew", [-600, 600])
def test_a_clock_that_is_wrong_is_told(skew: int, app: World, tmp_path: Path) -> None:
    verdict = found(app, tmp_path, Entra(app.clock.now() + skew))["clock"]
    assert verdict.level == "wrong"
    assert "600 s" in verdict.reason


@pytest.mark.parametrize("skew", [-200, 200])
def test_a_clock_within_what_entra_allows_is_right(skew: int, app: World, tmp_path: Path) -> None:
    assert found(app, tmp_path, Entra(app.clock.now() + skew))["clock"].level == "ok"


def test_an_authority_that_entra_does_not_know_is_told(app: World, tmp_path: Path) -> None:
    verdict = found(app, tmp_path, Entra(app.clock.now(), 400))["entra"]
    assert verdict.level == "wrong"
    assert "ENTRA_AUTHORITY" in verdict.fix


def test_an_entra_that_cannot_be_reached_leaves_the_clock_unknown(app: World, tmp_path: Path) -> None:
    verdicts = found(app, tmp_path, Entra(0, unreachable=True))
    assert verdicts["entra"].level == "unknown"
    assert "clock" not in verdicts


def test_the_sandboxs_authority_is_trusted_where_there_is_one(tmp_path: Path) -> None:
    assert ca_file(tmp_path) is None
    file = tmp_path / ".drawbridge" / "ca" / "authority" / "ca.pem"
    file.parent.mkdir(parents=True)
    file.write_text("a certificate")
    assert ca_file(tmp_path) == str(file)
