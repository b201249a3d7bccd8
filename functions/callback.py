"""GET auth/callback: match the state with its pending sign-in, redeem the code, start a session."""

from __future__ import annotations

import re

import azure.functions as func

from shared import errors, http, log, pending
from shared.auth import CodeAlreadyRedeemed
from shared.clock import Deadline
from shared.cookies import Cookie, Jar
from shared.device import label
from shared.entra_errors import redirect_error
from shared.paths import safe_return_path
from shared.pending import PendingSignIn
from shared.services import Services
from shared.token_store import SECONDS as STORAGE_SECONDS

SECONDS = 20.0
_CODE = re.compile(r"[\x21-\x7e]{1,4096}")
_ERROR = re.compile(r"[a-z_]{1,64}")


def callback(request: func.HttpRequest, services: Services) -> http.Response:
    """303 to where the person wanted to go, with a new session.

    The state is compared before anything else, so a callback that this browser did not begin calls nobody and changes
    nothing. Every failure of a sign-in that it did begin is answered here, for its pending cookie goes with it; an
    existing session is never touched by one.
    """
    if http.is_prefetch(request):
        return http.Response(b"", 204)
    given = http.parameters(request)
    code, state, error = (given.get(name, "") for name in ("code", "state", "error"))
    if bool(code) == bool(error) or not _CODE.fullmatch(code or "x") or not _ERROR.fullmatch(error or "x") or not state:
        raise errors.InvalidRequest
    jar = Jar(request.headers.get("cookie", ""), services.config)
    try:
        sign_in = pending.take(jar, state, services.clock.now())
    except errors.SignInExpired as problem:
        log.event("sign_in_failed", code=problem.code)
        raise
    done = jar.end_pending(sign_in.state, sign_in.issued)
    try:
        if error:
            raise redirect_error(error, given)
        return _signed_in(code, sign_in, label(request.headers.get("user-agent", "")), jar, done, services)
    except CodeAlreadyRedeemed:
        return http.redirect(services.config.public_url + "/", cookies=[done])
    except errors.DrawbridgeError as problem:
        return _failed(problem, sign_in, done, request, services)


def _signed_in(
    code: str, sign_in: PendingSignIn, device: str, jar: Jar, done: Cookie, services: Services
) -> http.Response:
    deadline = Deadline(services.clock, SECONDS)
    identity, tokens = services.auth.redeem(sign_in, code, deadline)
    value = services.sessions.start(identity, tokens, device, deadline.within(STORAGE_SECONDS))
    step_up = "yes" if sign_in.claims else None
    log.event("signed_in", step_up=step_up, tenant=identity.tenant_id, person=identity.object_id)
    replaced = [sign_in.replaces] if sign_in.replaces else services.sessions.keys(jar.session_values())
    (own,) = services.sessions.keys([value])
    try:
        services.sessions.end(replaced, deadline.within(STORAGE_SECONDS), "replaced")
        services.signed_in.keep_to_cap(identity, own, deadline.within(STORAGE_SECONDS))
    except errors.StorageUnavailable:
        log.event("older_sessions_left", tenant=identity.tenant_id, person=identity.object_id)
    location = services.config.public_url + safe_return_path(sign_in.return_to)
    return http.redirect(location, cookies=[done, jar.session(value)])


def _failed(
    problem: errors.DrawbridgeError, sign_in: PendingSignIn, done: Cookie, request: func.HttpRequest, services: Services
) -> http.Response:
    problem.return_to = safe_return_path(sign_in.return_to)
    log.event("sign_in_failed", code=problem.code)
    answer = http.error_answer(problem, request, services.config, log.trace())
    answer.headers.add("Set-Cookie", done.header())
    return answer
