"""Claims challenges: which headers and texts hold one, and which only pretend to."""

from __future__ import annotations

import base64
import json

import pytest

from shared.challenges import MOST, claims_challenge, claims_of, with_capability

CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}'


def encoded(claims: str | bytes) -> str:
    return base64.b64encode(claims if isinstance(claims, bytes) else claims.encode()).decode()


def bearer(claims: str, *more: str) -> str:
    """A 401 of Microsoft Graph, whose authorization_uri is not quoted."""
    parts = (
        'Bearer realm=""',
        "authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize",
        'client_id="00000003-0000-0000-c000-000000000000"',
        'error="insufficient_claims"',
        f'claims="{claims}"',
        'errorDescription="Continuous access evaluation resulted in challenge with result: InteractionRequired"',
    )
    return ", ".join([*parts, *more])


def test_the_claims_of_graphs_own_challenge_are_read() -> None:
    assert encoded(CLAIMS).endswith("==")
    assert claims_challenge(bearer(encoded(CLAIMS))) == CLAIMS


@pytest.mark.parametrize(
    "header",
    [
        f'Bearer claims="{encoded(CLAIMS)}"',
        f"Bearer claims={encoded(CLAIMS)}",
        f"Bearer claims={encoded(CLAIMS).rstrip('=')}",
        f'BEARER CLAIMS = "{encoded(CLAIMS)}" , realm = ""',
        f'Bearer realm="", claims="{encoded(CLAIMS)}"',
        f'Bearer realm="a, b=c", claims="{encoded(CLAIMS)}"',
        f'Bearer realm="say \\"claims=x\\"", claims="{encoded(CLAIMS)}"',
        f'Bearer authorization_uri=https://a.example/b?c=d&e=f, claims="{encoded(CLAIMS)}"',
        f'PoP nonce="n", Bearer claims="{encoded(CLAIMS)}"',
        f'Bearer realm="", PoP nonce="n", Bearer claims="{encoded(CLAIMS)}"',
        f'Negotiate, Basic realm="x", Bearer realm="", claims="{encoded(CLAIMS)}"',
        f'Negotiate abc==, Bearer claims="{encoded(CLAIMS)}"',
        f'Bearer claims="{encoded("nonsense")}", Bearer claims="{encoded(CLAIMS)}"',
        f'Bearer claims="{encoded(CLAIMS)}", Bearer claims="{encoded(chr(123) + chr(125))}"',
    ],
)
def test_a_challenge_is_found_in_whatever_form_the_header_allows(header: str) -> None:
    assert claims_challenge(header) == CLAIMS


def test_base64_may_be_of_the_kind_for_urls() -> None:
    claims = '{"access_token":{"a":{"value":"???>>>"}}}'
    assert "/" in encoded(claims)
    assert claims_challenge(bearer(base64.urlsafe_b64encode(claims.encode()).decode())) == claims


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        'Bearer realm=""',
        bearer(""),
        bearer("="),
        bearer("a"),
        bearer("%7B%7D"),
        bearer(CLAIMS.replace('"', "'")),
        bearer(encoded(b"\xff\xfe{}")),
        bearer(encoded(CLAIMS) + "!"),
        bearer(encoded("{}")),
        bearer(encoded("[]")),
        bearer(encoded("null")),
        bearer(encoded('{"access_token":7}')),
        bearer(encoded('{"access_token":{"a":NaN}}')),
        bearer(encoded('{"access_token":{"a":1e999}}')),  # infinite once it is read
        bearer(encoded("[" * 7000)),
        bearer(encoded('{"access_token":{"a":"' + "x" * MOST + '"}}')),
        f'Basic claims="{encoded(CLAIMS)}"',
        f'Bearer realm="", Basic claims="{encoded(CLAIMS)}"',
        f'claims="{encoded(CLAIMS)}"',
        f'Bearer realm="claims={encoded(CLAIMS)}"',
        f'Bearer xclaims="{encoded(CLAIMS)}"',
        'Bearer claims="' + "\\" * 9000,
        'Bearer claims="' + '"' * 9000,
        "Bearer " + "a=" * 5000,
    ],
)
def test_what_is_no_challenge_or_cannot_be_one_demands_nothing(header: str) -> None:
    assert claims_challenge(header) is None


def test_claims_leave_as_ascii_without_white_space_or_line_ends() -> None:
    text = ' {"access_token": {"a": {"value": "é\\r\\n\\u0000\\ud800"}}}\n'
    found = claims_of(text)
    assert found == '{"access_token":{"a":{"value":"\\u00e9\\r\\n\\u0000\\ud800"}}}'
    assert claims_of(found) == found


@pytest.mark.parametrize("text", [None, 7, {}, b"{}", "", "{", "{}", '{"a":null}', '{"a":[]}', "[" * 9999])
def test_what_holds_no_claims_is_none(text: object) -> None:
    assert claims_of(text) is None


@pytest.mark.parametrize(
    ("claims", "merged"),
    [
        (None, {"access_token": {"xms_cc": {"values": ["CP1"]}}}),
        (
            '{"access_token":{"acrs":{"value":"c1"}},"id_token":{"a":null}}',
            {"access_token": {"acrs": {"value": "c1"}, "xms_cc": {"values": ["CP1"]}}, "id_token": {"a": None}},
        ),
        ('{"access_token":{"xms_cc":{"values":["x"]}}}', {"access_token": {"xms_cc": {"values": ["CP1"]}}}),
    ],
)
def test_a_capability_is_merged_into_what_is_demanded(claims: str | None, merged: object) -> None:
    assert json.loads(with_capability(claims, "CP1")) == merged
