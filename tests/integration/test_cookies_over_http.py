"""Our cookies on the wire, and other apps' cookies beside them."""

from __future__ import annotations

import base64
import http.client
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.support.client import BrowserClient

if TYPE_CHECKING:
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App, Apps
    from tests.support.storage_proxy import StorageProxy

SECRET = r"[0-9]{8}\.[A-Za-z0-9_-]{43}"
PENDING = r"[0-9]{10}-[A-Za-z0-9_-]{16,64}"

NEIGHBOURS = [
    b'prefs={"theme": "dark", "n": [1, 2]}',
    b"path=/old",
    b"expires=Wed",
    b"domain=evil.example",
    b"$Version=1",
    b"a b=c d",
    b"=x",
    b"; ;",
    b"novalue",
    b'q="un;closed',
    b'q="a\\"b"',
    b"emoji=\xf0\x9f\x8d\x8b",
    b"tab=\ta",
    b"eq===",
    b"comma=a,b",
    b"samesite=None",
    b"httponly",
    b"max-age=0",
    b"__Secure-x=1",
    b"percent=%00%ff%",
    b"drawbridge-session2=x",
    b"Drawbridge-Session=x",
    b"drawbridge-session=",
    b"drawbridge-session=%20",
]


def raw(app: App, path: str, cookie: bytes, accept: str = "application/json") -> http.client.HTTPResponse:
    """GET with a Cookie header of exactly these bytes; the answer is read."""
    connection = http.client.HTTPConnection(urlsplit(app.url).netloc, timeout=30)
    connection.putrequest("GET", path)
    for name, value in (("Sec-Fetch-Site", "same-origin"), ("Accept", accept)):
        connection.putheader(name, value)
    connection.putheader("Cookie", cookie)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def session_pair(app: App, browser: BrowserClient) -> bytes:
    cookie = browser.cookies(app.url)["drawbridge-session"]
    return f"{cookie.name}={cookie.value}".encode()


@pytest.mark.parametrize(
    ("https", "session", "sign_in_prefix", "secure"),
    [
        (False, "drawbridge-session", "drawbridge-sign-in-", ""),
        (True, "__Host-Http-session", "__Host-drawbridge-sign-in-", " Secure;"),
    ],
    ids=["http", "https"],
)
def test_cookies_reach_the_browser_as_designed(
    apps: Apps, sandbox: Sandbox, https: bool, session: str, sign_in_prefix: str, secure: str
) -> None:
    app = apps.get(https=https)
    browser = BrowserClient(sandbox.ca_file)
    begun = browser.navigate(f"{app.url}/auth/login")
    (line,) = begun.all("Set-Cookie")
    attributes = rf"Path=/;{secure} HttpOnly; SameSite=Lax"
    assert same_cookie(line, rf"{sign_in_prefix}{PENDING}=[A-Za-z0-9_-]+; Max-Age=600; {attributes}")
    ended = browser.navigate(sandbox.control.sign_in(begun.location), "cross-site")
    gone, kept = ended.all("Set-Cookie")
    assert same_cookie(gone, rf"{sign_in_prefix}{PENDING}=; Max-Age=0; {attributes}")
    strict = attributes.replace("Lax", "Strict")
    assert same_cookie(kept, rf"{session}={SECRET}; {strict}")
    assert browser.fetch(f"{app.url}/auth/me").status == 200
    out = browser.fetch(f"{app.url}/auth/logout", "POST")
    (line,) = out.all("Set-Cookie")
    assert same_cookie(line, rf"{session}=; Max-Age=0; {strict}")
    assert browser.cookies(app.url) == {}


def same_cookie(line: str, pattern: str) -> bool:
    """Whether a Set-Cookie line is the pattern's pair and exactly its attributes, in any order and case."""
    pair, *attributes = line.split("; ")
    wanted_pair, *wanted = pattern.split("; ")
    return bool(re.fullmatch(wanted_pair, pair)) and sorted(map(str.lower, attributes)) == sorted(
        part.lower() for part in wanted
    )


@pytest.mark.parametrize("neighbour", NEIGHBOURS, ids=range(len(NEIGHBOURS)))
def test_a_neighbours_cookie_hides_neither_session_nor_sign_in(
    app: App, sandbox: Sandbox, sign_in: SignIn, neighbour: bytes
) -> None:
    browser = sign_in(app)
    ours = session_pair(app, browser)
    unclosed = neighbour == b'q="un;closed'
    headers = {
        "first": ours + b"; " + neighbour,
        "between": b"a=1; " + neighbour + b"; " + ours + b"; " + neighbour,
        "last": neighbour + b"; " + ours,
    }
    for place, header in headers.items():
        for path in ("/auth/me", "/api/messages?top=1"):
            answer = raw(app, path, header)
            assert answer.status == 200 or (unclosed and place != "first"), (place, path)
            assert answer.getheader("Set-Cookie") is None
    fresh = BrowserClient()
    url = sandbox.control.sign_in(fresh.navigate(f"{app.url}/auth/login").location)
    (pending,) = fresh.cookies(app.url).values()
    header = f"{pending.name}={pending.value}; ".encode() + neighbour
    answer = raw(app, f"/auth/callback?{urlsplit(url).query}", header, "text/html")
    assert answer.status == 303


def test_bytes_that_are_not_utf8_are_refused_by_the_host_and_end_no_session(app: App, sign_in: SignIn) -> None:
    """Only the local host can show this: as Kestrel does, it answers 400 before any function runs."""
    ours = session_pair(app, sign_in(app))
    answer = raw(app, "/auth/me", ours + b"; caf\xe9=\xe9")
    assert (answer.status, answer.getheader("Set-Cookie")) == (400, None)
    assert raw(app, "/auth/me", ours).status == 200


def test_the_right_one_of_two_session_cookies_is_found(app: App, sign_in: SignIn) -> None:
    ours = session_pair(app, sign_in(app))
    planted = b"drawbridge-session=20270101." + b"A" * 43
    assert raw(app, "/auth/me", planted + b"; " + ours).status == 200
    assert raw(app, "/auth/me", ours + b"; " + planted).status == 200


def hostile_headers() -> dict[str, bytes]:
    """Cookie headers that are meant to cost much, by a name."""
    far = "99991231." + "A" * 43
    return {
        "backslashes": b'drawbridge-session="' + b"\\" * 16000 + b'"',
        "a thousand cookies": b"; ".join(b"c%d=1" % number for number in range(1000)),
        "bad base64": b"drawbridge-session=20261201." + b"!" * 43,
        "bad day": b"drawbridge-session=20269999." + b"A" * 43,
        "far day": f"drawbridge-session={far}".encode(),
        "past day": b"drawbridge-session=20200101." + b"A" * 43,
        "long value": b"drawbridge-session=" + b"A" * 16000,
        "quotes": b'"' * 16000,
    }


@pytest.mark.parametrize("name", hostile_headers())
def test_a_hostile_cookie_header_is_refused_at_once_without_storage(
    own_apps: Apps, proxy: StorageProxy, sandbox: Sandbox, name: str
) -> None:
    app = own_apps.get(SESSION_STORE=proxy.connection_string)
    raw(app, "/auth/me", b"x=1")
    proxy.heal()
    started = time.monotonic()
    answer = raw(app, "/auth/me", hostile_headers()[name])
    assert time.monotonic() - started < 1
    assert (answer.status, proxy.seen) == (401, [])


def test_a_thousand_session_cookies_cost_two_reads(own_apps: Apps, proxy: StorageProxy, sandbox: Sandbox) -> None:
    app = own_apps.get(SESSION_STORE=proxy.connection_string)
    days = time.strftime("%Y%m%d", time.gmtime(time.time() + 5 * 86400))
    pairs = [f"drawbridge-session={days}.{number:043d}" for number in range(200)]
    assert raw(app, "/auth/me", "; ".join(pairs).encode()).status == 401
    assert len([seen for seen in proxy.seen if seen.method == "GET"]) <= 2


def test_pending_cookies_stay_small_and_few(app: App, sandbox: Sandbox, browser_client: BrowserClient) -> None:
    browser = browser_client
    long_path = "/" + "a" * 1900
    for _ in range(8):
        browser.navigate(f"{app.url}/auth/login?return_to={long_path}")
    lines = [line for answer in browser.seen for line in answer.all("Set-Cookie")]
    assert max(map(len, lines)) <= 1200
    jar = browser.cookies(app.url)
    assert len(jar) <= 5
    assert sum(len(name) + len(cookie.value) for name, cookie in jar.items()) < 6000


def test_a_return_path_too_long_to_carry_becomes_the_inbox(
    app: App, sandbox: Sandbox, browser_client: BrowserClient
) -> None:
    begun = browser_client.navigate(f"{app.url}/auth/login?return_to=/{'a' * 1900}")
    answer = browser_client.navigate(sandbox.control.sign_in(begun.location), "cross-site")
    assert answer.location == f"{app.url}/"


def test_prefetched_logins_push_out_no_real_one(app: App, sandbox: Sandbox, browser_client: BrowserClient) -> None:
    begun = browser_client.navigate(f"{app.url}/auth/login")
    for _ in range(8):
        answer = browser_client.navigate(f"{app.url}/auth/login", headers={"Sec-Purpose": "prefetch"})
        assert (answer.status, answer.all("Set-Cookie")) == (204, [])
    assert browser_client.navigate(sandbox.control.sign_in(begun.location), "cross-site").status == 303
    assert list(browser_client.cookies(app.url)) == ["drawbridge-session"]


def test_six_thousand_bytes_of_foreign_cookies_do_no_harm(app: App, sign_in: SignIn) -> None:
    ours = session_pair(app, sign_in(app))
    foreign = b"; ".join(b"foreign%d=" % number + b"x" * 380 for number in range(15))
    for header in (ours + b"; " + foreign, foreign + b"; " + ours):
        assert raw(app, "/api/messages", header).status == 200


def test_a_pending_value_is_no_session_and_a_session_no_pending_value(
    app: App, sandbox: Sandbox, sign_in: SignIn
) -> None:
    session = session_pair(app, sign_in(app)).partition(b"=")[2]
    browser = BrowserClient()
    url = sandbox.control.sign_in(browser.navigate(f"{app.url}/auth/login").location)
    (pending,) = browser.cookies(app.url).values()
    assert raw(app, "/auth/me", b"drawbridge-session=" + pending.value.encode()).status == 401
    for value in (session, base64.urlsafe_b64encode(b"[1,2,3,4]").rstrip(b"="), b"W10", b"!", b""):
        answer = raw(app, f"/auth/callback?{urlsplit(url).query}", pending.name.encode() + b"=" + value)
        assert (answer.status, answer.getheader("Set-Cookie")) == (400, None)
