"""Azurite as tests and `dev run` start it."""

from __future__ import annotations

import socket
from pathlib import Path

from azure.data.tables import TableServiceClient

from dev.azurite.serving import Azurite, AzuriteOptions, serve


def test_the_connection_string_leads_to_working_tables(azurite: Azurite) -> None:
    with TableServiceClient.from_connection_string(azurite.connection_string) as tables:
        table = tables.create_table("probe")
        table.create_entity({"PartitionKey": "a", "RowKey": "b", "x": 1})
        assert table.get_entity("a", "b")["x"] == 1
        tables.delete_table("probe")


def test_it_listens_on_the_loopback_address_alone_and_leaves_no_port_open(tmp_path: Path) -> None:
    with serve(AzuriteOptions(log=tmp_path / "azurite.log")) as running:
        ports = (running.port, running.blob_port, running.queue_port)
        for port in ports:
            socket.create_connection(("127.0.0.1", port), 5).close()
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_what_is_kept_in_a_folder_is_there_after_a_restart(tmp_path: Path) -> None:
    options = AzuriteOptions(log=tmp_path / "azurite.log", folder=tmp_path / "kept")
    with (
        serve(options) as running,
        TableServiceClient.from_connection_string(running.connection_string) as tables,
    ):
        tables.create_table("kept").create_entity({"PartitionKey": "a", "RowKey": "b"})
    with (
        serve(options) as running,
        TableServiceClient.from_connection_string(running.connection_string) as tables,
    ):
        assert tables.get_table_client("kept").get_entity("a", "b")["RowKey"] == "b"
