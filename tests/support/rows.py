"""Sessions and their index as they lie in Azurite, read with the storage library and not with the app's code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableServiceClient

if TYPE_CHECKING:
    from dev.azurite.serving import Azurite

Rows = dict[tuple[str, str], dict[str, Any]]


def session_rows(azurite: Azurite) -> Rows:
    """Every session row by (PartitionKey, RowKey); none before the app has made the table."""
    return _rows(azurite, "sessions")


def index_rows(azurite: Azurite) -> Rows:
    """Every row of the index by (PartitionKey, RowKey)."""
    return _rows(azurite, "sessionindex")


def new_rows(azurite: Azurite, before: Rows) -> Rows:
    """The rows that were not there before."""
    return {key: row for key, row in session_rows(azurite).items() if key not in before}


def _rows(azurite: Azurite, table: str) -> Rows:
    with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        try:
            found = [dict(entity) for entity in service.get_table_client(table).list_entities()]
        except ResourceNotFoundError:
            return {}
    return {(row["PartitionKey"], row["RowKey"]): row for row in found}
