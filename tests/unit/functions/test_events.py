"""GET api/events: which span Graph is asked for, and how times leave here."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.fakes.graph import GRAPH, graph_error
from tests.fakes.network import json_answer
from tests.fakes.site import Browser, Site

SPAN = "from=2026-03-29T00:00:00%2B01:00&to=2026-03-30T00:00:00%2B02:00"
MEETING: dict[str, Any] = {
    "id": "AAMkAD/x+y==",
    "subject": "Stand-up",
    "start": {"dateTime": "2026-03-29T07:00:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-03-29T07:15:00.0000000", "timeZone": "UTC"},
    "isAllDay": False,
    "isCancelled": False,
    "location": {"displayName": "Room 2"},
    "organizer": {"emailAddress": {"name": "Bob", "address": "bob@contoso.example"}},
    "showAs": "busy",
    "type": "occurrence",
    "responseStatus": {"response": "none", "time": "0001-01-01T00:00:00Z"},
}


def reader(**settings: str | None) -> tuple[Site, Browser]:
    site = Site(**{"GRAPH_OPTIONAL_SCOPES": "Calendars.Read", **settings})
    site.entra.answer = {"scope": "User.Read Mail.Read Calendars.Read"}
    return site, site.signed_in()


def events(*found: Any) -> list[Any]:
    site, browser = reader()
    site.graph.fails(json_answer({"value": list(found)}))
    listed: list[Any] = browser.fetch(f"/api/events?{SPAN}").json()["events"]
    return listed


def test_the_span_goes_to_graph_in_utc_and_events_are_asked_for_in_utc_too() -> None:
    site, browser = reader()
    site.graph.fails(json_answer({"value": []}))
    answer = browser.fetch(f"/api/events?{SPAN}&top=10")
    assert answer.json() == {"events": [], "next": None}
    (sent,) = site.graph.sent()
    assert sent.path == "/v1.0/me/calendarView"
    query = parse_qs(urlsplit(sent.url).query)
    assert query["startDateTime"] == ["2026-03-28T23:00:00Z"]
    assert query["endDateTime"] == ["2026-03-29T22:00:00Z"]
    assert (query["$top"], query["$orderby"]) == (["10"], ["start/dateTime"])
    assert sent.headers["Prefer"] == 'outlook.timezone="UTC"'


def test_an_event_keeps_graphs_names_gets_our_id_and_its_times_their_z() -> None:
    (found,) = events({**MEETING, "webLink": "https://x", "@odata.etag": "x", "attendees": []})
    assert found == {
        **MEETING,
        "id": "QUFNa0FEL3greT09",
        "start": {"dateTime": "2026-03-29T07:00:00.0000000Z", "timeZone": "UTC"},
        "end": {"dateTime": "2026-03-29T07:15:00.0000000Z", "timeZone": "UTC"},
    }


def test_an_all_day_event_stays_a_day_in_every_zone() -> None:
    day = {"dateTime": "2026-08-01T00:00:00.0000000", "timeZone": "UTC"}
    next_day = {"dateTime": "2026-08-02T00:00:00.0000000", "timeZone": "UTC"}
    (found,) = events({"id": "x", "isAllDay": True, "start": day, "end": next_day})
    assert (found["start"], found["end"]) == (day, next_day)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, None),
        ("2026-03-29", None),
        ({}, {}),
        ({"dateTime": None, "timeZone": "UTC"}, {"dateTime": None, "timeZone": "UTC"}),
        (
            {"dateTime": "0001-01-01T00:00:00", "timeZone": "UTC"},
            {"dateTime": "0001-01-01T00:00:00Z", "timeZone": "UTC"},
        ),
        (
            {"dateTime": "2026-03-29T07:00:00Z", "timeZone": "UTC"},
            {"dateTime": "2026-03-29T07:00:00Z", "timeZone": "UTC"},
        ),
        (
            {"dateTime": "2026-03-29T07:00:00", "timeZone": "Narnia"},
            {"dateTime": "2026-03-29T07:00:00", "timeZone": "Narnia"},
        ),
    ],
)
def test_an_odd_time_hides_no_event_and_is_given_no_zone_that_it_has_not(given: Any, shown: Any) -> None:
    found = events(MEETING, {"id": "odd", "start": given}, None, 7, "x", {**MEETING, "subject": "after"})
    assert [event["id"] is not None for event in found] == [True, True, True]
    assert found[1]["start"] == shown


@pytest.mark.parametrize(
    "query",
    [
        *(
            "",
            "from=2026-01-01T00:00:00Z",
            "to=2026-01-01T00:00:00Z",
            "from=&to=",
            "cursor=x&from=2026-01-01T00:00:00Z",
        ),
        *("from=2026-01-01&to=2026-01-02", "from=2026-01-01T00:00:00&to=2026-01-02T00:00:00", "from=now&to=tomorrow"),
        *("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z"),
        *("from=2026-01-01T00:00:00Z&to=2027-01-03T00:00:00Z", "from=2026-02-30T00:00:00Z&to=2026-03-01T00:00:00Z"),
        *(
            "from=0001-01-01T00:00:00%2B14:00&to=0001-01-02T00:00:00Z",
            "from=2026-01-01T24:01:00Z&to=2026-01-03T00:00:00Z",
        ),
        *(SPAN + "&top=0", SPAN + "&top=51", SPAN + "&$filter=x", SPAN + "&from=2026-01-01T00:00:00Z"),
        *("from=٢٠٢٦-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", "from=2026-01-01T00:00:00Z%26x&to=2026-01-02T00:00:00Z"),
    ],
)
def test_a_span_that_is_none_is_refused_with_a_reason(query: str) -> None:
    site, browser = reader()
    answer = browser.fetch("/api/events?" + quote(query, safe="&=%:$-"))
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert site.graph.sent() == []


def test_an_offset_whose_plus_sign_nobody_encoded_is_understood() -> None:
    site, browser = reader()
    site.graph.fails(json_answer({"value": []}))
    browser.fetch("/api/events?from=2026-01-01T00:00:00+05:30&to=2026-01-01T12:00:00-03:30")
    query = site.graph.sent()[0].query
    assert (query["startDateTime"], query["endDateTime"]) == (["2025-12-31T18:30:00Z"], ["2026-01-01T15:30:00Z"])


def test_the_next_page_comes_by_its_cursor_and_in_utc_again() -> None:
    site, browser = reader()
    link = f"{GRAPH}/me/calendarView?startDateTime=a&endDateTime=b&$skip=25"
    site.graph.fails(json_answer({"value": [MEETING], "@odata.nextLink": link}), json_answer({"value": [MEETING]}))
    cursor = browser.fetch(f"/api/events?{SPAN}").json()["next"]
    answer = browser.fetch(f"/api/events?cursor={cursor}").json()
    assert (len(answer["events"]), answer["next"]) == (1, None)
    assert site.graph.sent()[1].url == link
    assert site.graph.sent()[1].headers["Prefer"] == 'outlook.timezone="UTC"'


def test_without_the_permission_the_login_url_asks_for_exactly_it() -> None:
    site = Site(GRAPH_OPTIONAL_SCOPES="Mail.ReadWrite Calendars.Read")
    answer = site.signed_in().fetch(f"/api/events?{SPAN}")
    assert (answer.status, answer.code) == (403, "consent_required")
    assert parse_qs(urlsplit(answer.json()["login_url"]).query)["consent"] == ["Calendars.Read"]
    assert site.graph.sent() == []


def test_where_every_sign_in_asks_for_the_calendar_nothing_more_is_needed() -> None:
    site, browser = reader(GRAPH_SCOPES="User.Read Mail.Read Calendars.Read", GRAPH_OPTIONAL_SCOPES=None)
    site.graph.fails(json_answer({"value": [MEETING]}))
    assert len(browser.fetch(f"/api/events?{SPAN}").json()["events"]) == 1


def test_graphs_refusals_are_those_of_all_calls() -> None:
    site, browser = reader()
    site.graph.fails(graph_error(429, "ApplicationThrottled", Retry_After="7"))
    answer = browser.fetch(f"/api/events?{SPAN}")
    assert (answer.code, answer.header("Retry-After")) == ("throttled", "7")


def test_another_sites_page_may_not_read() -> None:
    site, browser = reader()
    assert browser.fetch(f"/api/events?{SPAN}", sec_fetch_site="cross-site").code == "cross_site"
    assert site.graph.sent() == []
