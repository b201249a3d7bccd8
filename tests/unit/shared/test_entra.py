"""Entra on the wire: the discovery document, and the HTTP client that MSAL is given."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest

from shared import errors
from shared.clock import Deadline, SystemClock
from shared.entra import DiscoveryReader, MsalHttp
from shared.wire import Answer, OutboundError, TooLarge, TooSlow, Unreachable
from tests.fakes.clock import FakeClock
from tests.fakes.entra import HOST, FakeEntra
from tests.fakes.network import FakeNetwork, Request, json_answer

AUTHORITY = f"{HOST}/common"
DOCUMENT = f"{AUTHORITY}/v2.0/.well-known/openid-configuration"
TOKEN = f"{AUTHORITY}/oauth2/v2.0/token"
HOUR = 3600


class Surroundings:
    def __init__(self, authority: str = AUTHORITY) -> None:
        self.clock = FakeClock()
        self.network = FakeNetwork()
        self.entra = FakeEntra(self.network, self.clock, authority)
        self.reader = DiscoveryReader(authority, self.network, self.clock)

    def deadline(self, seconds: float = 7.0) -> Deadline:
        return Deadline(self.clock, seconds)

    def serve(self, **changes: Any) -> None:
        document = {**self.entra.discovery(), **changes}
        self.network.answer(DOCUMENT, json_answer({name: text for name, text in document.items() if text is not None}))

    def client(self) -> MsalHttp:
        return MsalHttp(self.reader.read(self.deadline()), self.network, self.clock)


def posted(around: Surroundings, client: MsalHttp) -> int:
    with client.under(around.deadline()):
        return client.post(TOKEN, data={"grant_type": "refresh_token", "scope": "a b&c"}, headers={}).status_code


def test_the_document_is_read_once_a_day() -> None:
    around = Surroundings()
    first = around.reader.read(around.deadline())
    around.clock.advance(24 * HOUR - 1)
    assert around.reader.read(around.deadline()) is first
    assert len(around.network.sent(DOCUMENT)) == 1
    around.clock.advance(1)
    around.reader.read(around.deadline())
    assert len(around.network.sent(DOCUMENT)) == 2


def test_while_entra_is_down_the_old_document_serves_and_is_asked_for_once_a_minute() -> None:
    around = Surroundings()
    first = around.reader.read(around.deadline())
    around.network.answer(DOCUMENT, Unreachable())
    around.clock.advance(24 * HOUR)
    for _ in range(10):
        assert around.reader.read(around.deadline()) is first
    assert len(around.network.sent(DOCUMENT)) == 2
    around.clock.advance(60)
    around.reader.read(around.deadline())
    assert len(around.network.sent(DOCUMENT)) == 3


def test_the_first_document_that_cannot_be_had_is_asked_for_again_at_once() -> None:
    around = Surroundings()
    around.network.answer_once(DOCUMENT, Unreachable())
    with pytest.raises(errors.EntraUnavailable):
        around.reader.read(around.deadline())
    assert around.reader.read(around.deadline()).issuer == HOST + "/{tenantid}/v2.0"


@contextmanager
def hanging(around: Surroundings) -> Iterator[None]:
    """Inside the block, one thread waits for the document; then Entra does not answer it."""
    asked, released = Event(), Event()

    def wait(_: Request) -> Answer:
        asked.set()
        released.wait(10)
        raise TooSlow

    around.network.answer(DOCUMENT, wait)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(around.reader.read, around.deadline())
        try:
            assert asked.wait(10)
            yield
        finally:
            released.set()
            asking.exception(10)


def test_while_one_asks_for_a_newer_document_the_old_one_serves_all_others() -> None:
    around = Surroundings()
    first = around.reader.read(around.deadline())
    around.clock.advance(24 * HOUR)
    began = SystemClock().monotonic()
    with hanging(around):
        assert around.reader.read(around.deadline(0.0)) is first
        assert SystemClock().monotonic() - began < 5
    assert around.reader.read(around.deadline()) is first


def test_while_one_asks_an_entra_that_is_known_to_fail_for_the_first_document_nobody_else_waits() -> None:
    around = Surroundings()
    around.network.answer_once(DOCUMENT, Unreachable())
    with pytest.raises(errors.EntraUnavailable):
        around.reader.read(around.deadline())
    began = SystemClock().monotonic()
    with hanging(around):
        with pytest.raises(errors.EntraUnavailable):
            around.reader.read(around.deadline())
        assert SystemClock().monotonic() - began < 5
    around.serve()
    assert around.reader.read(around.deadline()).issuer == HOST + "/{tenantid}/v2.0"


def test_nobody_waits_beyond_his_deadline_for_the_one_who_asks_first() -> None:
    around = Surroundings()
    began = SystemClock().monotonic()
    with hanging(around):
        with pytest.raises(errors.EntraUnavailable):
            around.reader.read(Deadline(SystemClock(), 0.05))
        assert SystemClock().monotonic() - began < 5


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Unreachable(), errors.EntraUnavailable),
        (TooSlow(), errors.EntraUnavailable),
        (TooLarge(), errors.EntraBadAnswer),
        (json_answer({}, 429, retry_after="7"), errors.EntraUnavailable),
        (json_answer({}, 503), errors.EntraUnavailable),
        (json_answer({"error": "invalid_tenant"}, 400), errors.AppRegistrationRefused),
        (json_answer({}, 404), errors.AppRegistrationRefused),
        (json_answer({}, 302, location="https://evil.example/"), errors.EntraBadAnswer),
        (json_answer([]), errors.EntraBadAnswer),
        (json_answer({}), errors.EntraBadAnswer),
        (Answer(200, {}, b"<html>"), errors.EntraBadAnswer),
        (Answer(200, {}, b""), errors.EntraBadAnswer),
        (Answer(200, {}, b"[" * 100_000), errors.EntraBadAnswer),
        (Answer(200, {}, b"\xff"), errors.EntraBadAnswer),
    ],
)
def test_a_document_that_is_none_is_refused(
    answer: Answer | OutboundError, problem: type[errors.DrawbridgeError]
) -> None:
    around = Surroundings()
    around.network.answer(DOCUMENT, answer)
    with pytest.raises(problem):
        around.reader.read(around.deadline())


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "end_session_endpoint"])
@pytest.mark.parametrize(
    "url",
    [
        None,
        7,
        "",
        "/common/oauth2/v2.0/token",
        "http://login.microsoftonline.com/common/oauth2/v2.0/token",
        "https://evil.example/token",
        "https://login.microsoftonline.com.evil.example/token",
        "https://login.microsoftonline.com@evil.example/token",
        "https://login.microsoftonline.com:444/token",
        "https://127.0.0.1/token",
        "https://[login.microsoftonline.com/token",
    ],
)
def test_endpoints_are_https_on_the_authoritys_own_host(name: str, url: object) -> None:
    around = Surroundings()
    around.serve(**{name: url})
    with pytest.raises(errors.EntraBadAnswer):
        around.reader.read(around.deadline())


def test_an_authority_on_loopback_may_name_loopback_addresses_and_no_others() -> None:
    around = Surroundings("https://localhost:8443/common")
    document = {**around.entra.discovery(), "authorization_endpoint": "http://127.0.0.1:8080/common/authorize"}
    around.network.answer("https://localhost:8443", json_answer(document))
    assert around.reader.read(around.deadline()).document
    document["token_endpoint"] = "https://evil.example/token"
    around.network.answer("https://localhost:8443", json_answer(document))
    with pytest.raises(errors.EntraBadAnswer):
        DiscoveryReader("https://localhost:8443/common", around.network, around.clock).read(around.deadline())


@pytest.mark.parametrize("issuer", [None, "", 7, "http://login.microsoftonline.com/{tenantid}/v2.0", "login"])
def test_an_issuer_must_be_https(issuer: object) -> None:
    around = Surroundings()
    around.serve(issuer=issuer)
    with pytest.raises(errors.EntraBadAnswer):
        around.reader.read(around.deadline())


def test_msal_gets_the_document_that_was_read_already() -> None:
    around = Surroundings()
    client = around.client()
    assert client.get("https://evil.example/anything").text == around.reader.read(around.deadline()).document
    assert len(around.network.requests) == 1


def test_a_token_request_is_a_form_under_the_callers_deadline() -> None:
    around = Surroundings()
    client = around.client()
    with client.under(around.deadline(3)):
        client.post(TOKEN, data={"grant_type": "refresh_token", "scope": "a b&c"}, headers={"x-client-sku": "MSAL"})
    (request,) = around.network.sent(TOKEN)
    assert (request.method, request.seconds) == ("POST", 3.0)
    assert request.form == {"grant_type": "refresh_token", "scope": "a b&c"}
    assert request.headers == {"x-client-sku": "MSAL", "Content-Type": "application/x-www-form-urlencoded"}


def test_throttling_is_remembered_while_it_lasts_so_that_nobody_queues_behind_it() -> None:
    around = Surroundings()
    client = around.client()
    around.network.answer_once(TOKEN, Answer(429, {"retry-after": "30"}, b"Too Many Requests"))
    for passed, left in ((0, 30), (0, 31), (29, 2)):
        around.clock.advance(passed)
        with pytest.raises(errors.EntraUnavailable) as raised:
            posted(around, client)
        assert raised.value.retry_after == left
    assert len(around.network.sent(TOKEN)) == 1
    around.clock.advance(1)
    assert posted(around, client) == 200


def test_a_server_error_is_told_but_not_remembered() -> None:
    around = Surroundings()
    client = around.client()
    around.network.answer_once(TOKEN, json_answer({}, 503, retry_after="30"))
    with pytest.raises(errors.EntraUnavailable) as raised:
        posted(around, client)
    assert raised.value.retry_after == 30
    assert posted(around, client) == 200


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Unreachable(), errors.EntraUnavailable),
        (TooSlow(), errors.EntraUnavailable),
        (TooLarge(), errors.EntraBadAnswer),
        (Answer(200, {}, b'{"access_token":"half'), errors.EntraBadAnswer),
        (Answer(200, {}, b"<html></html>"), errors.EntraBadAnswer),
        (Answer(200, {}, b""), errors.EntraBadAnswer),
        (Answer(200, {}, b"[]"), errors.EntraBadAnswer),
        (json_answer({}, 302), errors.EntraBadAnswer),
        (json_answer({}, 418), errors.EntraBadAnswer),
    ],
)
def test_what_is_no_answer_of_the_protocol_never_reaches_msal(
    answer: Answer | OutboundError, problem: type[errors.DrawbridgeError]
) -> None:
    around = Surroundings()
    client = around.client()
    around.network.answer(TOKEN, answer)
    with pytest.raises(problem):
        posted(around, client)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refusal_in_json_does_reach_msal(status: int) -> None:
    around = Surroundings()
    client = around.client()
    around.network.answer(TOKEN, json_answer({"error": "invalid_grant"}, status))
    assert posted(around, client) == status
