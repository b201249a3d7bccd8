"""Checks of a running app from outside, as a browser meets it. Nobody signs in, and nothing is changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

from dev.doctor.browsing import FETCH, NAVIGATION, Answer, Browser, Unreachable
from dev.doctor.entra_codes import code_in, fix_of
from dev.doctor.verdicts import Verdict, ok, unknown, warning, wrong

_DEPLOY = "publish the app again, and look at the log stream for an import error"
_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_COOKIE = re.compile(r"__Host-drawbridge-sign-in-\d+-[\w-]+=[\w-]+((?:; [\w-]+(?:=[^;]*)?)+)")
_WANTED = {"path=/", "secure", "httponly", "samesite=lax"}


def examine(url: str, browser: Browser) -> Iterator[Verdict]:
    """Every check of the app at `url` (scheme and host). Stops after the first where nothing answers there."""
    try:
        live = browser.send("GET", f"{url}/health/live")
    except Unreachable as problem:
        yield wrong(
            "reachable",
            f"{url} gives no answer: {problem}",
            "compare the address; `az functionapp show` names the host",
        )
        return
    if live.status != 200 or '"live"' not in live.body:
        yield wrong("live", f"health/live answers {live.status}", _DEPLOY)
        return
    yield ok("live", "health/live answers 200")
    checks: tuple[Callable[[str, Browser], Iterator[Verdict]], ...] = (
        _transport,
        _ready,
        _sign_in,
        _session_cookie,
        _headers,
        _host,
        _closed,
    )
    for check in checks:
        try:
            yield from check(url, browser)
        except Unreachable as problem:
            yield unknown(check.__name__.strip("_"), f"no answer: {problem}", "run it again")


def _transport(url: str, browser: Browser) -> Iterator[Verdict]:
    if not url.startswith("https:"):
        yield warning("https", "this address is plain http, which only loopback may use", "look at the https address")
        return
    plain = browser.send("GET", "http:" + url.removeprefix("https:") + "/health/live")
    if plain.status in (301, 302, 307, 308) and plain.header("location").startswith("https:"):
        yield ok("https", "plain http is redirected")
    else:
        yield wrong(
            "https", f"plain http answers {plain.status}", "set httpsOnly on the site (infra/modules/site.bicep does)"
        )


def _ready(url: str, browser: Browser) -> Iterator[Verdict]:
    answer = browser.send("GET", f"{url}/health/ready", FETCH)
    if answer.status == 200:
        yield ok("ready", "settings are right, and the session table answers")
        return
    code = _code(answer)
    fixes = {
        "not_configured": "the log has an event `not_configured` that names each wrong setting: deploy infra/ again",
        "storage_unavailable": "give the identity Storage Table Data Contributor on the tables (it takes minutes)",
        "keys_unavailable": "give the identity Key Vault Crypto Service Encryption User on the key of SEALING_KEY_ID",
    }
    yield wrong("ready", f"health/ready answers {answer.status} {code}".rstrip(), fixes.get(code, _DEPLOY))


def _sign_in(url: str, browser: Browser) -> Iterator[Verdict]:
    answer = browser.send("GET", f"{url}/auth/login", NAVIGATION)
    location = urlsplit(answer.header("location"))
    if answer.status != 302 or not location.netloc:
        yield wrong(
            "sign-in", f"auth/login answers {answer.status} {_code(answer)}".rstrip(), "see `ready`, and the log"
        )
        return
    query = {name: values[0] for name, values in parse_qs(location.query).items()}
    yield from _request(url, query)
    yield from _pending_cookie(url, answer)
    page = browser.send("GET", answer.header("location"), NAVIGATION)
    code = code_in(page.body) or code_in(page.header("location"))
    if code is not None:
        yield wrong("registration", f"Entra answers AADSTS{code}", fix_of(code))
    elif page.status >= 400:
        yield unknown("registration", f"Entra answers {page.status}", "open auth/login in a browser, and read the page")
    else:
        yield ok("registration", f"Entra at {location.hostname} takes the request")


def _request(url: str, query: dict[str, str]) -> Iterator[Verdict]:
    expected = f"{url}/auth/callback"
    if query.get("redirect_uri") != expected:
        reason = f"the redirect URI is {query.get('redirect_uri')}, not {expected}"
        yield wrong(
            "redirect URI", reason, "set PUBLIC_URL to the origin that people see, and register its redirect URI"
        )
    else:
        yield ok("redirect URI", expected)
    if query.get("code_challenge_method") == "S256" and query.get("response_type") == "code" and query.get("nonce"):
        yield ok("flow", "authorization code with PKCE (S256), state and nonce")
    else:
        yield wrong("flow", "not the authorization code flow with PKCE", _DEPLOY)


def _pending_cookie(url: str, answer: Answer) -> Iterator[Verdict]:
    """The cookie of a sign-in that is under way, to the letter."""
    lines = [line for line in answer.cookies if "drawbridge-sign-in-" in line]
    if not url.startswith("https:"):
        return
    match = _COOKIE.fullmatch(lines[0]) if lines else None
    attributes = {part.strip().lower() for part in match[1].split(";") if part.strip()} if match else set()
    if any(part.startswith("domain") for part in attributes) or "domain=" in "".join(lines).lower():
        yield wrong(
            "cookie", "it carries a Domain, so browsers refuse it", "something between changes cookies: " + _DEPLOY
        )
    elif not attributes >= _WANTED:
        yield wrong("cookie", "it lacks " + ", ".join(sorted(_WANTED - attributes)), _DEPLOY)
    else:
        yield ok("cookie", "__Host- name, Path=/, Secure, HttpOnly, SameSite, no Domain")


def _session_cookie(url: str, browser: Browser) -> Iterator[Verdict]:
    """Signing out without a session shows how the session cookie is written, without changing anything."""
    answer = browser.send("POST", f"{url}/auth/logout", {**FETCH, "Origin": url})
    lines = [line for line in answer.cookies if "session=" in line]
    if answer.status != 200 or not lines:
        yield wrong("session cookie", f"auth/logout answers {answer.status} {_code(answer)}".rstrip(), "see `ready`")
    elif "domain" in lines[0].lower() or "samesite=strict" not in lines[0].lower():
        yield wrong("session cookie", "Domain or SameSite is not as it was sent", "something between changes cookies")
    else:
        yield ok("session cookie", "SameSite=Strict, no Domain")


def _headers(url: str, browser: Browser) -> Iterator[Verdict]:
    for path, name in (("/", "headers of the page"), ("/nothing-here", "headers of the host's own 404")):
        answer = browser.send("GET", url + path, NAVIGATION)
        missing = [header for header, value in _HEADERS.items() if answer.header(header) != value]
        if "default-src 'none'" not in answer.header("content-security-policy"):
            missing.append("content-security-policy")
        if missing:
            yield wrong(
                name,
                "not as sent: " + ", ".join(missing),
                "compare host.json's customHeaders, and what stands in front",
            )
        else:
            yield ok(name, "as sent")


def _host(url: str, browser: Browser) -> Iterator[Verdict]:
    page = browser.send("GET", f"{url}/", NAVIGATION)
    if page.status == 200 and "<title>" in page.body and "Drawbridge" in page.body:
        yield ok("page", "the inbox page is at /")
    else:
        yield wrong(
            "page", f"/ answers {page.status}, not with the inbox page", "set AzureWebJobsDisableHomepage to true"
        )
    api = browser.send("GET", f"{url}/api/messages", FETCH)
    if api.status == 401 and _code(api) == "not_signed_in":
        yield ok("api", "401 not_signed_in without a session")
    else:
        yield wrong("api", f"api/messages answers {api.status} {_code(api)}".rstrip(), _DEPLOY)


def _closed(url: str, browser: Browser) -> Iterator[Verdict]:
    origin = "https://somewhere-else.example"
    asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    answers = (
        browser.send("OPTIONS", f"{url}/api/messages", asked),
        browser.send("GET", f"{url}/api/messages", {"Origin": origin}),
    )
    if any(answer.header("access-control-allow-origin") for answer in answers):
        yield wrong("cors", "other origins are let in", "remove every origin under CORS of the site")
    else:
        yield ok("cors", "no other origin is let in")
    admin = browser.send("GET", f"{url}/admin/functions")
    local = urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")
    if admin.status in (401, 403, 404) or local:
        yield ok("admin", "admin/functions is closed" if not local else "open here, as it is on every local host")
    else:
        yield wrong("admin", f"admin/functions answers {admin.status}", "ask for the host's keys to be renewed")


def _code(answer: Answer) -> str:
    """The stable code of an error answer of the app's."""
    try:
        return str(json.loads(answer.body)["code"])
    except (ValueError, KeyError, TypeError):
        return ""
