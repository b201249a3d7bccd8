"""GET auth/login: remember a pending sign-in in the browser, and send the person to Entra."""

from __future__ import annotations

import re

import azure.functions as func

from shared import errors, http, pending
from shared.clock import Deadline
from shared.cookies import Jar
from shared.paths import safe_return_path
from shared.services import Services
from shared.token_store import SECONDS as STORAGE_SECONDS

SECONDS = 10.0
_KNOWN = ("return_to", "step_up", "login_hint", "domain_hint", "prompt", "consent")
_PROMPTS = ("login", "select_account", "consent")
_HINT = re.compile(r"[^\x00-\x20\x7f<>\"\\]{1,320}")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]{1,253}")


def login(request: func.HttpRequest, services: Services) -> http.Response:
    """302 to Entra's authorization endpoint. Only a page being opened starts a sign-in.

    `step_up=1` takes along the claims that this browser's session is waiting for; all else never touches storage.
    Raises errors.NotSignedIn for a fetch, errors.InvalidRequest, EntraUnavailable (before the first discovery), and
    for a step-up StorageUnavailable and KeysUnavailable.
    """
    if http.is_prefetch(request):
        return http.Response(b"", 204)
    if not http.is_navigation(request):
        raise errors.NotSignedIn
    given = http.parameters(request, _KNOWN)
    return_to = safe_return_path(given.get("return_to", "/"))
    options = _options(given, services)
    jar = Jar(request.headers.get("cookie", ""), services.config)
    replaced = services.sessions.keys(jar.session_values())
    deadline = Deadline(services.clock, SECONDS)
    claims = _step_up(options, jar, services, deadline) if options.pop("step_up", "") else None
    sign_in, address = services.auth.begin(options, return_to, replaced[0] if replaced else "", claims, deadline)
    return http.redirect(address, 302, cookies=pending.remember(sign_in, jar))


def _step_up(options: dict[str, str], jar: Jar, services: Services, deadline: Deadline) -> str | None:
    """The claims that the session keeps for its next sign-in, and into the options the account that they are for."""
    session = services.sessions.find(jar.session_values(), deadline.within(STORAGE_SECONDS))
    if session is None:
        return None
    who = session.identity
    hint = who.login_hint or who.preferred_username
    if hint and options.get("prompt") != "select_account":
        options.setdefault("login_hint", hint)
    return session.challenge.claims or None if session.challenge else None


def _options(given: dict[str, str], services: Services) -> dict[str, str]:
    options = {name: value for name, value in given.items() if name != "return_to" and value}
    wrong = (
        options.get("prompt", "login") not in _PROMPTS
        or options.get("step_up", "1") != "1"
        or not _HINT.fullmatch(options.get("login_hint", "x"))
        or not _DOMAIN.fullmatch(options.get("domain_hint", "x"))
        or options.get("consent", "") not in ("", *services.config.optional_scopes)
    )
    if wrong:
        raise errors.InvalidRequest
    return options
