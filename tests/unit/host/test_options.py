"""The command line of the local host."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.host.options import HostOptions, parse


@pytest.fixture
def app_folder(tmp_path: Path) -> Path:
    (tmp_path / "host.json").write_text('{"version": "2.0"}', encoding="utf-8")
    return tmp_path


def test_options_survive_the_command_line(app_folder: Path) -> None:
    options = HostOptions(
        app_folder,
        port=7071,
        processes=3,
        certificate_folder=app_folder / "ca",
        ca_file=app_folder / "ca.pem",
        clock_file=app_folder / "clock",
        front_end=True,
        check_settings=False,
    )
    parsed = parse(options.arguments())
    assert parsed.arguments() == options.arguments()
    assert parsed.scheme == "https"


def test_without_tls_it_is_http(app_folder: Path) -> None:
    assert parse(["--app", str(app_folder)]).scheme == "http"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--port", "65536"], "a port is between 0 and 65535"),
        (["--processes", "0"], "between 1 and 10 processes"),
        (["--processes", "11"], "between 1 and 10 processes"),
        (["--app", "/"], "no host.json"),
    ],
)
def test_nonsense_ends_with_exit_code_2_and_a_reason(
    app_folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(["--app", str(app_folder), *arguments])
    assert left.value.code == 2
    assert reason in capsys.readouterr().err
