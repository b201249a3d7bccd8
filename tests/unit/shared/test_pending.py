"""Sign-ins under way, in a jar that keeps and drops cookies as a browser does."""

from __future__ import annotations

import base64
import json
import secrets

import pytest

from shared import errors, pending
from shared.cookies import Cookie, Jar
from shared.paths import MOST_BYTES
from shared.pending import PendingSignIn
from tests.fakes import build
from tests.fakes.clock import START

CONFIG = build.config()
NOW = int(START)
REPLACES = "a20260108/" + "k" * 43
NAME = "__Host-drawbridge-sign-in-"


def sign_in(issued: int = NOW, return_to: str = "/", replaces: str = "", claims: str | None = None) -> PendingSignIn:
    """A new one, of the sizes that MSAL makes."""
    state, verifier, nonce = (secrets.token_urlsafe(size) for size in (16, 32, 16))
    return PendingSignIn(state, issued, verifier, nonce, return_to, replaces, claims)


class Browser:
    """Keeps cookies by name; a Max-Age of 0 takes one away."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}

    @property
    def jar(self) -> Jar:
        return Jar("; ".join(f"{name}={value}" for name, value in self.cookies.items()), CONFIG)

    def keep(self, cookies: list[Cookie]) -> None:
        for cookie in cookies:
            self.cookies.pop(cookie.name, None)
            if cookie.max_age != 0:
                self.cookies[cookie.name] = cookie.value


def only(value: str, state: str = "s" * 22) -> Jar:
    return Jar(f"{NAME}{NOW}-{state}={value}", CONFIG)


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims(size: int) -> str:
    """Claims of that many bytes, with as many quotes as fit."""
    text = '{"access_token":{"acrs":{"values":["c1",' + '"",' * ((size - 46) // 3)
    return text + '"' + "c" * (size - len(text) - 6) + '"]}}}'


def test_the_callback_finds_what_the_login_remembered() -> None:
    browser, begun = Browser(), sign_in(return_to="/inbox?a=b", replaces=REPLACES, claims=claims(60))
    browser.keep(pending.remember(begun, browser.jar))
    assert pending.take(browser.jar, begun.state, START) == begun


@pytest.mark.parametrize(("size", "kept"), [(400, True), (401, False), (9000, False)])
def test_claims_of_more_than_400_bytes_stay_behind(size: int, kept: bool) -> None:
    browser, begun = Browser(), sign_in(claims=claims(size))
    assert begun.claims is not None
    assert len(begun.claims) == size
    browser.keep(pending.remember(begun, browser.jar))
    assert pending.take(browser.jar, begun.state, START).claims == (begun.claims if kept else None)


def test_pending_cookies_stay_under_1200_bytes_at_the_longest_return_path_and_claims() -> None:
    begun = sign_in(return_to="/" + "a" * (MOST_BYTES - 1), replaces=REPLACES, claims=claims(400))
    (cookie,) = pending.remember(begun, Jar("", CONFIG))
    assert len(cookie.header()) <= 1200


def test_fifty_logins_leave_five_pending_of_which_every_one_works() -> None:
    browser, begun = Browser(), [sign_in(NOW + number) for number in range(50)]
    for one in begun:
        browser.keep(pending.remember(one, browser.jar))
        assert len(browser.cookies) <= pending.MOST == 5
    for one in begun[-5:]:
        assert pending.take(browser.jar, one.state, START + 50) == one
    for one in begun[:-5]:
        with pytest.raises(errors.SignInExpired):
            pending.take(browser.jar, one.state, START + 50)


def test_all_pending_cookies_together_stay_under_6_kilobytes_at_the_worst() -> None:
    browser = Browser()
    for number in range(50):
        path = "/" + "a" * (MOST_BYTES - 1)
        begun = sign_in(NOW + number, return_to=path, replaces=REPLACES, claims=claims(400))
        browser.keep(pending.remember(begun, browser.jar))
    assert sum(len(name) + len(value) + 3 for name, value in browser.cookies.items()) < 6000


def test_a_browser_with_too_many_sheds_all_of_them_at_the_next_login() -> None:
    browser = Browser()
    browser.cookies = {f"{NAME}{NOW + number}-{'s' * 20}{number:02}": "abc" for number in range(30)}
    begun = sign_in(NOW + 60)
    browser.keep(pending.remember(begun, browser.jar))
    assert len(browser.cookies) == 5
    assert pending.take(browser.jar, begun.state, START + 60) == begun


def test_several_tabs_finish_their_sign_ins_in_any_order() -> None:
    browser, begun = Browser(), [sign_in(NOW) for _ in range(5)]
    for one in begun:
        browser.keep(pending.remember(one, browser.jar))
    for one in reversed(begun):
        assert pending.take(browser.jar, one.state, START) == one
        browser.keep([browser.jar.end_pending(one.state, one.issued)])
    assert browser.cookies == {}


@pytest.mark.parametrize("age", [-300, -1, 0, 600])
def test_a_sign_in_counts_for_ten_minutes_and_through_small_errors_of_clocks(age: int) -> None:
    begun = sign_in()
    (cookie,) = pending.remember(begun, Jar("", CONFIG))
    assert pending.take(Jar(f"{cookie.name}={cookie.value}", CONFIG), begun.state, START + age) == begun


@pytest.mark.parametrize("age", [-301, 601, 3600, 86400 * 365])
def test_a_sign_in_that_is_too_old_says_where_the_person_wanted_to_go(age: int) -> None:
    begun = sign_in(return_to="/inbox?a=b")
    (cookie,) = pending.remember(begun, Jar("", CONFIG))
    with pytest.raises(errors.SignInExpired) as refused:
        pending.take(Jar(f"{cookie.name}={cookie.value}", CONFIG), begun.state, START + age)
    assert refused.value.return_to == "/inbox?a=b"


@pytest.mark.parametrize("state", ["", "s", "another-state-of-22-chr", "\0", "é"])
def test_a_state_that_this_browser_does_not_know_finds_nothing(state: str) -> None:
    browser = Browser()
    browser.keep(pending.remember(sign_in(), browser.jar))
    with pytest.raises(errors.SignInExpired):
        pending.take(browser.jar, state, START)


GOOD = ["verifier", "nonce", "/", "", None]


def test_the_values_below_are_refused_for_their_fault_alone() -> None:
    assert pending.take(only(encoded(GOOD)), "s" * 22, START).code_verifier == "verifier"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a",
        "!!!!",
        "%41",
        "é",
        "_" * 1100,
        encoded(None),
        encoded(1),
        encoded("four"),
        encoded({"a": 1, "b": 2, "c": 3, "d": 4}),
        encoded({"a": 1, "b": 2, "c": 3, "d": 4, "e": {"access_token": {}}}),
        encoded(dict.fromkeys("abcde", 1)),
        encoded([]),
        encoded(GOOD[:4]),
        encoded([*GOOD, "more"]),
        encoded([1, *GOOD[1:]]),
        encoded([None, *GOOD[1:]]),
        encoded([["verifier"], *GOOD[1:]]),
        encoded(["\ud800", *GOOD[1:]]),
        encoded([GOOD[0], "\ud800", *GOOD[2:]]),
        encoded([*GOOD[:2], "/\ud800", *GOOD[3:]]),
        encoded([*GOOD[:3], "a20260108/short", None]),
        encoded([*GOOD[:3], "a20260108/" + "k" * 44, None]),
        encoded([*GOOD[:3], "../" + "k" * 43, None]),
        encoded([*GOOD[:3], f"a20260108/{'k' * 42}'", None]),
        encoded([*GOOD[:4], "claims"]),
        encoded([*GOOD[:4], {}]),
        encoded([*GOOD[:4], {"access_token": 7}]),
        encoded([*GOOD[:4], {"access_token": {"a": float("nan")}}]),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        base64.urlsafe_b64encode(b"[" * 3000).decode(),
        base64.urlsafe_b64encode(b"[" * 18000).decode(),  # deeper than the JSON parser goes
        "20260108." + "k" * 43,
    ],
)
def test_a_value_that_was_tampered_with_is_refused_as_an_expired_sign_in(value: str) -> None:
    with pytest.raises(errors.SignInExpired):
        pending.take(only(value), "s" * 22, START)


def test_a_pending_value_is_no_session_and_a_session_value_no_pending_sign_in() -> None:
    app = build.world()
    session, begun = app.sign_in(), sign_in()
    with pytest.raises(errors.NotSignedIn):
        app.services.sessions.open([begun.encoded()], app.deadline())
    with pytest.raises(errors.SignInExpired):
        pending.take(only(session), "s" * 22, START)
