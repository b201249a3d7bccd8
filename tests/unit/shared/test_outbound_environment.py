"""Whom the app trusts, and that nothing in its surroundings sends its requests elsewhere or changes their credentials.

The environment is read when a library is imported, so each case runs in a process of its own.
"""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from dev import certificates
from shared.clock import Deadline, SystemClock
from shared.outbound import Outbound
from shared.wire import Answer, OutboundError, TooSlow
from tests.fakes.wire import Exchange, Server

ROOT = Path(__file__).resolve().parents[3]
CLOCK = SystemClock()

PROGRAM = """
import sys
from shared.clock import Deadline, SystemClock
from shared.outbound import Outbound
from shared.wire import OutboundError, bounded_by
import requests
url = sys.argv[1]
outbound = Outbound(2)
deadline = Deadline(SystemClock(), 10)
headers = {"Authorization": "Bearer mine"}
try:
    print(outbound.request("GET", url, deadline=deadline, max_bytes=99, headers=headers).status)
except OutboundError as problem:
    print(type(problem).__name__)
try:
    with bounded_by(deadline):
        print(outbound.session().get(url, headers=headers, timeout=10).status_code)
except requests.RequestException as problem:
    print(type(problem).__name__)
"""


def run(url: str, **environment: str) -> list[str]:
    """What Outbound and its library session met in a process with this environment."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, url],
        cwd=ROOT,
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def tls(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS under an authority that nobody else knows, and that authority's certificate."""
    chain, key = certificates.server_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context, certificates.ca_file(folder)


def get(url: str, outbound: Outbound, seconds: float = 10.0) -> Answer:
    return outbound.request("GET", url, deadline=Deadline(CLOCK, seconds), max_bytes=1024)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"])
def test_a_proxy_of_the_environment_is_not_asked(name: str) -> None:
    with Server(lambda exchange: exchange.answer()) as proxy, Server(lambda exchange: exchange.answer()) as server:
        assert run(server.url, **{name: proxy.url}) == ["200", "200"]
        assert proxy.accepted == 0
        assert len(server.requests) == 2


@pytest.mark.parametrize("variable", ["HOME", "NETRC"])
def test_a_netrc_file_does_not_replace_our_bearer_token(variable: str, tmp_path: Path) -> None:
    for name in (".netrc", "_netrc"):
        (tmp_path / name).write_text("machine 127.0.0.1 login evil password evil\ndefault login evil password evil\n")
    place = tmp_path if variable == "HOME" else tmp_path / ".netrc"
    with Server(lambda exchange: exchange.answer()) as server:
        assert run(server.url, **{variable: str(place), "USERPROFILE": str(tmp_path)}) == ["200", "200"]
        assert all(b"Authorization: Bearer mine\r\n" in request for request in server.requests)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_an_authority_of_the_environment_is_not_trusted(name: str, tmp_path: Path) -> None:
    context, authority = tls(tmp_path)
    with Server(lambda exchange: exchange.answer(), context) as server:
        assert run(server.url, **{name: str(authority)}) == ["Unreachable", "SSLError"]
        assert server.requests == []


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_a_bundle_that_does_not_exist_breaks_nothing(name: str) -> None:
    with Server(lambda exchange: exchange.answer()) as server:
        assert run(server.url, **{name: "/nowhere/at/all"}) == ["200", "200"]


def test_the_authority_that_the_settings_name_is_trusted_for_loopback(tmp_path: Path) -> None:
    context, authority = tls(tmp_path)
    with Server(lambda exchange: exchange.answer(b"x"), context) as server:
        assert get(server.url, Outbound(2, str(authority))).body == b"x"


def test_an_unknown_authority_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    context, _ = tls(tmp_path)
    with Server(lambda exchange: exchange.answer(), context) as server:
        with pytest.raises(OutboundError):
            get(server.url, Outbound(2))
        assert server.requests == []


def test_over_tls_a_dripping_answer_ends_at_the_deadline_too(tmp_path: Path) -> None:
    def drip(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        exchange.drip(b"x" * 1000, 0.03)

    context, authority = tls(tmp_path)
    with Server(drip, context) as server:
        outbound = Outbound(2, str(authority))
        began = CLOCK.monotonic()
        with pytest.raises(TooSlow):
            get(server.url, outbound, 0.5)
        assert CLOCK.monotonic() - began < 2.5


def test_a_server_that_never_begins_tls_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    def silent(exchange: Exchange) -> None:
        exchange.closing.wait(10)

    with Server(silent) as server:
        began = CLOCK.monotonic()
        with pytest.raises(OutboundError):
            get(server.url.replace("http:", "https:"), Outbound(2), 0.5)
        assert CLOCK.monotonic() - began < 2.5


def test_over_tls_one_connection_serves_many_requests(tmp_path: Path) -> None:
    context, authority = tls(tmp_path)
    with Server(lambda exchange: exchange.answer(b"x"), context) as server:
        outbound = Outbound(2, str(authority))
        for _ in range(5):
            get(server.url, outbound)
        assert (server.accepted, len(server.requests)) == (1, 5)
