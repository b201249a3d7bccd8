"""Calls to Graph: their shape, the turn that each mailbox gives, and what its answers mean."""

from __future__ import annotations

import base64
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from shared import graph_errors
from shared.clock import Deadline, SystemClock
from shared.graph import Access, Graph, TokenRejected
from shared.graph_ids import graph_id, public_id
from shared.mail import Mail, Wanted
from shared.secret import Secret
from shared.wire import Answer, TooSlow, Unreachable
from tests.fakes.build import config
from tests.fakes.clock import FakeClock
from tests.fakes.graph import GRAPH, graph_error
from tests.fakes.network import FakeNetwork, Request, json_answer

ACCESS = Access(Secret("access-token"), "mailbox")
INBOX = Wanted("inbox", unread=False, search=None, top=25)
EMPTY = json_answer({"value": []})


class Surroundings:
    def __init__(self, **settings: str) -> None:
        self.clock = FakeClock()
        self.network = FakeNetwork()
        self.graph = Graph(config(**settings), self.network, self.clock)

    def list(self, seconds: float = 25.0) -> tuple[list[Any], str | None]:
        return Mail(self.graph).messages(ACCESS, INBOX, Deadline(self.clock, seconds))


def test_a_list_is_one_get_of_the_inbox_with_the_callers_token() -> None:
    around = Surroundings()
    around.network.answer(GRAPH, json_answer({"value": [{"id": "a"}], "@odata.nextLink": f"{GRAPH}/me/messages?x=1"}))
    assert around.list() == ([{"id": "a"}], f"{GRAPH}/me/messages?x=1")
    (request,) = around.network.requests
    assert (request.method, request.path) == ("GET", "/v1.0/me/mailFolders/inbox/messages")
    assert request.headers["Authorization"] == "Bearer access-token"
    assert request.body == b""


def test_another_endpoint_of_the_settings_is_used_with_its_own_links() -> None:
    base = "https://graph.microsoft.us/v1.0"
    around = Surroundings(GRAPH_ENDPOINT=base)
    around.network.answer(base, json_answer({"value": [], "@odata.nextLink": f"{base}/me/messages?x=1"}))
    assert around.list()[1] == f"{base}/me/messages?x=1"
    assert not around.graph.is_own(f"{GRAPH}/me/messages")


@pytest.mark.parametrize(
    ("link", "own"),
    [
        (f"{GRAPH}/me/messages?$skip=25", True),
        (f"{GRAPH}/me/mailFolders('inbox')/messages?$skiptoken=a%23b", True),
        ("https://GRAPH.microsoft.com/v1.0/me/messages", True),
        ("HTTPS://graph.microsoft.com/v1.0/me/messages", True),
        (f"{GRAPH}/users/x", False),
        (f"{GRAPH}/me", False),
        (f"{GRAPH}/menu/x", False),
        (f"{GRAPH}/me/..%2fusers", False),
        (f"{GRAPH}/me/%2E%2E/users", False),
        ("https://graph.microsoft.com/v1.0/v1.0/me/messages", False),
        ("https://graph.microsoft.com//v1.0/me/messages", False),
        ("https://graph.microsoft.com/me/messages", False),
        ("https://graph.microsoft.com:443/v1.0/me/messages", False),
        ("https://x@graph.microsoft.com/v1.0/me/messages", False),
        ("http://graph.microsoft.com/v1.0/me/messages", False),
        ("https://[graph.microsoft.com/v1.0/me/messages", False),
        ("", False),
        (None, False),
        (7, False),
    ],
)
def test_a_link_is_ours_only_where_it_leads_to_the_persons_own_messages(link: object, own: bool) -> None:
    assert Surroundings().graph.is_own(link) is own


def test_a_call_takes_at_most_ten_seconds_and_never_more_than_the_request_has_left() -> None:
    around = Surroundings()
    around.network.answer(GRAPH, EMPTY)
    around.list(25)
    around.list(4)
    assert [request.seconds for request in around.network.requests] == [10.0, 4.0]


def test_a_broken_connection_is_tried_once_more_within_the_same_ten_seconds() -> None:
    around = Surroundings()

    def slow_and_broken(request: Request) -> Unreachable:
        around.clock.advance(4)
        return Unreachable()

    around.network.answer(GRAPH, slow_and_broken)
    with pytest.raises(graph_errors.GraphUnavailable):
        around.list()
    assert [request.seconds for request in around.network.requests] == [10.0, 6.0]


def test_an_answer_that_takes_too_long_is_not_asked_for_again() -> None:
    around = Surroundings()
    around.network.answer(GRAPH, TooSlow())
    with pytest.raises(graph_errors.GraphTimeout):
        around.list()
    assert len(around.network.requests) == 1


def test_a_rejected_token_is_told_from_every_other_refusal() -> None:
    around = Surroundings()
    around.network.answer(GRAPH, graph_error(401, "InvalidAuthenticationToken"))
    with pytest.raises(TokenRejected) as raised:
        around.list()
    assert raised.value.claims is None


def test_a_rejected_token_says_what_graph_demands_of_the_next_one() -> None:
    claims = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}'
    challenge = f'Bearer realm="", error="insufficient_claims", claims="{base64.b64encode(claims.encode()).decode()}"'
    around = Surroundings()
    around.network.answer(GRAPH, Answer(401, {"www-authenticate": challenge}, b"{}"))
    with pytest.raises(TokenRejected) as raised:
        around.list()
    assert raised.value.claims == claims


@pytest.mark.parametrize("code", ["ErrorItemNotFound", "ErrorInvalidIdMalformed", "erroritemnotfound"])
@pytest.mark.parametrize("status", [404, 400])
def test_an_unknown_message_is_gone(code: str, status: int) -> None:
    around = Surroundings()
    around.network.answer(GRAPH, graph_error(status, code))
    with pytest.raises(graph_errors.MessageNotFound) as raised:
        Mail(around.graph).message(ACCESS, "x", False, Deadline(around.clock, 9))
    assert raised.value.graph_code == code


@pytest.mark.parametrize("body", [{}, {"id": None}, {"id": 7}, []])
def test_a_message_without_id_is_no_message(body: object) -> None:
    around = Surroundings()
    around.network.answer(GRAPH, json_answer(body))
    with pytest.raises(graph_errors.GraphBadAnswer):
        Mail(around.graph).message(ACCESS, "x", False, Deadline(around.clock, 9))


@pytest.mark.parametrize("text", ["<b>", "a b", "x" * 129, "", "a\r\nb", "é"])
def test_a_request_id_that_is_none_is_not_passed_on(text: str) -> None:
    around = Surroundings()
    around.network.answer(GRAPH, Answer(500, {"request-id": text}, b"{}"))
    with pytest.raises(graph_errors.GraphBadAnswer) as raised:
        around.list()
    assert raised.value.request_id is None


@pytest.mark.parametrize("text", ["AAMk-_==", "a/b+c", "é𝒜", "\ud800", "x" * 1000, "%2F", "'"])
def test_an_id_survives_the_way_out_and_back(text: str) -> None:
    public = public_id(text)
    assert public.isascii()
    assert not set(public) & set("/+=%")
    if text != "\ud800":
        assert graph_id(public) == text


@pytest.mark.parametrize("text", ["", "=", "a", "A===", "Zg==", "a/b", "Li4", "Lg", "AA", "gA", "x" * 2049])
def test_what_never_was_an_id_of_ours_is_not_found(text: str) -> None:
    with pytest.raises(graph_errors.MessageNotFound):
        graph_id(text)


class Crowd:
    """Requests that stay under way until they are let go; counts how many there are at once."""

    def __init__(self) -> None:
        self.network = FakeNetwork()
        self.graph = Graph(config(), self.network, SystemClock())
        self.go = threading.Event()
        self.under_way = threading.Semaphore(0)
        self.network.answer(GRAPH, self._answer)

    def _answer(self, request: Request) -> Answer:
        self.under_way.release()
        assert self.go.wait(20)
        return EMPTY

    def ask(self, mailbox: str, seconds: float = 15.0) -> tuple[list[Any], str | None]:
        return Mail(self.graph).messages(Access(ACCESS.token, mailbox), INBOX, Deadline(SystemClock(), seconds))

    def wait_for(self, number: int) -> None:
        for _ in range(number):
            assert self.under_way.acquire(timeout=20)


def test_a_fifth_request_for_one_mailbox_waits_and_is_then_refused_while_others_go_on() -> None:
    crowd = Crowd()
    with ThreadPoolExecutor(8) as pool:
        four: list[Future[Any]] = [pool.submit(crowd.ask, "full") for _ in range(4)]
        crowd.wait_for(4)
        fifth = pool.submit(crowd.ask, "full", 0.2)
        other = pool.submit(crowd.ask, "other")
        crowd.wait_for(1)
        assert isinstance(fifth.exception(20), graph_errors.MailboxBusy)
        assert len(crowd.network.requests) == 5, "the fifth never reached Graph"
        crowd.go.set()
        assert [future.result(20) for future in [*four, other]] == [([], None)] * 5


def test_a_fifth_request_goes_as_soon_as_one_of_the_four_has_ended() -> None:
    crowd = Crowd()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(crowd.ask, "full") for _ in range(5)]
        crowd.wait_for(4)
        crowd.go.set()
        assert [future.result(20) for future in asked] == [([], None)] * 5


def test_a_turn_is_given_back_whatever_happens() -> None:
    around = Surroundings()
    around.network.answer(GRAPH, graph_error(500, "InternalServerError"))
    for _ in range(9):
        with pytest.raises(graph_errors.GraphBadAnswer):
            around.list()
