"""The key ring on real tables: what several processes do to one row at the same time."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from azure.data.tables import TableServiceClient

from dev.azurite.serving import AzuriteOptions, serve
from shared.clock import Deadline, SystemClock
from shared.keyring import Keyring
from shared.outbound import Outbound
from shared.settings import connection_string
from shared.token_store import TokenStore
from tests.fakes.clock import FakeClock
from tests.fakes.vault import FakeVault
from tests.support.at_once import at_once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from dev.azurite.serving import Azurite
    from shared.sealing import DataKey

WEEK = 7 * 86400


@pytest.fixture
def vault() -> FakeVault:
    """One that has wrapped nothing yet: other keys in the table are not its own."""
    return FakeVault(secrets.token_hex(8))


@pytest.fixture
def start(azurite: Azurite, vault: FakeVault) -> Callable[[], Keyring]:
    """A process that knows nothing yet, with connections of its own."""
    address = connection_string(azurite.connection_string, in_azure=False)
    clock = SystemClock()
    return lambda: Keyring(TokenStore(address, Outbound(4), clock), vault, clock)


def deadline() -> Deadline:
    return Deadline(SystemClock(), 25.0)


def seals(ring: Keyring, life: int = WEEK) -> DataKey:
    return ring.current(int(SystemClock().now()) + life, deadline())


def rows(azurite: Azurite, vault: FakeVault) -> list[Any]:
    with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        entities = service.get_table_client("keyring").query_entities("PartitionKey eq 'keys'")
        return [entity for entity in entities if entity["wrapped_by"] == vault.name]


def test_sixteen_first_starts_at_once_make_one_key_and_all_use_it(
    azurite: Azurite, vault: FakeVault, start: Callable[[], Keyring]
) -> None:
    rings = iter([start() for _ in range(16)])
    keys = at_once(16, lambda: seals(next(rings)))
    assert len(set(keys)) == len(rows(azurite, vault)) == 1
    assert start().find(keys[0].id, deadline()) == keys[0]


def test_sixteen_processes_that_keep_a_key_longer_agree_on_the_longest(
    azurite: Azurite, vault: FakeVault, start: Callable[[], Keyring]
) -> None:
    rings = [start() for _ in range(16)]
    for ring in rings:
        seals(ring)
    lives = iter([(ring, days * 86400) for ring, days in zip(rings, range(40, 56), strict=True)])
    at_once(16, lambda: seals(*next(lives)))
    (row,) = rows(azurite, vault)
    assert row["needed_until"].value >= SystemClock().now() + 55 * 86400


def test_a_key_that_nothing_needs_any_more_goes_and_its_successor_stays(tmp_path: Path, vault: FakeVault) -> None:
    with serve(AzuriteOptions(log=tmp_path / "azurite.log")) as azurite:  # its own: other tests need their keys
        address = connection_string(azurite.connection_string, in_azure=False)
        clock = FakeClock(SystemClock().now())
        ring = Keyring(TokenStore(address, Outbound(4), SystemClock()), vault, clock)
        keys = []
        for seconds in (0, 30 * 86400, 600):
            clock.advance(seconds)
            keys.append(ring.current(int(clock.now()) + WEEK, deadline()))
        assert [key.id for key in keys] == ["00000001", "00000001", "00000002"]
        assert ring.prune(deadline()) == 0
        clock.advance(10 * 86400)
        assert ring.prune(deadline()) == 1
        assert [row["RowKey"] for row in rows(azurite, vault)] == ["00000002"]
