"""host.json: azure-functions-host HostJsonFileConfigurationSource.cs, CustomHttpHeadersMiddleware.cs."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.host.host_json import HostJson, HostJsonInvalid, read


def written(folder: Path, text: str) -> Path:
    (folder / "host.json").write_text(text, encoding="utf-8")
    return folder


def test_the_prefix_is_api_unless_set(tmp_path: Path) -> None:
    """azure-webjobs-sdk-extensions HttpExtensionConstants.cs."""
    assert read(written(tmp_path, '{"version": "2.0", "unknown": {"members": "are ignored"}}')) == HostJson("api", {})


@pytest.mark.parametrize(("value", "prefix"), [('""', ""), ("null", ""), ('"v1/x"', "v1/x")])
def test_the_prefix_may_be_empty(tmp_path: Path, value: str, prefix: str) -> None:
    text = f'{{"version": "2.0", "extensions": {{"http": {{"routePrefix": {value}}}}}}}'
    assert read(written(tmp_path, text)).route_prefix == prefix


def test_custom_headers_are_read(tmp_path: Path) -> None:
    text = '{"version": "2.0", "extensions": {"http": {"customHeaders": {"X-A": "1", "X-B": "2"}}}}'
    assert list(read(written(tmp_path, text)).custom_headers.items()) == [("X-A", "1"), ("X-B", "2")]


@pytest.mark.parametrize("text", ["{}", '{"version": "1.0"}', '{"version": 2.0}', "[]", "{", ""])
def test_a_version_other_than_2_0_or_broken_json_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(HostJsonInvalid):
        read(written(tmp_path, text))
