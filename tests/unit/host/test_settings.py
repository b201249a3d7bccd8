"""The app's environment: local.settings.json as Azure/azure-functions-core-tools reads it, under the process's own
variables.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.host.settings import LocalSettingsInvalid, merged


def written(folder: Path, text: str) -> Path:
    (folder / "local.settings.json").write_text(text, encoding="utf-8")
    return folder


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    folder = written(tmp_path, '{"IsEncrypted": false, "Values": {"A": "file", "B": "file"}}')
    assert merged({"A": "environment"}, folder) == {"A": "environment", "B": "file"}


def test_without_the_file_the_environment_is_all(tmp_path: Path) -> None:
    assert merged({"A": "1"}, tmp_path) == {"A": "1"}


@pytest.mark.parametrize("text", ["{", "[]", '{"Values": []}', '{"Values": {"A": 7}}'])
def test_a_file_of_another_shape_is_an_error_without_values(tmp_path: Path, text: str) -> None:
    with pytest.raises(LocalSettingsInvalid) as raised:
        merged({}, written(tmp_path, text))
    assert "7" not in str(raised.value)
