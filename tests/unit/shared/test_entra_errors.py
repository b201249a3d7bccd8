"""What becomes of a session when Entra refuses to refresh its tokens: by `error` and `suberror`, never by a number."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from shared import errors
from shared.clock import http_date
from shared.secret import Secret
from shared.session_rows import Session, Tokens
from shared.token_store import Row
from shared.wire import Answer, OutboundError, TooSlow, Unreachable
from tests.fakes.build import World, identity, world
from tests.fakes.clock import START
from tests.fakes.entra import PERSON, TENANT, refusal
from tests.fakes.network import json_answer

CLAIMS = '{"access_token":{"capolids":{"essential":true,"values":["00000000-0000-0000-0000-000000000001"]}}}'


def refused(answer: Answer | OutboundError, problem: type[errors.DrawbridgeError]) -> Any:
    """The error that a refresh ends with."""
    around = world()
    around.network.answer(around.entra.token_endpoint, answer)
    with pytest.raises(problem) as raised:
        refresh(around)
    return raised.value


def refresh(around: World) -> Tokens:
    tokens = Tokens(Secret("access-canary"), Secret("refresh-canary"), 0, ("Mail.Read",), 0)
    session = Session("secret", Row("p", "k", {}), identity(tenant_id=TENANT, object_id=PERSON), tokens)
    return around.services.auth.refresh(session, around.deadline())


@pytest.mark.parametrize(
    ("number", "suberror"),
    [
        pytest.param(700082, "bad_token", id="nobody has used it for ninety days"),
        pytest.param(700082, "", id="nobody has used it for ninety days, and Entra gives no suberror"),
        pytest.param(70008, "", id="it has expired"),
        pytest.param(70000, "", id="it is no token of Entra's"),
        pytest.param(50173, "bad_token", id="an administrator has revoked it, or the password was reset"),
        pytest.param(70043, "token_expired", id="a policy ended it, and nothing is asked of the person"),
        pytest.param(50057, "", id="the account is disabled"),
    ],
)
def test_a_grant_is_dead_when(number: int, suberror: str) -> None:
    refused(refusal("invalid_grant", number, suberror=suberror), errors.NotSignedIn)


@pytest.mark.parametrize(
    ("error", "number", "suberror", "claims"),
    [
        pytest.param("invalid_grant", 50076, "basic_action", CLAIMS, id="a second factor is due"),
        pytest.param("invalid_grant", 50079, "basic_action", CLAIMS, id="a second factor must be set up"),
        pytest.param("invalid_grant", 50076, "", CLAIMS, id="there are claims, though no suberror"),
        pytest.param(
            "invalid_grant", 50173, "bad_token", CLAIMS, id="there are claims, though the token is called bad"
        ),
        pytest.param("invalid_grant", 53003, "message_only", None, id="conditional access blocks"),
        pytest.param("invalid_grant", 65001, "consent_required", None, id="consent is missing"),
        pytest.param("invalid_grant", 50158, "additional_action", CLAIMS, id="an external challenge is to be met"),
        pytest.param("invalid_grant", 50055, "user_password_expired", None, id="the password has expired"),
        pytest.param("invalid_grant", 1, "protection_policy_required", None, id="the device must be protected"),
        pytest.param("invalid_grant", 1, "client_mismatch", None, id="the client does not match"),
        pytest.param("invalid_grant", 1, "device_authentication_failed", None, id="the device was not recognised"),
        pytest.param("invalid_grant", 1, "of_tomorrow", None, id="the suberror is one that nobody knows yet"),
        pytest.param("interaction_required", 70043, "token_expired", CLAIMS, id="the sign-in policy ran out"),
        pytest.param("interaction_required", 50079, "", None, id="interaction is required without more words"),
        pytest.param("login_required", 50058, "", None, id="a login is required"),
        pytest.param("consent_required", 65001, "", CLAIMS, id="consent is required"),
    ],
)
def test_the_session_stays_and_the_person_is_asked_when(
    error: str, number: int, suberror: str, claims: str | None
) -> None:
    more = {"claims": claims} if claims else {}
    assert refused(refusal(error, number, suberror=suberror, **more), errors.InteractionRequired).claims == claims


@pytest.mark.parametrize("claims", ["{}", "not json", '{"access_token":7}', {"access_token": {}}, "[" * 9000, 7])
def test_claims_that_cannot_be_carried_on_still_keep_the_session(claims: object) -> None:
    answer = refusal("invalid_grant", 50076, claims=claims)
    assert refused(answer, errors.InteractionRequired).claims is None


@pytest.mark.parametrize(
    ("error", "number", "status"),
    [
        pytest.param("invalid_client", 7000215, 401, id="its secret is wrong"),
        pytest.param("invalid_client", 7000222, 401, id="its secret has expired"),
        pytest.param("invalid_client", 700024, 400, id="its assertion is out of date"),
        pytest.param("unauthorized_client", 700016, 400, id="the tenant does not know it"),
        pytest.param("invalid_scope", 70011, 400, id="it asks for a scope that there is not"),
        pytest.param("invalid_resource", 500011, 400, id="it asks for a resource that there is not"),
        pytest.param("invalid_request", 900144, 400, id="its request lacks something"),
    ],
)
def test_the_app_itself_is_at_fault_and_nobody_is_signed_out_when(
    error: str, number: int, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "drawbridge"):
        refused(Answer(status, {}, refusal(error, number).body), errors.AppRegistrationRefused)
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    (line,) = [line for line in lines if line["event"] == "app_registration_refused"]
    assert (line["reason"], line["codes"]) == (error, f"[{number}]")
    assert "renew the client secret" in line["remedy"]
    assert not any(word in caplog.text for word in ("client-secret", "canary", "AADSTS"))


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        pytest.param(Answer(429, {"retry-after": "3"}, b"Too Many Requests"), 3, id="throttled in plain text"),
        pytest.param(Answer(429, {"retry-after": http_date(START + 90)}, b""), 90, id="throttled until a date"),
        pytest.param(Answer(429, {}, b"Too Many Requests"), 5, id="throttled without saying for how long"),
        pytest.param(json_answer({"error": "invalid_grant"}, 429, retry_after="7"), 7, id="throttled in JSON"),
        pytest.param(Answer(503, {"retry-after": "20"}, b"<html>"), 20, id="unavailable for twenty seconds"),
        pytest.param(Answer(500, {}, b""), 5, id="broken"),
        pytest.param(json_answer({"error": "invalid_grant"}, 504), 5, id="a gateway that gave up"),
        pytest.param(refusal("temporarily_unavailable", 90033), 5, id="unavailable in its own words"),
        pytest.param(refusal("server_error", 90055), 5, id="broken in its own words"),
        pytest.param(Unreachable(), 5, id="out of reach"),
        pytest.param(TooSlow(), 5, id="too slow"),
    ],
)
def test_the_session_stays_for_another_time_while_entra_is(answer: Answer | OutboundError, seconds: int) -> None:
    assert refused(answer, errors.EntraUnavailable).retry_after == seconds


@pytest.mark.parametrize("number", [50076, 50173, 53003, 54005, 65001, 700082, 7000215, 90033])
@pytest.mark.parametrize(
    ("error", "suberror", "problem"),
    [
        ("invalid_grant", "bad_token", errors.NotSignedIn),
        ("invalid_grant", "basic_action", errors.InteractionRequired),
        ("interaction_required", "", errors.InteractionRequired),
        ("invalid_client", "", errors.AppRegistrationRefused),
        ("temporarily_unavailable", "", errors.EntraUnavailable),
    ],
)
def test_no_number_ever_changes_what_an_error_means(
    number: int, error: str, suberror: str, problem: type[errors.DrawbridgeError]
) -> None:
    refused(refusal(error, number, suberror=suberror), problem)


def test_a_refused_refresh_is_logged_with_its_words_and_whom_it_concerns(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "drawbridge"):
        refused(refusal("invalid_grant", 50076, suberror="basic_action", claims=CLAIMS), errors.InteractionRequired)
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    (line,) = [line for line in lines if line["event"] == "refresh_failed"]
    assert line == {
        "event": "refresh_failed",
        "reason": "invalid_grant",
        "suberror": "basic_action",
        "codes": "[50076]",
        "tenant": TENANT,
        "person": PERSON,
    }
