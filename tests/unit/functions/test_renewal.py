"""GET api/messages when tokens must be renewed: what each answer of Entra's and Graph's means for the person."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.wire import Answer, OutboundError, Unreachable
from tests.fakes.entra import refusal
from tests.fakes.graph import GRAPH, graph_error
from tests.fakes.network import Request, json_answer
from tests.fakes.site import Browser, Seen, Site
from tests.fakes.store import CHANGED, UNAVAILABLE, UNKNOWN_AFTER, UNKNOWN_BEFORE, Fault

CLAIMS = '{"access_token":{"capolids":{"essential":true,"values":["00000000-0000-0000-0000-000000000001"]}}}'
MESSAGE = "/api/messages/" + base64.urlsafe_b64encode(b"message-1").rstrip(b"=").decode()


def expired() -> tuple[Site, Browser]:
    """A browser whose access token has expired."""
    site = Site()
    browser = site.signed_in()
    site.clock.advance(3601)
    return site, browser


def refreshes(site: Site) -> int:
    """How many refresh grants were sent."""
    sent = site.network.sent(site.entra.token_endpoint)
    return sum(request.form["grant_type"] == "refresh_token" for request in sent)


def wants_the_person(answer: Seen) -> bool:
    """A 401 that leads to a sign-in which brings what was demanded."""
    assert (answer.status, answer.code) == (401, "interaction_required")
    query = parse_qs(urlsplit(answer.json()["login_url"]).query)
    assert answer.cookies == []
    return query["step_up"] == ["1"]


@pytest.mark.parametrize(
    "refused",
    [
        refusal("interaction_required", 70043, suberror="token_expired", claims=CLAIMS),
        refusal("login_required", 50058),
        refusal("consent_required", 65001),
        refusal("invalid_grant", 65001, suberror="consent_required"),
        refusal("invalid_grant", 50076, suberror="basic_action", claims=CLAIMS),
        refusal("invalid_grant", 50079, suberror="additional_action"),
        refusal("invalid_grant", 53003, suberror="message_only", claims=CLAIMS),
        refusal("invalid_grant", 50076, claims=CLAIMS),
        refusal("invalid_grant", 1, suberror="of_tomorrow"),
        refusal("of_tomorrow", 1),
    ],
    ids=lambda answer: json.loads(answer.body)["error"] + " " + json.loads(answer.body).get("suberror", ""),
)
def test_where_entra_wants_the_person_every_route_says_so_and_entra_is_asked_once(refused: Answer) -> None:
    site, browser = expired()
    before = browser.session
    site.network.answer_once(site.entra.token_endpoint, refused)
    for target in ("/api/messages", MESSAGE, "/auth/me", "/auth/sessions", *["/api/messages"] * 7):
        assert wants_the_person(browser.fetch(target))
    assert (refreshes(site), len(site.store.session_rows()), site.graph.sent()) == (1, 1, [])
    address = urlsplit(browser.fetch("/api/messages").json()["login_url"])
    answer = browser.navigate(f"{address.path}?{address.query}")
    if b"capolids" in refused.body:
        demanded = json.loads(parse_qs(urlsplit(answer.location).query)["claims"][0])
        assert demanded["access_token"]["capolids"]["values"] == ["00000000-0000-0000-0000-000000000001"]
    assert browser.navigate(browser.callback(answer.location)).status == 303
    assert browser.fetch("/api/messages").status == browser.fetch("/auth/me").status == 200
    assert browser.session != before
    assert len(site.store.session_rows()) == 1, "the session that waited is replaced"


def test_a_person_whom_entra_wants_may_sign_out_instead() -> None:
    site, browser = expired()
    site.network.answer_once(site.entra.token_endpoint, refusal("login_required"))
    browser.fetch("/api/messages")
    assert browser.fetch("/auth/logout", "POST").status == 200
    assert site.store.session_rows() == []


def our_fault(number: int) -> Answer:
    """Entra refuses the app itself."""
    refused = refusal("invalid_client", number)
    return Answer(401, refused.headers, refused.body)


THROTTLED = Answer(429, {"content-type": "text/plain", "retry-after": "3"}, b"Too Many Requests")


def test_throttling_in_plain_text_is_understood_and_its_time_kept() -> None:
    site, browser = expired()
    site.network.answer_once(site.entra.token_endpoint, THROTTLED)
    for _ in range(5):
        answer = browser.fetch("/api/messages")
        assert (answer.status, answer.code) == (503, "entra_unavailable")
        assert int(answer.header("Retry-After") or 0) >= 3
        assert "login_url" not in answer.json()
    assert (refreshes(site), len(site.store.session_rows())) == (1, 1)
    site.clock.advance(4)
    assert browser.fetch("/api/messages").status == 200
    assert refreshes(site) == 2


def test_throttling_ahead_of_expiry_is_not_noticed() -> None:
    site = Site()
    browser = site.signed_in()
    site.clock.advance(3470)
    site.network.answer(site.entra.token_endpoint, THROTTLED)
    for _ in range(10):
        assert browser.fetch("/api/messages").status == 200
    assert {request.headers["Authorization"] for request in site.graph.sent()} == {"Bearer access-1"}
    assert refreshes(site) == 1


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (THROTTLED, "entra_unavailable"),
        (json_answer({}, 500), "entra_unavailable"),
        (json_answer({}, 503, retry_after="3"), "entra_unavailable"),
        (Answer(502, {"content-type": "text/html"}, b"<html>"), "entra_unavailable"),
        (Unreachable(), "entra_unavailable"),
        (Answer(200, {"content-type": "text/html"}, b"<html>"), "entra_bad_answer"),
        (Answer(200, {}, b'{"access_tok'), "entra_bad_answer"),
        (our_fault(7000222), "app_registration_refused"),
    ],
)
def test_what_the_person_cannot_mend_signs_nobody_out_and_goes_by(failure: Answer | OutboundError, code: str) -> None:
    site, browser = expired()
    site.network.answer_once(site.entra.token_endpoint, failure)
    answer = browser.fetch("/api/messages")
    assert (answer.status in (502, 503), answer.code) == (True, code)
    assert ("login_url" in answer.json(), answer.cookies) == (False, [])
    assert browser.fetch("/auth/me").status == 200
    site.clock.advance(int(answer.header("Retry-After") or 0))
    assert browser.fetch("/api/messages").status == 200
    assert len(site.store.session_rows()) == 1


@pytest.mark.parametrize("number", [7000222, 7000215])
def test_a_secret_of_ours_that_has_expired_is_nobodys_sign_out(number: int) -> None:
    site = Site()
    browsers = [site.signed_in() for _ in range(20)]
    site.clock.advance(3601)
    site.network.answer(site.entra.token_endpoint, our_fault(number))
    for browser in browsers:
        answer = browser.fetch("/api/messages")
        assert (answer.status, answer.code, answer.cookies) == (503, "app_registration_refused", [])
        assert "login_url" not in answer.json()
    assert len(site.store.session_rows()) == 20
    assert refreshes(site) <= 40
    site.network.answer(site.entra.token_endpoint, lambda request: json_answer(site.entra.token_answer()))
    assert [browser.fetch("/api/messages").status for browser in browsers] == [200] * 20


@pytest.mark.parametrize(
    "refused",
    [
        refusal("invalid_grant", 700082, suberror="bad_token"),
        refusal("invalid_grant", 70008, suberror="token_expired"),
        refusal("invalid_grant", 50173),
    ],
)
def test_a_dead_grant_ends_the_session_and_no_other(refused: Answer) -> None:
    site, browser = expired()
    other = site.signed_in()
    site.network.answer_once(site.entra.token_endpoint, refused)
    for target in ("/api/messages", "/auth/me", "/api/messages"):
        answer = browser.fetch(target)
        assert (answer.status, answer.code) == (401, "not_signed_in")
        assert "step_up" not in answer.json()["login_url"]
    assert refreshes(site) == 1
    assert other.fetch("/api/messages").status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"oid": "44444444-4444-4444-8444-444444444444"},
        {"tid": "44444444-4444-4444-8444-444444444444"},
        {"sub": "another"},
        {"iss": "https://login.microsoftonline.com/44444444-4444-4444-8444-444444444444/v2.0"},
        {"aud": "another"},
    ],
)
def test_tokens_of_somebody_else_end_the_session_and_reach_nobody(changes: dict[str, str]) -> None:
    site, browser = expired()
    site.entra.claims = changes
    for target in ("/api/messages", "/auth/me"):
        assert browser.fetch(target).code == "not_signed_in"
    assert (site.store.session_rows(), site.graph.sent()) == ([], [])


def test_a_permission_that_was_taken_back_is_403_without_a_loop_and_the_session_says_what_is_left() -> None:
    site, browser = expired()
    site.entra.answer = {"scope": "User.Read openid profile"}
    for _ in range(5):
        answer = browser.fetch("/api/messages")
        assert (answer.status, answer.code) == (403, "consent_required")
        assert "login_url" in answer.json()
    assert (refreshes(site), site.graph.sent()) == (1, [])
    assert browser.fetch("/auth/me").json()["scopes"] == ["User.Read", "openid", "profile"]
    site.clock.advance(3601)
    site.entra.answer = {}
    assert browser.fetch("/api/messages").status == 200, "given again, it works again"


@pytest.mark.parametrize(
    "scope",
    [
        None,
        "Mail.Read User.Read",
        "mail.read USER.READ openid",
        "https://graph.microsoft.com/User.Read https://graph.microsoft.com/Mail.Read",
        "User.Read Mail.Read Mail.ReadWrite",
    ],
)
def test_permissions_may_be_named_in_any_way_or_not_at_all(scope: str | None) -> None:
    site, browser = expired()
    site.entra.answer = {"scope": scope}
    assert browser.fetch("/api/messages").status == 200


def test_default_stands_for_all_that_the_registration_says() -> None:
    site = Site(GRAPH_SCOPES="https://graph.microsoft.com/.default")
    browser = site.signed_in()
    assert browser.fetch("/api/messages").status == 200


def challenge(claims: str = CLAIMS) -> Answer:
    """Graph's 401 with a claims challenge, as it words it."""
    encoded = base64.b64encode(claims.encode()).decode()
    header = (
        f'Bearer realm="", authorization_uri=https://login.example/, error="insufficient_claims", claims="{encoded}"'
    )
    rejected = graph_error(401, "InvalidAuthenticationToken")
    return Answer(401, {**rejected.headers, "www-authenticate": header}, rejected.body)


def demanded(request: Request) -> Any:
    return json.loads(request.form["claims"])["access_token"].get("capolids")


def test_what_graph_demands_is_tried_once_at_entra_and_goes_by_unseen() -> None:
    site = Site()
    browser = site.signed_in()
    site.graph.fails(challenge())
    assert browser.fetch("/api/messages").status == 200
    assert demanded(site.network.sent(site.entra.token_endpoint)[-1]) == json.loads(CLAIMS)["access_token"]["capolids"]
    assert (refreshes(site), len(site.graph.sent())) == (1, 2)


def only_lists_are_challenged(site: Site) -> None:
    """Let Graph demand claims for lists, whatever token it is given, and give single messages."""
    site.network.answer(f"{GRAPH}/me/mailFolders", challenge())


@pytest.mark.parametrize("entra", ["gives tokens", "wants the person"])
def test_a_step_up_for_one_resource_leaves_the_rest_working(entra: str) -> None:
    site = Site()
    browser = site.signed_in()
    only_lists_are_challenged(site)
    if entra == "wants the person":
        site.network.answer_once(site.entra.token_endpoint, refusal("interaction_required", 50076))
    for _ in range(5):
        assert wants_the_person(browser.fetch("/api/messages"))
        assert browser.fetch(MESSAGE).status == browser.fetch("/auth/me").status == 200
    assert refreshes(site) == 1
    answer = browser.navigate("/auth/login?step_up=1")
    claims = json.loads(parse_qs(urlsplit(answer.location).query)["claims"][0])
    assert claims["access_token"]["capolids"] == json.loads(CLAIMS)["access_token"]["capolids"]


@pytest.mark.parametrize("fault", [UNKNOWN_BEFORE, UNKNOWN_AFTER, CHANGED, UNAVAILABLE])
@pytest.mark.parametrize("before", [0, 1], ids=["at the lease", "at the tokens"])
def test_storage_faults_of_a_refresh_never_mean_signed_out(before: int, fault: Fault) -> None:
    site, browser = expired()
    site.store.script("merge", *[None] * before, fault)
    answers = [browser.fetch("/api/messages") for _ in range(2)]
    assert answers[0].status == 200 or (answers[0].status, answers[0].code) == (503, "storage_unavailable")
    assert answers[1].status == 200
    assert refreshes(site) == 1
