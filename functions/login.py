"""GET auth/login: remember a pending sign-in in the browser, and send the person to Entra."""

from __future__ import annotations

import re

import azure.functions as func

from shared import errors, http, pending
from shared.clock import Deadline
from shared.cookies import Jar
from shared.paths import safe_return_path
from shared.services import Services

SECONDS = 10.0
_KNOWN = ("return_to", "login_hint", "domain_hint", "prompt", "consent")
_PROMPTS = ("login", "select_account", "consent")
_HINT = re.compile(r"[^\x00-\x20\x7f<>\"\\]{1,320}")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]{1,253}")


def login(request: func.HttpRequest, services: Services) -> http.Response:
    """302 to Entra's authorization endpoint. Only a page being opened starts a sign-in; storage is not touched.

    Raises errors.NotSignedIn for a fetch, errors.InvalidRequest, EntraUnavailable (before the first discovery).
    """
    if http.is_prefetch(request):
        return http.Response(b"", 204)
    if not http.is_navigation(request):
        raise errors.NotSignedIn
    given = http.parameters(request, _KNOWN)
    return_to = safe_return_path(given.get("return_to", "/"))
    jar = Jar(request.headers.get("cookie", ""), services.config)
    replaced = services.sessions.keys(jar.session_values())
    sign_in, address = services.auth.begin(
        _options(given, services), return_to, replaced[0] if replaced else "", Deadline(services.clock, SECONDS)
    )
    return http.redirect(address, 302, cookies=pending.remember(sign_in, jar))


def _options(given: dict[str, str], services: Services) -> dict[str, str]:
    options = {name: value for name, value in given.items() if name != "return_to" and value}
    wrong = (
        options.get("prompt", "login") not in _PROMPTS
        or not _HINT.fullmatch(options.get("login_hint", "x"))
        or not _DOMAIN.fullmatch(options.get("domain_hint", "x"))
        or options.get("consent", "") not in ("", *services.config.optional_scopes)
    )
    if wrong:
        raise errors.InvalidRequest
    return options
