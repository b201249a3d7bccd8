"""No token, code, verifier or secret reaches any logger, whatever its level, nor the standard streams.

Everything here is real but Entra: MSAL, the HTTP client under it, TLS and the sockets, for each of them logs.
"""

from __future__ import annotations

import base64
import json
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from dev import certificates
from shared import errors
from shared.auth import Auth
from shared.clock import Deadline, SystemClock
from shared.outbound import Outbound
from shared.secret import Secret
from shared.session_rows import Session, Tokens
from shared.token_store import Row
from shared.wire import Answer
from tests.fakes.build import config, identity
from tests.fakes.entra import FakeEntra, refusal
from tests.fakes.network import FakeNetwork
from tests.fakes.wire import Exchange, Server

CLOCK = SystemClock()
CLIENT_SECRET = "client-secret-canary"
ISSUED = {"access_token": "access-token-canary", "refresh_token": "refresh-token-canary"}


@dataclass
class Surroundings:
    """Entra behind a real socket, and the app's Auth in front of it."""

    auth: Auth
    entra: FakeEntra
    network: FakeNetwork

    def deadline(self) -> Deadline:
        return Deadline(CLOCK, 20)

    def sign_in(self) -> None:
        pending, address = self.auth.begin({}, "/", "", None, self.deadline())
        code = parse_qs(urlsplit(self.entra.sign_in(address)).query)["code"][0]
        self.auth.redeem(pending, code, self.deadline())

    def refresh(self) -> None:
        tokens = Tokens(Secret("old-access-canary"), Secret("old-refresh-canary"), 0, ("Mail.Read",), 0)
        self.auth.refresh(Session("secret", Row("p", "k", {}), identity(), tokens), self.deadline())

    def secrets(self) -> set[str]:
        """Every value that was sent or answered and that nobody else may learn."""
        forms = [request.form for request in self.network.sent(self.entra.token_endpoint)]
        sent = {form[name] for form in forms for name in ("code", "code_verifier", "refresh_token") if name in form}
        return {*sent, *ISSUED.values(), CLIENT_SECRET, "old-refresh-canary", "claims-canary"}


@contextmanager
def surroundings(folder: Path) -> Iterator[Surroundings]:
    network = FakeNetwork()
    chain, key = certificates.server_certificate(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(chain, key)

    def answer(exchange: Exchange) -> None:
        head, _, body = exchange.request.partition(b"\r\n\r\n")
        method, target, _ = head.partition(b"\r\n")[0].decode().split(" ")
        found = network.request(method, server.url + target, deadline=Deadline(CLOCK, 9), max_bytes=0, body=body)
        exchange.answer(found.body, f"{found.status} Some", "Content-Type: application/json")

    with Server(answer, tls) as server:
        authority = f"{server.url}/common"
        entra = FakeEntra(network, CLOCK, authority)
        entra.answer, entra.claims = dict(ISSUED), {"pad": "claims-canary"}
        outbound = Outbound(4, str(certificates.ca_file(folder)))
        yield Surroundings(Auth(config(ENTRA_AUTHORITY=authority), outbound, CLOCK, CLIENT_SECRET), entra, network)


def forms_of(secret: str) -> list[bytes]:
    """A secret as it could turn up: itself, quoted, and inside of base64 at each of the three offsets."""
    raw = secret.encode()
    encoded = [base64.b64encode(b"x" * offset + raw)[4 if offset else 0 : -4] for offset in range(3)]
    return [raw, quote(secret, safe="").encode(), repr(secret)[1:-1].encode(), *encoded]


def assert_silent(secrets: set[str], heard: str) -> None:
    assert len(secrets) >= 4
    assert [secret for secret in secrets if any(form in heard.encode() for form in forms_of(secret))] == []


@contextmanager
def everything_heard(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[list[str]]:
    """What all loggers write at DEBUG, tracebacks and arguments included, and what goes to the standard streams."""
    heard: list[str] = []
    with caplog.at_level(logging.DEBUG):
        for name in ("msal", "urllib3", "drawbridge", "shared"):
            caplog.set_level(logging.DEBUG, name)
        yield heard
    written = capfd.readouterr()
    heard += [caplog.text, written.out, written.err]
    heard += [f"{record.msg!r} {record.args!r} {record.exc_info!r}" for record in caplog.records]


@pytest.mark.parametrize("deed", ["sign_in", "refresh"])
def test_a_success_leaves_nothing_secret_behind(
    deed: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with surroundings(tmp_path) as around:
        with everything_heard(caplog, capfd) as heard:
            getattr(around, deed)()
        names = {record.name.partition(".")[0] for record in caplog.records}
        assert "msal" in names, "it was really listened to"
        assert_silent(around.secrets(), "\n".join(heard))


def whole() -> bytes:
    return json.dumps({**ISSUED, "token_type": "Bearer", "expires_in": 3600, "id_token": "claims-canary"}).encode()


BROKEN = {
    "truncated": Answer(200, {}, whole()[:-40]),
    "html": Answer(200, {}, b"<html>" + whole() + b"</html>"),
    "empty": Answer(200, {}, b""),
    "10 MB": Answer(200, {}, whole() + b" " * 10_000_000),
    "a list": Answer(200, {}, b"[" + whole() + b"]"),
    "text": Answer(200, {}, json.dumps(whole().decode()).encode()),
    "redirect": Answer(302, {}, whole()),
    "teapot": Answer(418, {}, whole()),
    "server error": Answer(500, {}, whole()),
    "throttled": Answer(429, {}, whole()),
    "id_token of nonsense": Answer(200, {}, json.dumps({**ISSUED, "id_token": "claims-canary"}).encode()),
    "id_token of no claims": Answer(200, {}, json.dumps({**ISSUED, "id_token": "e30.claims-canary.e30"}).encode()),
    "client_info of nonsense": Answer(200, {}, json.dumps({**ISSUED, "client_info": "claims-canary"}).encode()),
    "refusal that quotes us": refusal("invalid_grant", 70000, error_description=" ".join(ISSUED.values())),
    "operator's refusal that quotes us": refusal("invalid_client", 7000215, error_description=CLIENT_SECRET),
}


@pytest.mark.parametrize("deed", ["sign_in", "refresh"])
@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_broken_token_answer_leaks_nothing(
    name: str, deed: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with surroundings(tmp_path) as around:
        around.network.answer(around.entra.token_endpoint, BROKEN[name])
        with everything_heard(caplog, capfd) as heard:
            try:
                getattr(around, deed)()
            except errors.DrawbridgeError as problem:
                heard += [repr(problem), problem.detail, repr(problem.__cause__)]
                assert problem.code != "internal_error"
            else:
                assert (name, deed) == ("client_info of nonsense", "refresh"), "nothing else of these is usable"
        assert len(around.network.sent(around.entra.token_endpoint)) == 1
        assert_silent(around.secrets(), "\n".join(heard))


def test_a_wrong_nonce_is_refused_without_either_nonce_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with surroundings(tmp_path) as around:
        around.entra.claims = {"nonce": "nonce-canary"}
        with everything_heard(caplog, capfd) as heard, pytest.raises(errors.SignInRefused):
            around.sign_in()
        assert_silent({*around.secrets(), "nonce-canary"}, "\n".join(heard))
