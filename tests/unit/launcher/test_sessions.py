"""`dev sessions`: its command line, its settings, and the table for people."""

from __future__ import annotations

import pytest

from dev import sessions
from dev.launcher.terminal import Stop
from dev.sessions import Shown

PERSON = "9f2b1c3d-0000-4000-8000-00000000000a/5b0c1f6e-0000-4000-8000-00000000000b"


def test_a_person_is_a_tenant_id_and_an_object_id_in_whatever_case() -> None:
    asked = sessions.parse(["end", "--user", PERSON.upper(), "--format", "json"])
    assert (asked.action, asked.format, "/".join(asked.user)) == ("end", "json", PERSON)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["list"],
        ["list", "--user", ""],
        ["list", "--user", "ada@contoso.example"],
        ["list", "--user", "' or PartitionKey ge '"],
        ["list", "--user", PERSON.replace("/", ".")],
        ["end", "--user", PERSON + "/x"],
        ["end", "--user", PERSON + "\n"],
        ["drop", "--user", PERSON],
        ["list", "--user", PERSON, "--format", "csv"],
    ],
)
def test_anything_else_is_refused_with_exit_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        sessions.parse(arguments)
    assert caught.value.code == 2


def test_the_table_is_where_the_app_would_look_for_it() -> None:
    emulator = sessions.address({"SESSION_STORE": "UseDevelopmentStorage=true", "SESSION_STORE__tableServiceUri": ""})
    assert emulator.endpoint == "http://127.0.0.1:10002/devstoreaccount1"
    azure = sessions.address({"SESSION_STORE__tableServiceUri": "https://mail.table.core.windows.net/"})
    assert (azure.endpoint, azure.account_key) == ("https://mail.table.core.windows.net", None)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "SESSION_STORE"),
        ({"SESSION_STORE": " "}, "SESSION_STORE"),
        ({"SESSION_STORE": "AccountName=a;SharedAccessSignature=nobody-may-see"}, "SESSION_STORE must not be"),
        ({"SESSION_STORE": "AccountName=nobody-may-see"}, "SESSION_STORE must be"),
        ({"SESSION_STORE__tableServiceUri": "http://nobody-may-see.example"}, "SESSION_STORE__tableServiceUri must"),
    ],
)
def test_a_wrong_address_is_said_in_one_line_without_its_value(settings: dict[str, str], named: str) -> None:
    with pytest.raises(Stop) as caught:
        sessions.address(settings)
    assert str(caught.value).find(named) >= 0
    assert "\n" not in str(caught.value)
    assert "nobody-may-see" not in str(caught.value)


def test_columns_stand_under_their_names_and_nothing_is_a_dash() -> None:
    shown = [Shown("n" * 22, "2026-01-01T00:00:00Z", "", "2026-01-08T00:00:00Z", "ended")]
    assert sessions.as_table(shown).splitlines() == [
        "NUMBER                  CREATED               LAST SEEN  EXPIRES               STATE",
        "nnnnnnnnnnnnnnnnnnnnnn  2026-01-01T00:00:00Z  -          2026-01-08T00:00:00Z  ended",
    ]
    assert sessions.as_table([]) == "No sessions."
