"""The imitation of Graph: calendars in their time zones, address books, and the mailbox's own settings."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.sandbox_client import Client, Reply

SCOPES = ("User.Read", "Calendars.Read", "Contacts.Read", "MailboxSettings.Read")
CHANGE = "startDateTime=2026-03-23T00:00:00Z&endDateTime=2026-04-04T00:00:00Z&$top=100"
UTC = {"Prefer": 'outlook.timezone="UTC"'}


@pytest.fixture
def token(client: Client) -> str:
    return str(client.sign_in("work", scopes=SCOPES)["access_token"])


def starts(reply: Reply, subject: str) -> list[str]:
    return [event["start"]["dateTime"] for event in reply.json["value"] if event["subject"] == subject]


def refusal(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["error"]["code"]


def test_a_series_keeps_its_local_time_over_the_change_of_the_clocks(client: Client, token: str) -> None:
    reply = client.graph(f"/me/calendarView?{CHANGE}", token, UTC)
    assert reply.headers["preference-applied"] == 'outlook.timezone="UTC"'
    stand_ups = starts(reply, "Calibration stand-up")
    assert [start[:16] for start in stand_ups[4:6]] == ["2026-03-27T08:00", "2026-03-30T07:00"]
    ordered = [event["start"]["dateTime"] for event in reply.json["value"]]
    assert ordered == sorted(ordered)


def test_a_preferred_zone_moves_the_times_and_no_days(client: Client, token: str) -> None:
    view = "startDateTime=2026-04-03T00:00:00Z&endDateTime=2026-04-04T00:00:00Z"
    there = client.graph(f"/me/calendarView?{view}", token, {"Prefer": 'outlook.timezone="Eastern Standard Time"'})
    assert starts(there, "Calibration stand-up") == ["2026-04-03T03:00:00.0000000"]
    assert starts(there, "Lab closed: air filters") == ["2026-04-03T00:00:00.0000000"]
    assert there.json["value"][0]["start"]["timeZone"] == "Eastern Standard Time"
    unknown = client.graph(f"/me/calendarView?{view}", token, {"Prefer": 'outlook.timezone="Narnia"'})
    assert refusal(unknown) == (400, "TimeZoneNotSupportedException")


def test_what_touches_the_span_is_in_it_and_nothing_else(client: Client, token: str) -> None:
    def found(first: str, last: str) -> list[Any]:
        view = f"startDateTime=2026-03-30T{first}&endDateTime=2026-03-30T{last}&$select=subject"
        return [event["subject"] for event in client.graph(f"/me/calendarView?{view}", token).json["value"]]

    assert found("07:14:00Z", "08:00:00Z") == ["Calibration stand-up"]
    assert found("07:15:00Z", "08:00:00Z") == []
    assert found("06:00:00", "07:00:00") == []


def test_pages_follow_one_another_and_one_event_opens_by_its_id(client: Client, token: str) -> None:
    first = client.graph(f"/me/calendarView?{CHANGE}".replace("$top=100", "$top=5"), token).json
    second = client.graph(first["@odata.nextLink"].partition("/v1.0")[2], token).json
    ids = [event["id"] for event in first["value"] + second["value"]]
    assert len(set(ids)) == 10
    opened = client.graph(f"/me/events/{quote(ids[7], safe='')}", token).json
    assert {name: opened[name] for name in second["value"][2]} == second["value"][2]
    assert refusal(client.graph(f"/me/events/{'A' * 100}", token)) == (404, "ErrorItemNotFound")


def test_a_span_that_is_none_is_refused(client: Client, token: str) -> None:
    for query in ("", "?startDateTime=2026-01-01T00:00:00Z", f"?{CHANGE.replace('2026-04-04', '2026-01-01')}"):
        assert refusal(client.graph(f"/me/calendarView{query}", token)) == (400, "ErrorInvalidParameter")


def test_contacts_and_settings_are_read_with_their_own_permissions(client: Client, token: str) -> None:
    contacts = client.graph("/me/contacts?$top=2&$select=displayName", token).json
    assert len(contacts["value"]) == 2
    assert "@odata.nextLink" in contacts
    one = client.graph(f"/me/contacts/{quote(contacts['value'][0]['id'], safe='')}", token).json
    assert one["displayName"] == contacts["value"][0]["displayName"]
    assert client.graph("/me/mailboxSettings?$select=timeZone", token).json["timeZone"] == "W. Europe Standard Time"


def test_a_reader_of_mail_alone_is_denied(client: Client) -> None:
    reader = client.sign_in("work")["access_token"]
    for path in (f"/me/calendarView?{CHANGE}", f"/me/events/{'A' * 100}", "/me/contacts", "/me/mailboxSettings"):
        assert refusal(client.graph(path, reader)) == (403, "ErrorAccessDenied")
