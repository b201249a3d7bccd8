"""Claims challenges of the imitated services: who is challenged, what satisfies them, and what the person sees."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from dev.sandbox.control_client import ControlError
from tests.integration.test_sandbox_pages import choose, submit
from tests.support.sandbox_client import Client, Reply, fetch, query_of

STEP_UP = {"access_token": {"acrs": {"essential": True, "value": "c1"}}}
UNQUOTED = "authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize,"


def refreshed(client: Client, refresh_token: str, claims: Any = None) -> dict[str, Any]:
    data = {"claims": json.dumps(claims)} if claims else {}
    result: dict[str, Any] = client.msal.acquire_token_by_refresh_token(refresh_token, ["Mail.Read"], data=data)
    return result


def demanded(reply: Reply) -> Any:
    """The claims of a 401."""
    assert (reply.status, reply.json["error"]["code"]) == (401, "InvalidAuthenticationToken")
    header = reply.headers["www-authenticate"]
    assert UNQUOTED in header
    found = re.search(r'error="insufficient_claims", claims="([^"]+)"', header)
    assert found
    return json.loads(base64.b64decode(found[1], validate=True))


def test_revoked_access_is_challenged_until_a_token_is_issued_later(client: Client) -> None:
    tokens = client.sign_in()
    client.sandbox.control.revoke_access("guest")
    assert client.graph("/me", tokens["access_token"]).status == 200
    client.sandbox.control.revoke_access("work")
    claims = demanded(client.graph("/me", tokens["access_token"]))
    assert claims["access_token"]["nbf"]["essential"] is True
    assert claims["access_token"]["nbf"]["value"].isdecimal()
    again = refreshed(client, tokens["refresh_token"], claims)
    assert client.graph("/me", again["access_token"]).status == 200
    assert demanded(client.graph("/me", tokens["access_token"])) == claims


def test_a_demand_concerns_one_part_of_graph_and_leaves_the_rest_alone(client: Client) -> None:
    tokens = client.sign_in()
    assert client.sandbox.control.demand_step_up(resource="graph.message") == STEP_UP
    assert client.graph("/me/messages", tokens["access_token"]).status == 200
    assert demanded(client.graph("/me/messages/abc", tokens["access_token"])) == STEP_UP
    assert "access_token" in refreshed(client, tokens["refresh_token"])


@pytest.mark.parametrize("error", ["invalid_grant", "interaction_required"])
def test_a_refresh_that_asks_for_the_claims_is_refused_with_them(client: Client, error: str) -> None:
    tokens = client.sign_in()
    client.sandbox.control.demand_step_up("work", claims=STEP_UP, error=error)
    refused = refreshed(client, tokens["refresh_token"], STEP_UP)
    assert (refused["error"], refused["suberror"]) == (error, "basic_action")
    assert json.loads(refused["claims"]) == STEP_UP
    plain = refreshed(client, tokens["refresh_token"])
    assert demanded(client.graph("/me", plain["access_token"])) == STEP_UP


def test_a_policy_for_every_refresh_asks_for_the_person_at_once(client: Client) -> None:
    tokens = client.sign_in()
    client.sandbox.control.demand_step_up(resource="token", error="interaction_required")
    assert client.graph("/me", tokens["access_token"]).status == 200
    refused = refreshed(client, tokens["refresh_token"])
    assert (refused["error"], json.loads(refused["claims"])) == ("interaction_required", STEP_UP)
    proved = client.sign_in(claims_challenge=json.dumps(STEP_UP))
    assert "access_token" in refreshed(client, proved["refresh_token"])


def test_a_sign_in_that_brings_the_claims_satisfies_and_so_do_its_refreshes(client: Client) -> None:
    client.sandbox.control.demand_step_up()
    plain = client.sign_in()
    assert demanded(client.graph("/me", plain["access_token"])) == STEP_UP
    proved = client.sign_in(claims_challenge=json.dumps(STEP_UP))
    again = refreshed(client, proved["refresh_token"], STEP_UP)
    for tokens in (proved, again):
        assert client.graph("/me", tokens["access_token"]).status == 200
    client.sandbox.control.reset()
    assert client.graph("/me", plain["access_token"]).status == 200


def test_the_person_is_asked_to_verify_and_may_cancel(client: Client) -> None:
    flow = client.begin(claims_challenge=json.dumps(STEP_UP))
    question = choose(client, flow["auth_uri"], "work")
    assert "Verify your identity" in question.text
    assert "acrs" in question.text
    location = submit(client.sandbox, question.text, "decision", "cancel").headers["location"]
    assert query_of(location)["error"] == "access_denied"


def test_approving_leads_on_to_consent_and_then_to_the_app(client: Client) -> None:
    flow = client.begin(claims_challenge=json.dumps(STEP_UP))
    question = choose(client, flow["auth_uri"], "work")
    onward = submit(client.sandbox, question.text, "decision", "approve")
    assert onward.status == 303
    consent = fetch(f"{client.sandbox.http_url}{onward.headers['location']}")
    assert "Read your mail" in consent.text
    location = submit(client.sandbox, consent.text, "decision", "accept").headers["location"]
    assert "code" in query_of(location)


def test_nobody_gets_past_the_question_by_asking_for_the_next_one(client: Client) -> None:
    flow = client.begin(claims_challenge=json.dumps(STEP_UP))
    question = choose(client, flow["auth_uri"], "work")
    page = question.text.replace("/verify", "/consent").replace('value="approve"', 'value="accept"')
    onward = submit(client.sandbox, page, "decision", "accept")
    assert (onward.status, "/verify?" in onward.headers["location"]) == (303, True)


def test_a_client_that_only_says_what_it_can_do_asks_nobody_to_verify(client: Client) -> None:
    flow = client.begin(claims_challenge='{"access_token":{"xms_cc":{"values":["CP1"]}}}')
    assert "Permissions requested" in choose(client, flow["auth_uri"], "work").text


def test_a_demand_on_what_is_no_resource_is_refused(client: Client) -> None:
    with pytest.raises(ControlError, match="resource is one of"):
        client.sandbox.control.demand_step_up(resource="mail")
