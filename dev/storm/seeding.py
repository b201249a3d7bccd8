"""Many sessions at once: the rows that the app itself would write, gathered and then written in batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import batched
from typing import Any

from azure.data.tables import EdmType, TableServiceClient

from dev.storm.ground import Ground, Person, signed_in
from shared.clock import Deadline
from shared.services import Services
from shared.session_index import SessionIndex
from shared.session_rows import Identity
from shared.sessions import Sessions
from shared.token_store import Row, Table, TokenStore


class _Gathered(TokenStore):
    """An empty table that only keeps what it is told to insert."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Table, str], list[Row]] = defaultdict(list)

    def read(self, table: Table, partition: str, key: str, deadline: Deadline) -> Row | None:
        return None

    def insert(self, table: Table, row: Row, deadline: Deadline) -> None:
        self.rows[table, row.partition].append(row)


class Seeds:
    """Sows sessions by the batch, in one process."""

    def __init__(self, ground: Ground) -> None:
        self._service = TableServiceClient.from_connection_string(ground.azurite.connection_string)

    def sow(self, services: Services, people: Sequence[Identity], seconds: int) -> list[Person]:
        """A session for each of these, whose access token lives so many seconds from now."""
        gathered = _Gathered()
        index = SessionIndex(gathered, services.keyring, services.clock)
        sessions = Sessions(gathered, index, services.keyring, services.config, services.clock)
        found = [signed_in(services, who, seconds, sessions) for who in people]
        for (table, _), rows in gathered.rows.items():
            client = self._service.get_table_client(table)
            for batch in batched(rows, 100, strict=False):
                client.submit_transaction([("create", _entity(row)) for row in batch])
        return found


def _entity(row: Row) -> dict[str, Any]:
    own = {name: (value, EdmType.INT64) if isinstance(value, int) else value for name, value in row.properties.items()}
    return {"PartitionKey": row.partition, "RowKey": row.key, **own}
