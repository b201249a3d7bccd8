"""PUBLIC_URL in all the ways that people write it: understood, or refused, never half."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from dev.host.options import HostOptions
from dev.host.serving import NotStarted, serve
from dev.launcher import children, settings
from tests.support.apps import CLONE, SEALING_KEY
from tests.support.client import BrowserClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dev.azurite.serving import Azurite
    from dev.sandbox.serving import Sandbox

ORIGIN = "https://mail.example.org"
UNDERSTOOD = [f"{ORIGIN}/", "https://Mail.Example.ORG", f" {ORIGIN} ", f"{ORIGIN}:443"]
REFUSED = [
    *(f"{ORIGIN}/app", f"{ORIGIN}?x=1", f"{ORIGIN}#a", "https://user:pw@mail.example.org", "http://mail.example.org"),
    *("mail.example.org", "", "https://", "https://mail.example.org:port", "ftp://mail.example.org"),
]
DISGUISE = {
    "Host": "internal.azurewebsites.net",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}


@pytest.fixture(scope="module")
def registered(ca_folder: Path) -> Iterator[Sandbox]:
    """A sandbox where this one redirect URI is registered, to be matched character by character."""
    from dev.sandbox.options import SandboxOptions
    from dev.sandbox.serving import serve as serve_sandbox

    options = SandboxOptions(ca_folder, [f"{ORIGIN}/auth/callback"], [f"{ORIGIN}/"])
    with serve_sandbox(options) as running:
        yield running


def host_options(sandbox: Sandbox, azurite: Azurite, public_url: str) -> HostOptions:
    upstreams = settings.Upstreams(f"{sandbox.https_url}/common", f"{sandbox.http_url}/v1.0", azurite.connection_string)
    chosen = settings.for_sandbox(public_url, upstreams, SEALING_KEY)
    environment = children.bare_environment(os.environ) | chosen
    return HostOptions(CLONE, ca_file=sandbox.ca_file, environment=environment)


@pytest.mark.parametrize("public_url", UNDERSTOOD)
def test_a_spelling_that_is_understood_gives_one_redirect_uri_everywhere(
    registered: Sandbox, azurite: Azurite, public_url: str
) -> None:
    registered.control.reset()
    browser = BrowserClient()
    with serve(host_options(registered, azurite, public_url)) as host:
        login = browser.request("GET", f"{host.url}/auth/login", DISGUISE)
        location = registered.control.sign_in(login.location)
        assert location.startswith(f"{ORIGIN}/auth/callback?")
        jar = "; ".join(line.partition(";")[0] for line in login.all("Set-Cookie"))
        back = browser.request(
            "GET", f"{host.url}/auth/callback?{urlsplit(location).query}", DISGUISE | {"Cookie": jar}
        )
        assert (back.status, back.header("Location")) == (303, f"{ORIGIN}/")
        (call,) = registered.control.log(where="token")
        assert call["form"]["redirect_uri"] == f"{ORIGIN}/auth/callback"
        assert parse_qs(urlsplit(login.location).query)["redirect_uri"] == [call["form"]["redirect_uri"]]
        session = back.all("Set-Cookie")[-1].partition(";")[0]
        out = browser.request(
            "POST", f"{host.url}/auth/logout", {"Origin": ORIGIN, "Cookie": session, "Accept": "application/json"}
        )
        assert out.status == 200
        assert parse_qs(urlsplit(out.json()["location"]).query)["post_logout_redirect_uri"] == [f"{ORIGIN}/"]


@pytest.mark.parametrize("public_url", REFUSED)
def test_a_spelling_that_is_not_understood_is_refused_with_what_is_expected(
    registered: Sandbox, azurite: Azurite, public_url: str
) -> None:
    with pytest.raises(NotStarted) as caught, serve(host_options(registered, azurite, public_url)):
        pass
    assert caught.value.exit_code == 2
    assert "PUBLIC_URL" in str(caught.value)
    assert not public_url or public_url not in str(caught.value).replace("https://mail.example.org", "")
    assert "pw@" not in str(caught.value)
