"""The app's own signed read beside the library's, and what the app does where the tables are not there or refuse."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from azure.data.tables import EdmType, EntityProperty, TableServiceClient

from dev.azurite.serving import Azurite, AzuriteOptions, serve
from shared import errors
from shared.clock import Deadline, SystemClock
from shared.outbound import Outbound
from shared.secret import Secret
from shared.settings import TableAddress, connection_string
from shared.token_store import Row, TokenStore

WRITTEN: dict[str, Any] = {
    "text": "plain",
    "empty": "",
    "unicode": "Zoë 𝒜𝓁 👩🏽‍🚀 محمد \\ \" ' \r\n",
    "date_as_text": "2026-01-01T00:00:00Z",
    "int32": 2**31 - 1,
    "negative": -5,
    "int64": EntityProperty(2**63 - 1, EdmType.INT64),
    "small_int64": EntityProperty(1, EdmType.INT64),
    "boolean": True,
    "binary": bytes(range(256)),
    "binary_of_60_kib": secrets.token_bytes(60 * 1024),
}


def clock_deadline(seconds: float = 4.0) -> Deadline:
    return Deadline(SystemClock(), seconds)


def store(address: TableAddress) -> TokenStore:
    return TokenStore(address, Outbound(4), SystemClock())


def address(azurite: Azurite) -> TableAddress:
    return connection_string(azurite.connection_string, in_azure=False)


@pytest.fixture
def library(azurite: Azurite) -> Iterator[TableServiceClient]:
    with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        service.create_table_if_not_exists("sessions")
        yield service


def test_the_signed_point_read_gives_what_the_library_gives_for_every_kind_of_property(
    azurite: Azurite, library: TableServiceClient
) -> None:
    table, partition = library.get_table_client("sessions"), "a" + secrets.token_hex(8)
    table.create_entity({"PartitionKey": partition, "RowKey": "a-_Z09", **WRITTEN})
    entity = table.get_entity(partition, "a-_Z09")
    row = store(address(azurite)).read("sessions", partition, "a-_Z09", clock_deadline())
    plain = {name: value.value if isinstance(value, EntityProperty) else value for name, value in entity.items()}
    assert row == Row(
        plain.pop("PartitionKey"), plain.pop("RowKey"), plain, entity.metadata["etag"] or "the library gave no ETag"
    )
    assert {name: type(value) for name, value in row.properties.items()} == {
        name: type(value) for name, value in plain.items()
    }


def test_the_etag_of_the_point_read_is_good_for_the_librarys_own_conditional_write(
    azurite: Azurite, library: TableServiceClient
) -> None:
    partition, tables = "a" + secrets.token_hex(8), store(address(azurite))
    tables.insert("sessions", Row(partition, "key", {"a": 1}), clock_deadline())
    row = tables.read("sessions", partition, "key", clock_deadline())
    assert row is not None
    assert row.etag == library.get_table_client("sessions").get_entity(partition, "key").metadata["etag"]
    written = tables.merge("sessions", replace(row, properties={"a": 2}), clock_deadline())
    assert written == library.get_table_client("sessions").get_entity(partition, "key").metadata["etag"]


def test_every_whole_number_is_stored_with_64_bits(azurite: Azurite, library: TableServiceClient) -> None:
    partition = "a" + secrets.token_hex(8)
    store(address(azurite)).insert("sessions", Row(partition, "key", {"a": 1, "b": 2**40}), clock_deadline())
    entity = library.get_table_client("sessions").get_entity(partition, "key")
    for name in ("a", "b"):
        value = entity[name]
        assert isinstance(value, EntityProperty)
        assert value.edm_type == EdmType.INT64


def test_a_kind_of_property_that_the_app_never_writes_is_trouble_with_the_table_and_no_absent_row(
    azurite: Azurite, library: TableServiceClient
) -> None:
    partition = "a" + secrets.token_hex(8)
    library.get_table_client("sessions").create_entity({"PartitionKey": partition, "RowKey": "key", "odd": 1.5})
    with pytest.raises(errors.StorageUnavailable):
        store(address(azurite)).read("sessions", partition, "key", clock_deadline())


@pytest.fixture(scope="module")
def bare_azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """An Azurite of its own, whose tables a test may delete."""
    with serve(AzuriteOptions(log=tmp_path_factory.mktemp("bare") / "azurite.log")) as running:
        yield running


@pytest.fixture
def no_tables(bare_azurite: Azurite) -> TokenStore:
    """A store over an account without tables."""
    with TableServiceClient.from_connection_string(bare_azurite.connection_string) as service:
        for table in list(service.list_tables()):
            service.delete_table(table.name)
    return store(address(bare_azurite))


def names(azurite: Azurite) -> list[str]:
    with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        return sorted(table.name for table in service.list_tables())


def test_where_the_tables_are_missing_the_first_read_makes_them_and_finds_nothing(
    bare_azurite: Azurite, no_tables: TokenStore
) -> None:
    assert names(bare_azurite) == []
    assert no_tables.read("sessions", "a", "b", clock_deadline()) is None
    assert names(bare_azurite) == ["keyring", "sessionindex", "sessions"]


def test_where_the_tables_are_missing_a_list_makes_them_and_is_empty(
    bare_azurite: Azurite, no_tables: TokenStore
) -> None:
    assert no_tables.partition("sessionindex", "a", clock_deadline()) == []
    assert names(bare_azurite) == ["keyring", "sessionindex", "sessions"]


def test_where_the_tables_are_missing_there_is_nothing_to_delete(no_tables: TokenStore) -> None:
    no_tables.delete("sessions", "a", "b", clock_deadline())
    no_tables.delete_rows("sessions", "a", ["b", "c"], clock_deadline())


def test_a_list_longer_than_the_services_page_is_read_to_its_end_and_each_row_once(azurite: Azurite) -> None:
    partition, tables = "a" + secrets.token_hex(8), store(address(azurite))
    with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        table = service.get_table_client("sessionindex")
        tables.partition("sessionindex", partition, clock_deadline())  # makes the table
        keys = [f"{number:05}" for number in range(1100)]
        for start in range(0, len(keys), 100):
            table.submit_transaction(
                [("create", {"PartitionKey": partition, "RowKey": key}) for key in keys[start : start + 100]]
            )
    assert [row.key for row in tables.partition("sessionindex", partition, clock_deadline(20.0))] == keys
    found = tables.query(
        "sessionindex", clock_deadline(20.0), partition_from=partition, partition_before=partition + "~"
    )
    assert [row.key for row in found] == keys[:1000]
    tables.delete_rows("sessionindex", partition, keys, clock_deadline(20.0))
    assert tables.partition("sessionindex", partition, clock_deadline()) == []


def test_where_the_tables_are_missing_the_first_insert_makes_them_and_is_kept(
    bare_azurite: Azurite, no_tables: TokenStore
) -> None:
    no_tables.insert("sessions", Row("a", "b", {"c": 1}), clock_deadline())
    found = no_tables.read("sessions", "a", "b", clock_deadline())
    assert found is not None
    assert found.properties == {"c": 1}
    assert names(bare_azurite) == ["keyring", "sessionindex", "sessions"]


def test_where_one_table_is_there_the_other_is_made_and_nothing_is_lost(
    bare_azurite: Azurite, no_tables: TokenStore
) -> None:
    no_tables.insert("sessions", Row("a", "b", {"c": 1}), clock_deadline())
    with TableServiceClient.from_connection_string(bare_azurite.connection_string) as service:
        service.delete_table("sessionindex")
    another = store(address(bare_azurite))
    assert another.read("sessionindex", "a", "b", clock_deadline()) is None
    assert another.read("sessions", "a", "b", clock_deadline()) is not None


def test_creating_tables_is_tried_at_most_once_a_second(bare_azurite: Azurite, no_tables: TokenStore) -> None:
    assert no_tables.read("sessions", "a", "b", clock_deadline()) is None
    with TableServiceClient.from_connection_string(bare_azurite.connection_string) as service:
        service.delete_table("sessions")
    with pytest.raises(errors.StorageUnavailable) as told_to_wait:
        no_tables.read("sessions", "a", "b", clock_deadline())
    assert told_to_wait.value.retry_after == 1
    assert names(bare_azurite) == ["keyring", "sessionindex"]


def refuses_everything(tables: TokenStore) -> None:
    row = Row("a", "b", {"c": 1}, "W/\"datetime'2026-01-01T00%3A00%3A00.0000000Z'\"")
    with pytest.raises(errors.StorageUnavailable):
        tables.read("sessions", "a", "b", clock_deadline())
    with pytest.raises(errors.StorageUnavailable):
        tables.insert("sessions", row, clock_deadline())
    with pytest.raises((errors.StorageUnavailable, errors.OutcomeUnknown)):
        tables.merge("sessions", row, clock_deadline())
    with pytest.raises(errors.StorageUnavailable):
        tables.delete("sessions", "a", "b", clock_deadline())
    with pytest.raises(errors.StorageUnavailable):
        tables.delete_rows("sessions", "a", ["b", "c"], clock_deadline())
    with pytest.raises(errors.StorageUnavailable):
        tables.query("sessions", clock_deadline(), partition_from="a", partition_before="b")
    with pytest.raises(errors.StorageUnavailable):
        tables.partition("sessions", "a", clock_deadline())


# Azurite answers this in XML, and the library asks an XML element for its truth value.
@pytest.mark.filterwarnings("ignore:Testing an element's truth value:DeprecationWarning")
def test_a_wrong_account_key_is_a_refusal_and_never_an_absent_row(azurite: Azurite) -> None:
    refuses_everything(store(replace(address(azurite), account_key=Secret("d3Jvbmc="))))


def test_a_storage_that_cannot_be_reached_is_no_absent_row() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        endpoint = f"http://127.0.0.1:{port}/devstoreaccount1"
        refuses_everything(store(TableAddress(endpoint, "devstoreaccount1", Secret("d3Jvbmc="))))


def test_a_binary_larger_than_a_property_holds_is_refused_and_leaves_no_row(azurite: Azurite) -> None:
    partition, tables = "a" + secrets.token_hex(8), store(address(azurite))
    with pytest.raises(errors.StorageUnavailable):
        tables.insert("sessions", Row(partition, "key", {"a": bytes(200 * 1024)}), clock_deadline())
    assert tables.read("sessions", partition, "key", clock_deadline()) is None
