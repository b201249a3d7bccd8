"""GET, POST auth/logout: the question, and ending the session here and at Entra."""

from __future__ import annotations

import azure.functions as func

from shared import errors, http, log, pages
from shared.clock import Deadline, iso
from shared.cookies import Jar
from shared.services import Services
from shared.token_store import SECONDS as STORAGE_SECONDS

ENTRA_SECONDS = 2.0


def confirm(request: func.HttpRequest, services: Services) -> http.Response:
    """The page that asks. Its form may be redirected to Entra, which `form-action` must allow."""
    answer = http.page_answer(pages.sign_out_page())
    elsewhere = "'self' https:" if services.config.https else "'self' https: http:"
    answer.headers["Content-Security-Policy"] = http.CONTENT_SECURITY_POLICY.format(form_action=elsewhere)
    return answer


def sign_out(request: func.HttpRequest, services: Services) -> http.Response:
    """Delete the session and its cookie, then lead to Entra's sign-out: 303 for a form, 200 {"location"} for a fetch.

    The cookie goes in any case. Where storage does not answer: 503, saying what is left and until when.
    Raises errors.CrossSite.
    """
    http.require_own_page(request, services.config)
    jar = Jar(request.headers.get("cookie", ""), services.config)
    deadline = Deadline(services.clock, STORAGE_SECONDS)
    login_hint, values = "", jar.session_values()
    try:
        if values:
            login_hint = _ended(values, services, deadline)
    except errors.StorageUnavailable as problem:
        return _incomplete(problem, request, jar, services)
    location = services.auth.sign_out_url(login_hint, Deadline(services.clock, ENTRA_SECONDS))
    if http.wants_page(request):
        return http.redirect(location, cookies=[jar.end_session()])
    return http.json_answer({"location": location}, cookies=[jar.end_session()])


def _ended(values: list[str], services: Services, deadline: Deadline) -> str:
    """End every session that the cookies name; give back the hint by which Entra knows the account.

    Without its key a session cannot be opened, but it can be ended.
    """
    session = None
    try:
        session = services.sessions.find(values, deadline)
    except errors.KeysUnavailable:
        # Waiting for the key may have taken all the time that the table was given.
        deadline = Deadline(services.clock, STORAGE_SECONDS)
    services.sessions.end(services.sessions.keys(values), deadline)
    return session.identity.login_hint if session else ""


def _incomplete(
    problem: errors.StorageUnavailable, request: func.HttpRequest, jar: Jar, services: Services
) -> http.Response:
    log.event("sign_out_incomplete")
    # The idle time-out would promise too much: whoever has a copy of the cookie can keep the session busy.
    until = iso(services.clock.now() + services.config.session_max_age)
    location = services.auth.sign_out_url("", Deadline(services.clock, ENTRA_SECONDS))
    if http.wants_page(request):
        return http.page_answer(pages.sign_out_incomplete_page(location, until), 503, cookies=[jar.end_session()])
    problem.detail = (
        "This browser has forgotten the session, but it could not be deleted; "
        f"a copy of its cookie works until {until} at the latest."
    )
    problem.location = location
    answer = http.error_answer(problem, request, services.config, log.trace())
    answer.headers.add("Set-Cookie", jar.end_session().header())
    return answer
