"""GET auth/front-channel-logout: it ends what Entra names, and tells nobody whether there was any."""

from __future__ import annotations

import json
import logging
from urllib.parse import quote

import pytest

from tests.fakes.entra import HOST, TENANT
from tests.fakes.site import Seen, Site
from tests.fakes.store import UNAVAILABLE, Operation

FRAME = {
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "iframe",
    "sec-fetch-site": "cross-site",
    "accept": "text/html",
}
ISSUER = f"{HOST}/{TENANT}/v2.0"


def told(site: Site, query: str) -> Seen:
    """What Entra's frame asks: without a cookie."""
    return site.ask("GET", "/auth/front-channel-logout" + query, FRAME)


def lasting(answer: Seen) -> tuple[object, ...]:
    """All of an answer that has to be the same each time."""
    return answer.status, answer.body, [line for line in answer.headers if line[0].lower() != "traceparent"]


def test_front_channel_logout_ends_that_sid_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    site = Site()
    ended, kept = site.signed_in(sid="11111111-aaaa"), site.signed_in(sid="22222222-bbbb")
    asked, before = len(site.network.requests), site.store.count("delete")
    with caplog.at_level(logging.INFO, "drawbridge"):
        answer = told(site, "?sid=11111111-aaaa")
    assert (answer.status, answer.body, answer.cookies) == (200, b"", [])
    assert ended.fetch("/auth/me").status == 401
    assert kept.fetch("/auth/me").status == 200
    assert len(site.network.requests) == asked, "nobody but the table is asked"
    assert site.store.count("delete") - before == 3, "one session's row and its two in the index"
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "drawbridge"]
    assert [(line["event"], line["reason"], line["tenant"]) for line in lines] == [
        ("session_ended", "front_channel", TENANT)
    ]


@pytest.mark.parametrize(
    "iss",
    [
        ISSUER.replace(TENANT, "99999999-9999-4999-8999-999999999999"),
        ISSUER + "/",
        ISSUER.removesuffix("/v2.0"),
        ISSUER.replace("https", "http"),
        ISSUER.removeprefix(HOST),
        f"https://evil.example/{TENANT}/v2.0",
        f"{HOST}.evil.example/{TENANT}/v2.0",
        f"{HOST}/{{tenantid}}/v2.0",
        "",
        "x" * 4000,
    ],
)
def test_a_wrong_issuer_ends_nothing(iss: str) -> None:
    site = Site()
    browser = site.signed_in()
    nothing = lasting(told(site, "?sid=unknown"))
    assert lasting(told(site, f"?sid=sid-of-ada&iss={quote(iss, safe='')}")) == nothing
    assert browser.fetch("/auth/me").status == 200


def test_the_issuer_of_the_sessions_own_tenant_ends_it() -> None:
    site = Site()
    browser = site.signed_in()
    told(site, f"?iss={quote(ISSUER, safe='')}&sid=sid-of-ada")
    assert browser.fetch("/auth/me").status == 401


HOSTILE = [
    "",
    "?",
    "?sid",
    "?sid=",
    "?sid=00000000-0000-4000-8000-000000000000",
    "?sid=sid-of-ada%00",
    "?sid=sid-of-ada%0d%0aSet-Cookie:a=b",
    "?sid=sid-of-ada%20",
    "?sid=%73id-of-ada'",
    "?sid='%20or%20PartitionKey%20ge%20'",
    "?sid=' or PartitionKey ge '",
    "?sid=%2f%5c%23%3f",
    "?sid=/\\",
    "?sid=..%2f..%2f",
    "?sid=sid-of-ad",
    "?sid=sid-of-ada2",
    "?sid=SID-OF-ADA",
    "?sid=sid.of.ada",
    "?sid=sid-of-ada&sid=sid-of-ada",
    "?sid=sid-of-ada&iss=",
    "?sid=%ff%fe",
    "?sid=%F0%9D%92%9C",
    "?sid=" + "x" * 10240,
    "?sid=" + "a" * 65,
    "?session_state=sid-of-ada",
    "?Sid=sid-of-ada",
    "?" + "&".join(f"a{number}=1" for number in range(40)),
]


@pytest.mark.parametrize("query", HOSTILE)
def test_whatever_is_asked_the_answer_is_the_same_byte_for_byte_and_nothing_ends(query: str) -> None:
    site = Site()
    browser = site.signed_in()
    rows, asked = dict(site.store.rows), len(site.network.requests)
    answer = told(site, query)
    assert site.store.rows == rows
    assert len(site.network.requests) == asked
    assert browser.fetch("/auth/me").status == 200
    assert lasting(answer) == lasting(told(site, "?sid=sid-of-ada")), "as where a session ends"


@pytest.mark.parametrize(
    "query", [query for query in HOSTILE if "0000-" not in query and "sid-of-ad" not in query.lower()]
)
def test_what_cannot_be_a_sid_does_not_even_reach_the_table(query: str) -> None:
    site = Site()
    site.signed_in()
    site.store.calls.clear()
    told(site, query)
    assert site.store.calls == []


def test_a_cookie_changes_nothing_so_no_other_site_can_sign_somebody_out_without_the_sid() -> None:
    site = Site()
    browser = site.signed_in()
    answer = browser.send("GET", "/auth/front-channel-logout", FRAME)
    assert lasting(answer) == lasting(told(site, ""))
    assert browser.session is not None
    assert browser.fetch("/auth/me").status == 200


@pytest.mark.parametrize("operation", ["partition", "read", "delete"])
def test_while_storage_is_down_the_answer_is_the_same_and_the_log_says_that_it_failed(
    operation: Operation, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site()
    site.signed_in()
    site.store.script(operation, UNAVAILABLE)
    with caplog.at_level(logging.INFO, "drawbridge"):
        answer = told(site, "?sid=sid-of-ada")
    assert lasting(answer) == lasting(told(site, "?sid=unknown"))
    assert "front_channel_logout_failed" in caplog.text
    assert "sid-of-ada" not in caplog.text


def test_only_entras_own_pages_may_frame_the_answer_and_it_holds_nothing() -> None:
    assert told(Site(), "").header("Content-Security-Policy") == f"default-src 'none'; frame-ancestors {HOST}"


def test_of_an_entra_on_this_machine_every_port_may_frame_it() -> None:
    site = Site(ENTRA_AUTHORITY="https://localhost:7443/common", PUBLIC_URL="http://localhost:7071")
    policy = told(site, "").header("Content-Security-Policy")
    assert policy == "default-src 'none'; frame-ancestors http://127.0.0.1:*"
