"""`dev sessions`, as an administrator types it: with the address of the table, and without any other setting."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from azure.data.tables import TableServiceClient

from dev.launcher import children
from tests.support.apps import CLONE
from tests.support.rows import session_rows
from tests.support.signing_in import is_signed_in

if TYPE_CHECKING:
    from dev.azurite.serving import Azurite
    from tests.conftest import SignIn
    from tests.support.apps import App
    from tests.support.client import BrowserClient

NOBODY = "11111111-2222-4333-8444-555555555555/11111111-2222-4333-8444-555555555555"


def sessions(store: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with SESSION_STORE alone."""
    environment = children.bare_environment(os.environ) | {"SESSION_STORE": store}
    command = [sys.executable, "dev", "sessions", *arguments]
    return subprocess.run(command, cwd=CLONE, env=environment, capture_output=True, text=True, timeout=60, check=False)


def answered(azurite: Azurite, *arguments: str) -> Any:
    ended = sessions(azurite.connection_string, *arguments, "--format", "json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def person_of(app: App, browser: BrowserClient) -> str:
    me = browser.fetch(f"{app.url}/auth/me").json()
    return f"{me['tenant_id']}/{me['object_id']}"


def index_rows(azurite: Azurite, person: str) -> list[dict[str, Any]]:
    """The index rows of one person, the epoch aside."""
    with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        table = service.get_table_client("sessionindex")
        name = "user." + person.replace("/", ".")
        return [dict(row) for row in table.query_entities("PartitionKey eq @name", parameters={"name": name})]


def test_the_list_has_every_session_of_one_person_and_nobody_else_s(
    app: App, sign_in: SignIn, azurite: Azurite
) -> None:
    browsers = [sign_in(app) for _ in range(2)]
    sign_in(app, "personal")
    person = person_of(app, browsers[0])
    before = answered(azurite, "list", "--user", person.upper())
    sign_in(app)
    now = answered(azurite, "list", "--user", person)
    assert len(now) == len(before) + 1
    assert [session for session in before if session not in now] == []
    assert [session["created"] for session in now] == sorted((session["created"] for session in now), reverse=True)
    for session in now:
        assert session.keys() == {"number", "created", "last_seen", "expires", "state"}
        assert session["created"] <= session["last_seen"] < session["expires"]
        assert session["state"] == "active"
    in_table = {row["RowKey"] for row in index_rows(azurite, person)} - {"epoch"}
    assert {session["number"] for session in now} == in_table


def test_the_table_for_people_has_a_line_for_each_session_under_its_headings(
    app: App, sign_in: SignIn, azurite: Azurite
) -> None:
    person = person_of(app, sign_in(app))
    known = answered(azurite, "list", "--user", person)
    ended = sessions(azurite.connection_string, "list", "--user", person)
    headings, *lines = ended.stdout.splitlines()
    assert headings.split("  ")[0] == "NUMBER"
    assert [line.split() for line in lines] == [list(session.values()) for session in known]
    assert (ended.returncode, ended.stderr) == (0, "")


def test_ending_signs_one_person_out_everywhere_and_nobody_else(app: App, sign_in: SignIn, azurite: Azurite) -> None:
    browsers, other = [sign_in(app) for _ in range(3)], sign_in(app, "personal")
    person = person_of(app, browsers[0])
    count = len(answered(azurite, "list", "--user", person))
    rows = len(session_rows(azurite))
    ended = sessions(azurite.connection_string, "end", "--user", person)
    assert (ended.returncode, ended.stdout) == (0, f"Ended {count} sessions.\n")
    assert not any(is_signed_in(app, browser) for browser in browsers)
    assert is_signed_in(app, other)
    assert len(session_rows(azurite)) == rows - count
    assert [row["RowKey"] for row in index_rows(azurite, person)] == ["epoch"]
    assert answered(azurite, "list", "--user", person) == []
    assert answered(azurite, "end", "--user", person) == {"ended": 0}
    assert is_signed_in(app, sign_in(app))


def test_every_ending_has_a_new_epoch_so_that_no_sign_in_under_way_survives(
    app: App, sign_in: SignIn, azurite: Azurite
) -> None:
    person = person_of(app, sign_in(app))
    epochs = []
    for _ in range(2):
        answered(azurite, "end", "--user", person)
        epochs.append(next(row["epoch"] for row in index_rows(azurite, person) if row["RowKey"] == "epoch"))
    assert len(set(epochs)) == 2


def test_a_session_that_only_the_index_knows_is_shown_as_ended_and_left_to_the_purge(
    app: App, sign_in: SignIn, azurite: Azurite
) -> None:
    browser = sign_in(app)
    person = person_of(app, browser)
    answered(azurite, "end", "--user", person)
    before = session_rows(azurite)
    browser = sign_in(app)
    (place,) = session_rows(azurite).keys() - before.keys()
    with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        service.get_table_client("sessions").delete_entity(*place)
    (session,) = answered(azurite, "list", "--user", person)
    assert (session["state"], session["last_seen"]) == ("ended", "")
    assert answered(azurite, "end", "--user", person) == {"ended": 0}
    assert len(index_rows(azurite, person)) == 2


def test_somebody_who_has_no_session_has_an_empty_list(app: App, sign_in: SignIn, azurite: Azurite) -> None:
    sign_in(app)
    ended = sessions(azurite.connection_string, "list", "--user", NOBODY)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "No sessions.\n", "")


def test_many_sessions_are_counted_while_they_are_being_ended(app: App, sign_in: SignIn, azurite: Azurite) -> None:
    sign_in(app)
    person = NOBODY.replace("1111", "7777")
    with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        index = service.get_table_client("sessionindex")
        operations = [
            {
                "PartitionKey": "user." + person.replace("/", "."),
                "RowKey": f"number-{count}",
                "session": f"a20990101/key-{count}",
                "created": 1_700_000_000 + count,
                "expires": 2_100_000_000,
            }
            for count in range(100)
        ]
        index.submit_transaction([("create", operation) for operation in operations])
    ended = sessions(azurite.connection_string, "list", "--user", person)
    assert len(ended.stdout.splitlines()) == 101
    assert ended.stderr == "100 read\n"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """An account in which no app has run."""
    from dev.azurite.serving import AzuriteOptions, serve

    with serve(AzuriteOptions(log=tmp_path_factory.mktemp("empty") / "azurite.log")) as running:
        yield running


@pytest.mark.parametrize("action", ["list", "end"])
def test_an_account_without_the_table_is_named_and_gets_none(empty: Azurite, action: str) -> None:
    ended = sessions(empty.connection_string, action, "--user", NOBODY)
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert f"http://127.0.0.1:{empty.port}" in line
    assert "no table sessionindex" in line
    with TableServiceClient.from_connection_string(empty.connection_string) as service:
        assert list(service.list_tables()) == []


@pytest.mark.parametrize("action", ["list", "end"])
def test_a_store_that_cannot_be_reached_or_refuses_is_said_in_one_line(empty: Azurite, action: str) -> None:
    wrong_key = empty.connection_string.replace("AccountKey=E", "AccountKey=F")
    nobody_there = empty.connection_string.replace(f":{empty.port}/", ":1/")
    for store in (wrong_key, nobody_there):
        ended = sessions(store, action, "--user", NOBODY)
        assert (ended.returncode, ended.stdout) == (1, "")
        (line,) = ended.stderr.splitlines()
        assert "does not answer, or refuses" in line
        assert "AccountKey" not in line


def test_a_command_line_that_makes_no_sense_has_an_exit_code_of_its_own(empty: Azurite) -> None:
    ended = sessions(empty.connection_string, "list", "--user", "ada@contoso.example")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "two GUIDs" in ended.stderr
    assert "Traceback" not in ended.stderr
