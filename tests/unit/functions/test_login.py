"""GET auth/login: what leaves for Entra, what stays in the browser, and who may begin at all."""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import msal
import pytest

from shared import pending
from shared.cookies import Jar
from shared.pending import PendingSignIn
from shared.wire import Unreachable
from tests.fakes.build import PUBLIC_URL
from tests.fakes.entra import CLIENT_ID, HOST
from tests.fakes.network import json_answer
from tests.fakes.site import FETCH, NAVIGATION, Browser, Site
from tests.fakes.store import UNAVAILABLE
from tests.support.client import Cookie


def asked(address: str) -> dict[str, str]:
    """The query of the sign-in address; a repeated name would be lost here, so none may be."""
    pairs = parse_qsl(urlsplit(address).query, keep_blank_values=True, strict_parsing=True)
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


def kept(browser: Browser, state: str) -> PendingSignIn:
    """The pending sign-in as the browser keeps it."""
    header = "; ".join(f"{name}={value}" for name, value in browser.jar.items())
    return pending.take(Jar(header, browser.site.services.config), state, browser.site.clock.now())


def test_login_uses_the_code_flow_with_s256_state_and_nonce() -> None:
    address = Site().browser().login()
    query = asked(address)
    assert address.partition("?")[0] == f"{HOST}/common/oauth2/v2.0/authorize"
    assert query["response_type"] == "code"
    assert query["response_mode"] == "query"
    assert query["client_id"] == CLIENT_ID
    assert query["redirect_uri"] == f"{PUBLIC_URL}/auth/callback"
    assert query["code_challenge_method"] == "S256"
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", query["code_challenge"])
    assert re.fullmatch(r"[A-Za-z0-9_-]{22,}", query["state"]), "128 bits are 22 characters of base64url"
    assert re.fullmatch(r"[0-9a-f]{64}", query["nonce"]), "the nonce is sent as its SHA-256"
    assert {"openid", "profile", "offline_access", "User.Read", "Mail.Read"} <= set(query["scope"].split())


def test_the_challenge_is_that_of_the_verifier_which_stays_in_the_browser() -> None:
    browser = Site().browser()
    address = browser.login()
    query = asked(address)
    sign_in = kept(browser, query["state"])
    hashed = base64.urlsafe_b64encode(hashlib.sha256(sign_in.code_verifier.encode()).digest()).rstrip(b"=").decode()
    assert query["code_challenge"] == hashed
    assert query["nonce"] == hashlib.sha256(sign_in.nonce.encode()).hexdigest()
    assert sign_in.code_verifier not in address
    assert sign_in.nonce not in address


def test_values_of_a_thousand_logins_never_repeat_and_are_long_enough() -> None:
    site = Site()
    seen: dict[str, set[str]] = {"state": set(), "code_challenge": set(), "nonce": set()}
    for _ in range(1000):
        query = asked(site.browser().login())
        for name, values in seen.items():
            values.add(query[name])
    assert {name: len(values) for name, values in seen.items()} == dict.fromkeys(seen, 1000)
    # 22 characters of base64url are 128 bits; each of them varies, so none belongs to a counter or a time stamp. The
    # last carries two bits.
    positions = [set(position) for position in zip(*seen["state"], strict=True)]
    assert len(positions) >= 22
    assert all(len(position) == 64 for position in positions[:21])


def test_msal_is_one_that_draws_its_values_from_secrets() -> None:
    assert tuple(int(part) for part in msal.__version__.split(".")[:2]) >= (1, 39)


def test_a_thousand_logins_touch_no_storage_and_ask_entra_for_its_document_once() -> None:
    site = Site()
    for _ in range(1000):
        site.browser().login("?return_to=/inbox")
    assert site.store.calls == []
    assert [request.url for request in site.network.requests] == [
        f"{HOST}/common/v2.0/.well-known/openid-configuration"
    ]


def test_login_works_while_storage_is_away() -> None:
    site = Site()
    browser = site.signed_in()
    site.store.script("read", *[UNAVAILABLE] * 5)
    assert browser.navigate("/auth/login").status == 302


def test_login_goes_on_with_the_known_document_while_entra_is_down() -> None:
    site = Site()
    site.browser().login()
    site.network.answer(HOST, json_answer({}, 503))
    site.clock.advance(25 * 3600)
    assert site.browser().navigate("/auth/login").status == 302


def test_login_before_entra_ever_answered_is_an_honest_503() -> None:
    site = Site()
    site.network.answer(HOST, Unreachable())
    answer = site.browser().navigate("/auth/login")
    assert (answer.status, answer.code) == (503, "entra_unavailable")
    assert answer.header("Retry-After") == "5"
    assert answer.cookies == []


def test_the_pending_cookie_is_lax_and_kept_for_ten_minutes_on_this_host_alone() -> None:
    answer = Site().browser().navigate("/auth/login")
    (cookie,) = answer.cookies
    assert cookie.name.startswith("__Host-")
    assert cookie.attributes == {"path": "/", "secure": "", "httponly": "", "samesite": "Lax", "max-age": "600"}
    assert not cookie.is_refused()


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-mode": "cors"},
        {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"sec-fetch-mode": "same-origin", "sec-fetch-dest": "empty"},
        {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
        {"sec-fetch-mode": "navigate", "sec-fetch-dest": "frame"},
        {"sec-fetch-mode": "navigate", "sec-fetch-dest": "embed"},
        {"sec-fetch-mode": "navigate", "sec-fetch-dest": "object"},
        {"sec-fetch-mode": "websocket", "sec-fetch-dest": "websocket"},
        {"sec-fetch-mode": "Navigate", "sec-fetch-dest": "document"},
    ],
)
def test_only_a_page_navigation_starts_a_login(headers: dict[str, str]) -> None:
    answer = Site().ask("GET", "/auth/login", {"accept": "application/json", **headers})
    assert (answer.status, answer.code) == (401, "not_signed_in")
    assert answer.cookies == []
    assert answer.header("Location") is None


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-purpose": "prefetch"},
        {"sec-purpose": "prefetch;prerender"},
        {"sec-purpose": "prefetch;anonymous-client-ip"},
        {"purpose": "prefetch"},
        {"purpose": "preview"},
        {"x-moz": "prefetch"},
        {"x-purpose": "preview"},
    ],
)
def test_a_prefetched_login_starts_nothing(headers: dict[str, str]) -> None:
    site = Site()
    answer = site.ask("GET", "/auth/login", {**NAVIGATION, **headers})
    assert (answer.status, answer.body, answer.cookies) == (204, b"", [])
    assert answer.header("Cache-Control") == "no-store"
    assert site.network.requests == []


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_login_is_registered_for_get_alone(method: str) -> None:
    with pytest.raises(LookupError):
        Site().ask(method, "/auth/login", NAVIGATION)


def test_a_browser_without_fetch_metadata_may_sign_in() -> None:
    assert Site().ask("GET", "/auth/login", {"accept": "text/html"}).status == 302


def test_a_fetch_is_told_where_to_sign_in() -> None:
    answer = Site().ask("GET", "/auth/login", FETCH)
    assert answer.json()["login_url"] == f"{PUBLIC_URL}/auth/login?return_to=/"


@pytest.mark.parametrize(
    "query",
    [
        "prompt=none",
        "prompt=LOGIN",
        "prompt=login&prompt=login",
        "prompt=login%0d%0aSet-Cookie:%20a=b",
        "prompt=login%20consent",
        "login_hint=a%0d%0ab",
        "login_hint=a%00b",
        "login_hint=%22%3E%3Cscript%3E",
        "login_hint=" + "x" * 321,
        "login_hint=a%20b",
        "login_hint=%ff%fe",
        "domain_hint=evil/../",
        "domain_hint=" + "x" * 254,
        "domain_hint=contoso.example%0d",
        "consent=Mail.ReadWrite",
        "consent=openid%20Mail.Send",
        "claims=%7B%22access_token%22%3A%7B%7D%7D",
        "claims=not-json",
        "scope=Mail.Send",
        "redirect_uri=https://evil.example/",
        "state=chosen",
        "nonce=chosen",
        "code_challenge=chosen",
        "response_mode=fragment",
        "tenant=evil",
        "step_up=0",
        "step_up=11",
        "step_up=1&step_up=1",
        "step_up=%7B%7D",
        "return_to=/a&return_to=/b",
        "RETURN_TO=/a",
        "login_hint=" + "x" * 10_000,
        "a=1&" * 31 + "b=2",
    ],
)
def test_login_parameters_are_allow_listed(query: str) -> None:
    answer = Site().ask("GET", "/auth/login?" + query, {"accept": "application/json"})
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.cookies == []


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        ("prompt=login", "prompt", "login"),
        ("prompt=select_account", "prompt", "select_account"),
        ("prompt=consent", "prompt", "consent"),
        ("login_hint=ada%40contoso.example", "login_hint", "ada@contoso.example"),
        ("domain_hint=contoso.example", "domain_hint", "contoso.example"),
    ],
)
def test_known_parameters_reach_entra_once_and_unchanged(query: str, name: str, value: str) -> None:
    assert asked(Site().browser().login("?" + query))[name] == value


def test_absent_and_empty_parameters_leave_nothing_in_the_address() -> None:
    query = asked(Site().browser().login("?prompt=&login_hint=&domain_hint=&consent=&step_up="))
    assert not {"prompt", "login_hint", "domain_hint", "consent"} & set(query)


def test_an_optional_permission_is_asked_for_only_where_the_settings_name_it() -> None:
    site = Site(GRAPH_OPTIONAL_SCOPES="Mail.ReadWrite")
    assert "Mail.ReadWrite" in asked(site.browser().login("?consent=Mail.ReadWrite"))["scope"].split()
    assert "Mail.ReadWrite" not in asked(site.browser().login())["scope"].split()


def test_a_permission_is_asked_for_without_the_default_ones_that_go_with_no_other() -> None:
    site = Site(GRAPH_SCOPES="https://graph.microsoft.com/.default", GRAPH_OPTIONAL_SCOPES="Mail.ReadWrite")
    scopes = asked(site.browser().login("?consent=Mail.ReadWrite"))["scope"].split()
    assert set(scopes) == {"Mail.ReadWrite", "openid", "profile", "offline_access"}


def test_a_guests_name_with_a_hash_is_a_hint_encoded_once() -> None:
    name = "ada_mail.example#EXT#@contoso.onmicrosoft.com"
    address = Site().browser().login("?login_hint=" + quote(name, safe=""))
    assert urlsplit(address).fragment == ""
    assert parse_qs(urlsplit(address).query)["login_hint"] == [name]
    assert address.isascii()


@pytest.mark.parametrize("return_to", ["//evil.example", "/\\evil.example", "https://evil.example/", "/auth/logout"])
def test_a_return_address_that_is_no_page_of_ours_becomes_the_inbox(return_to: str) -> None:
    browser = Site().browser()
    address = browser.login("?return_to=" + quote(return_to, safe=""))
    assert kept(browser, asked(address)["state"]).return_to == "/"


def test_a_return_address_on_this_origin_is_kept() -> None:
    browser = Site().browser()
    address = browser.login("?return_to=/%3Fmessage%3Dabc")
    assert kept(browser, asked(address)["state"]).return_to == "/?message=abc"


def test_the_login_of_a_signed_in_browser_remembers_which_session_it_will_replace() -> None:
    site = Site()
    browser = site.signed_in()
    row = site.store.session_rows()[0]
    assert kept(browser, asked(browser.login())["state"]).replaces == f"{row.partition}/{row.key}"


def test_five_sign_ins_may_be_under_way_and_a_sixth_pushes_out_the_oldest() -> None:
    site = Site()
    browser = site.browser()
    states = []
    for _ in range(6):
        states.append(asked(browser.login("?return_to=/" + "x" * 255))["state"])
        site.clock.advance(1)
    assert len(browser.pending) == 5
    assert [any(state in name for name in browser.pending) for state in states] == [False] + [True] * 5
    lines = [Cookie(name, value) for name, value in browser.pending.items()]
    assert all(len(line.name) + len(line.value) < 1200 for line in lines)
