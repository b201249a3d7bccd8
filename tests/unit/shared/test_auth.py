"""Signing in with Entra through MSAL: what is asked, what an answer is worth, and who the result is about."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared import errors
from shared.auth import Auth, CodeAlreadyRedeemed
from shared.clock import Deadline
from shared.pending import PendingSignIn
from shared.secret import Secret
from shared.session_rows import Identity, Session, Tokens
from shared.token_store import Row
from shared.wire import Answer, Unreachable
from tests.fakes.build import PUBLIC_URL, World, identity, world
from tests.fakes.entra import CLIENT_ID, HOST, PERSON, TENANT, jwt, refusal
from tests.fakes.network import Request, json_answer

OTHER = "aaaaaaaa-0000-4000-8000-000000000001"
ABSENT = None


def begun(around: World, **options: str) -> tuple[PendingSignIn, str]:
    return around.services.auth.begin(options, "/", "", None, around.deadline())


def redeemed(around: World) -> tuple[Identity, Tokens]:
    pending, address = begun(around)
    code = parse_qs(urlsplit(around.entra.sign_in(address)).query)["code"][0]
    return around.services.auth.redeem(pending, code, around.deadline())


def signed_in(around: World, refresh: str | None = "refresh-old", who: Identity | None = None) -> Session:
    tokens = Tokens(Secret("access-old"), Secret(refresh) if refresh else None, 0, ("Mail.Read",), 0)
    return Session("secret", Row("p", "k", {}), who or replace(identity(), tenant_id=TENANT, object_id=PERSON), tokens)


def refreshed(around: World, session: Session | None = None) -> Tokens:
    return around.services.auth.refresh(session or signed_in(around), around.deadline())


def forms(around: World) -> list[dict[str, str]]:
    return [request.form for request in around.network.sent(around.entra.token_endpoint)]


def test_a_sign_in_knows_what_its_callback_will_need() -> None:
    around = world()
    pending, address = around.services.auth.begin({}, "/inbox", "a20260101/key", None, around.deadline())
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert (pending.state, pending.return_to, pending.replaces) == (query["state"], "/inbox", "a20260101/key")
    assert pending.issued == int(around.clock.now())
    assert len(pending.code_verifier) >= 43


def test_a_code_is_redeemed_with_our_secret_redirect_uri_and_verifier() -> None:
    around = world()
    who, tokens = redeemed(around)
    assert (who.tenant_id, who.object_id, who.subject) == (TENANT, PERSON, "subject")
    assert (tokens.access_token.reveal(), tokens.scopes) == ("access-1", ("User.Read", "Mail.Read"))
    assert tokens.refresh_token is not None
    (form,) = forms(around)
    assert form["grant_type"] == "authorization_code"
    assert form["client_id"] == CLIENT_ID
    assert form["client_secret"] == "client-secret"
    assert form["redirect_uri"] == f"{PUBLIC_URL}/auth/callback"


def test_without_a_secret_an_assertion_is_made_for_each_request() -> None:
    around = world()
    made: list[str] = []

    def assertion() -> str:
        made.append(f"assertion-{len(made)}")
        return made[-1]

    auth = Auth(around.config, around.network, around.clock, {"client_assertion": assertion})
    for _ in range(2):
        auth.refresh(signed_in(around), around.deadline())
    assert [form["client_assertion"] for form in forms(around)] == ["assertion-0", "assertion-1"]
    assert "client_secret" not in forms(around)[0]


def test_an_assertion_that_cannot_be_made_is_no_crash() -> None:
    around = world()

    def assertion() -> str:
        raise OSError("no identity endpoint")

    auth = Auth(around.config, around.network, around.clock, {"client_assertion": assertion})
    with pytest.raises(errors.EntraBadAnswer):
        auth.refresh(signed_in(around), around.deadline())


def test_a_code_that_was_redeemed_already_is_told_from_every_other_refusal() -> None:
    around = world()
    around.network.answer(around.entra.token_endpoint, refusal("invalid_grant", 54005))
    with pytest.raises(CodeAlreadyRedeemed):
        redeemed(around)


@pytest.mark.parametrize("codes", [ABSENT, "54005", 54005, ["54005"], [None], {}, [54006]])
def test_odd_error_codes_are_just_a_refusal(codes: object) -> None:
    around = world()
    around.network.answer(around.entra.token_endpoint, refusal("invalid_grant", 1, error_codes=codes))
    with pytest.raises(errors.SignInRefused):
        redeemed(around)


@pytest.mark.parametrize("life", [3600, "3600", 100, 86_399])
def test_a_life_is_counted_from_our_own_clock_a_little_short(life: int | str) -> None:
    around = world()
    around.entra.answer = {"expires_in": life}
    around.entra.claims = {"exp": int(around.clock.now()) + 240 + 3600, "iat": int(around.clock.now()) + 240}
    left = redeemed(around)[1].expires - around.clock.now()
    assert int(life) - 10 <= left < int(life)


@pytest.mark.parametrize(("life", "left"), [(0, 0), (-5, 0), (10**12, 30 * 86400 - 10)])
def test_an_absurd_life_is_bounded(life: int, left: int) -> None:
    around = world()
    around.entra.answer = {"expires_in": life}
    assert redeemed(around)[1].expires == int(around.clock.now()) + left


def test_a_refresh_sends_the_stored_token_and_gives_back_the_new_ones() -> None:
    around = world()
    tokens = refreshed(around)
    (form,) = forms(around)
    assert (form["grant_type"], form["refresh_token"]) == ("refresh_token", "refresh-old")
    assert tokens.access_token.reveal() == "access-1"
    assert tokens.refresh_token is not None
    assert tokens.refresh_token.reveal() == "refresh-1"


CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
CP1 = {"values": ["CP1"]}


def test_every_request_says_that_we_understand_claims_challenges() -> None:
    around = world()
    _, address = begun(around)
    redeemed(around)
    refreshed(around)
    sent = [*parse_qs(urlsplit(address).query)["claims"], *(form["claims"] for form in forms(around))]
    assert [json.loads(claims) for claims in sent] == [{"access_token": {"xms_cc": CP1}}] * 3


def test_claims_of_a_challenge_go_to_the_sign_in_page_and_with_the_code() -> None:
    around = world()
    pending, address = around.services.auth.begin({}, "/", "", CLAIMS, around.deadline())
    assert pending.claims == CLAIMS
    code = parse_qs(urlsplit(around.entra.sign_in(address)).query)["code"][0]
    around.services.auth.redeem(pending, code, around.deadline())
    (form,) = forms(around)
    for claims in (parse_qs(urlsplit(address).query)["claims"][0], form["claims"]):
        asked = {"acrs": {"essential": True, "value": "c1"}, "xms_cc": CP1}
        assert json.loads(claims) == {"access_token": asked}


def test_claims_of_a_challenge_go_with_the_refresh() -> None:
    around = world()
    around.services.auth.refresh(signed_in(around), around.deadline(), CLAIMS)
    (form,) = forms(around)
    assert json.loads(form["claims"])["access_token"] == {"acrs": {"essential": True, "value": "c1"}, "xms_cc": CP1}


@pytest.mark.parametrize(
    ("granted", "asked"),
    [
        (("Mail.Read",), {"Mail.Read"}),
        (("User.Read", "Mail.ReadWrite", "openid", "profile", "email"), {"User.Read", "Mail.ReadWrite"}),
        (("openid", "OpenID", "offline_access"), {"User.Read", "Mail.Read"}),
        ((), {"User.Read", "Mail.Read"}),
        (
            ("https://graph.microsoft.com/Mail.Read", "openid", "https://graph.microsoft.com/.default"),
            {"https://graph.microsoft.com/.default"},
        ),
    ],
)
def test_a_refresh_asks_for_what_the_session_was_granted(granted: tuple[str, ...], asked: set[str]) -> None:
    around = world()
    session = signed_in(around)
    refreshed(around, replace(session, tokens=replace(session.tokens, scopes=granted)))
    (form,) = forms(around)
    assert set(form["scope"].split()) == {*asked, "openid", "profile", "offline_access"}


def test_an_answer_without_a_new_refresh_token_keeps_the_old_one() -> None:
    around = world()
    around.entra.answer = {"refresh_token": ABSENT}
    kept = refreshed(around).refresh_token
    assert kept is not None
    assert kept.reveal() == "refresh-old"


def test_every_refresh_is_sent_for_nothing_of_an_earlier_one_is_kept() -> None:
    around = world()
    first, second = refreshed(around), refreshed(around)
    assert len(forms(around)) == 2
    assert first.access_token.reveal() != second.access_token.reveal()


def test_without_a_refresh_token_nobody_is_asked() -> None:
    around = world()
    with pytest.raises(errors.NotSignedIn):
        refreshed(around, signed_in(around, refresh=None))
    assert around.network.requests == []


def test_a_refresh_without_id_token_is_accepted() -> None:
    around = world()
    around.entra.answer = {"id_token": ABSENT}
    assert refreshed(around).access_token.reveal() == "access-1"


def client_info(uid: str) -> str:
    return base64.urlsafe_b64encode(json.dumps({"uid": uid, "utid": TENANT}).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("at_sign_in", "at_refresh", "taken"),
    [
        (client_info(PERSON), client_info(PERSON), True),
        (client_info(PERSON), client_info(OTHER), False),
        (client_info(PERSON), ABSENT, True),
        (client_info(PERSON), "no base64 of JSON", True),
        (ABSENT, client_info(OTHER), True),
    ],
)
def test_a_refresh_without_id_token_must_be_of_the_same_account_as_far_as_it_says(
    at_sign_in: str | None, at_refresh: str | None, taken: bool
) -> None:
    around = world()
    around.entra.answer = {"client_info": at_sign_in}
    who, _ = redeemed(around)
    around.entra.answer = {"client_info": at_refresh, "id_token": ABSENT}
    if taken:
        assert refreshed(around, signed_in(around, who=who)).access_token.reveal() == "access-2"
    else:
        with pytest.raises(errors.NotSignedIn):
            refreshed(around, signed_in(around, who=who))


@pytest.mark.parametrize(
    "claims",
    [
        {"tid": OTHER, "iss": f"{HOST}/{OTHER}/v2.0"},
        {"oid": OTHER},
        {"sub": "another"},
        {"iss": f"https://evil.example/{TENANT}/v2.0"},
        {"aud": OTHER},
        {"oid": ABSENT},
    ],
)
def test_a_refresh_that_is_about_somebody_else_is_not_taken(claims: dict[str, Any]) -> None:
    around = world()
    around.entra.claims = claims
    with pytest.raises(errors.NotSignedIn):
        refreshed(around)


@pytest.mark.parametrize("apart", [-86400, -3901, 301, 86400])
def test_a_clock_of_ours_that_is_wrong_makes_nobody_of_a_refresh_somebody_else(apart: int) -> None:
    around = world()
    then = int(around.clock.now()) + apart
    around.entra.claims = {"iat": then, "nbf": then, "exp": then + 3600}
    assert refreshed(around).access_token.reveal() == "access-1"
    with pytest.raises(errors.SignInRefused):
        redeemed(around)


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [("User.Read", ("User.Read",)), (ABSENT, ("Mail.Read",)), ("", ()), (7, None)],
)
def test_scopes_are_what_was_granted_or_what_was_asked_where_entra_does_not_say(
    scope: object, scopes: tuple[str, ...] | None
) -> None:
    around = world()
    around.entra.answer = {"scope": scope}
    if scopes is None:
        with pytest.raises(errors.EntraBadAnswer):
            refreshed(around)
    else:
        assert refreshed(around).scopes == scopes


def test_two_hundred_refreshes_at_once_never_mix_two_people() -> None:
    around = world()

    def answer(request: Request) -> Answer:
        person = request.form["refresh_token"].removeprefix("refresh-of-")
        claims = {**_claims(around), "oid": person}
        body = {**around.entra.token_answer(), "access_token": f"access-of-{person}", "id_token": jwt(claims)}
        return json_answer(body)

    around.network.answer(around.entra.token_endpoint, answer)
    around.services.auth.prepare(around.deadline())
    people = [f"33333333-3333-4333-8333-{number:012}" for number in range(200)]

    def refresh(person: str) -> str:
        who = replace(identity(), tenant_id=TENANT, object_id=person)
        return refreshed(around, signed_in(around, f"refresh-of-{person}", who)).access_token.reveal()

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(refresh, people)) == [f"access-of-{person}" for person in people]


def _claims(around: World) -> dict[str, Any]:
    now = int(around.clock.now())
    named = {"iss": f"{HOST}/{TENANT}/v2.0", "aud": CLIENT_ID, "ver": "2.0", "tid": TENANT, "sub": "subject"}
    return {**named, "exp": now + 3600, "iat": now}


def test_a_token_request_takes_at_most_seven_seconds_and_never_more_than_is_left() -> None:
    around = world()
    for seconds in (25.0, 3.0):
        around.services.auth.refresh(signed_in(around), Deadline(around.clock, seconds))
    assert [request.seconds for request in around.network.sent(around.entra.token_endpoint)] == [7.0, 3.0]


def test_msal_is_made_anew_only_for_a_new_document() -> None:
    around = world()
    for _ in range(3):
        refreshed(around)
    assert len(around.network.sent(f"{around.config.authority}/v2.0/.well-known")) == 1
    moved = f"{around.config.authority}/oauth2/v3.0/token"
    document = {**around.entra.discovery(), "token_endpoint": moved}
    around.network.answer(f"{around.config.authority}/v2.0/.well-known", json_answer(document))
    around.network.answer(moved, lambda request: json_answer(around.entra.token_answer()))
    around.clock.advance(24 * 3600)
    refreshed(around)
    assert len(around.network.sent(moved)) == 1


def test_sign_out_leads_to_entra_and_back_here_even_before_its_document_was_read() -> None:
    around = world()
    url = around.services.auth.sign_out_url("hint #1", around.deadline())
    assert parse_qs(urlsplit(url).query) == {"post_logout_redirect_uri": [PUBLIC_URL + "/"], "logout_hint": ["hint #1"]}
    down = world()
    down.network.answer(HOST, Unreachable())
    assert down.services.auth.sign_out_url("", down.deadline()).startswith(f"{HOST}/common/oauth2/v2.0/logout?post")
