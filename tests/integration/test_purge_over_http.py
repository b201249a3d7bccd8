"""The purge as an operator starts it, on the real worker library and Azurite."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from azure.data.tables import TableServiceClient

from dev.host.options import HostOptions
from dev.host.serving import RunningHost, serve
from dev.launcher import children
from tests.integration.host_wire import ask
from tests.support.apps import CLONE
from tests.support.at_once import until
from tests.support.rows import session_rows
from tests.support.signing_in import is_signed_in

if TYPE_CHECKING:
    from dev.azurite.serving import Azurite
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App, Apps
    from tests.support.storage_proxy import StorageProxy

DAY = 86400
MARK = ("purge", "scan")


@pytest.fixture(scope="module")
def own_azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """One of this module's own: a purge takes what other tests have left."""
    from dev.azurite.serving import AzuriteOptions, serve

    with serve(AzuriteOptions(log=tmp_path_factory.mktemp("azurite") / "azurite.log")) as running:
        yield running


@pytest.fixture(scope="module")
def apps_here(running_apps: Apps, own_azurite: Azurite) -> Iterator[Apps]:
    with running_apps.passing() as passing:
        yield replace(passing, azurite=own_azurite)


@pytest.fixture
def app(apps_here: Apps, sandbox: Sandbox, own_azurite: Azurite) -> App:
    """An app, in two processes, with nobody in its tables."""
    running = apps_here.get(processes=2)
    with TableServiceClient.from_connection_string(own_azurite.connection_string) as service:
        for table in ("sessions", "sessionindex"):
            for row in rows(own_azurite, table):
                service.get_table_client(table).delete_entity(row["PartitionKey"], row["RowKey"])
    return running


def rows(own_azurite: Azurite, table: str) -> list[dict[str, Any]]:
    """Every row of a table as it lies in Azurite."""
    with TableServiceClient.from_connection_string(own_azurite.connection_string) as service:
        if table not in [item.name for item in service.list_tables()]:
            return []
        return [dict(entity) for entity in service.get_table_client(table).list_entities()]


def places(own_azurite: Azurite) -> tuple[set[str], set[str]]:
    """Which sessions there are, and which the index names."""
    index = (row for row in rows(own_azurite, "sessionindex") if "session" in row)
    return {"/".join(place) for place in session_rows(own_azurite)}, {row["session"] for row in index}


def events(host: RunningHost) -> list[dict[str, Any]]:
    """What the app has written, in order."""
    lines = (line[line.index("{") :] for line in host.log.splitlines() if '{"event": ' in line)
    return [json.loads(line) for line in lines]


def purge(host: RunningHost) -> dict[str, Any]:
    """Have the timer run, and give back the event that it ended with."""
    ends = ("purged", "purge_failed")
    before = sum(event["event"] in ends for event in events(host))
    assert ask(host.port, "/admin/functions/purge_expired", method="POST", body=b"{}").status == 202
    until(lambda: sum(event["event"] in ends for event in events(host)) > before, seconds=30)
    return next(event for event in reversed(events(host)) if event["event"] in ends)


def test_sessions_go_on_the_day_after_their_last_and_their_index_rows_with_them(
    app: App, sandbox: Sandbox, sign_in: SignIn, own_azurite: Azurite
) -> None:
    browsers = [sign_in(app, person) for person in ("work", "work", "personal")]
    sessions, indexed = places(own_azurite)
    assert len(sessions) == 3
    assert indexed == sessions
    done = purge(app.host)
    assert (done["event"], done["sessions"], done["orphans"]) == ("purged", 0, 0)
    assert all(is_signed_in(app, browser) for browser in browsers)
    sandbox.control.app_clock(8 * DAY + 700)
    done = purge(app.host)
    assert (done["event"], done["sessions"], done.get("left")) == ("purged", 3, None)
    assert len(done["trace"]) == 32
    assert places(own_azurite) == (set(), set())


def test_after_one_purge_the_index_names_the_living_sessions_and_no_others(
    app: App, sandbox: Sandbox, sign_in: SignIn, own_azurite: Azurite
) -> None:
    for person in ("work", "work", "personal", "guest"):
        sign_in(app, person)
    with TableServiceClient.from_connection_string(own_azurite.connection_string) as service:
        for partition, key in list(session_rows(own_azurite))[:2]:  # as where a process died while signing out
            service.get_table_client("sessions").delete_entity(partition, key)
    sessions, indexed = places(own_azurite)
    assert (len(sessions), len(indexed)) == (2, 4)
    purge(app.host)
    assert places(own_azurite) == (sessions, indexed)  # they may be about to be written
    sandbox.control.app_clock(DAY + 3600)
    assert purge(app.host)["orphans"] > 1
    assert places(own_azurite) == (sessions, sessions)


def test_the_scan_of_the_index_is_not_repeated_on_the_same_day_whichever_process_runs(
    app: App, sandbox: Sandbox, own_azurite: Azurite
) -> None:
    def mark() -> dict[str, Any]:
        return next(row for row in rows(own_azurite, "sessionindex") if (row["PartitionKey"], row["RowKey"]) == MARK)

    purge(app.host)
    first = mark()
    for _ in range(6):
        purge(app.host)
    assert mark() == first
    sandbox.control.app_clock(DAY)
    purge(app.host)
    assert mark()["day"] > first["day"]


def test_a_table_that_does_not_answer_ends_the_run_and_the_next_goes_on(
    apps_here: Apps, proxy: StorageProxy, sandbox: Sandbox, sign_in: SignIn, own_azurite: Azurite
) -> None:
    stored = apps_here.get(SESSION_STORE=proxy.connection_string)
    sign_in(stored)
    before = len(session_rows(own_azurite))
    sandbox.control.app_clock(8 * DAY + 700)
    proxy.fault(r"^GET .*/sessions\(\)", reset="before")
    failed = purge(stored.host)
    assert (failed["event"], failed["code"]) == ("purge_failed", "storage_unavailable")
    assert len(session_rows(own_azurite)) == before
    proxy.heal()
    assert purge(stored.host)["sessions"] == before
    assert places(own_azurite) == (set(), set())


@pytest.fixture(scope="module")
def running_proxy(own_azurite: Azurite) -> Iterator[StorageProxy]:
    from tests.support.storage_proxy import storage_proxy

    with storage_proxy(own_azurite.connection_string) as running:
        yield running


def test_an_app_with_wrong_settings_says_so_and_goes_on_answering() -> None:
    environment = children.bare_environment(os.environ) | {"SESSION_STORE": "AccountName=a;AccountKey=!"}
    with serve(HostOptions(CLONE, check_settings=False, environment=environment)) as host:
        for _ in range(2):
            assert (purge(host)["event"], purge(host)["code"]) == ("purge_failed", "not_configured")
        assert [event["event"] for event in events(host)].count("not_configured") == 1
        assert ask(urlsplit(host.url).port or 0, "/health/live").status == 200
