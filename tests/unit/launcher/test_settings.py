"""The settings that `dev run` and the tests hand to the app."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

from dev.launcher import settings
from shared.config import SETTINGS, Config

UPSTREAMS = settings.Upstreams(
    authority="https://localhost:7443/common",
    graph="http://127.0.0.1:7080/v1.0",
    session_store="UseDevelopmentStorage=true",
)


def test_they_are_complete_and_right() -> None:
    made = settings.for_sandbox("http://localhost:7071", UPSTREAMS, settings.new_sealing_key())
    assert Config.from_environment(made).public_url == "http://localhost:7071"


def test_every_setting_is_given_so_that_local_settings_json_fills_none() -> None:
    assert set(SETTINGS) <= settings.for_sandbox("http://localhost:7071", UPSTREAMS, "key").keys()


def test_the_sealing_key_is_32_bytes_made_once_and_nobody_elses_to_read(tmp_path: Path) -> None:
    file = tmp_path / "sealing-key"
    key = settings.sealing_key(file)
    assert len(base64.b64decode(key)) == 32
    assert settings.sealing_key(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
