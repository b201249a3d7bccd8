"""Rows in Azure Table Storage: what the app may do to them, and what it tries again.

Reading one row, which every mail request does, is a signed GET over a pool of `outbound`: the library's own read costs
three times the CPU. Everything else goes through the library, in `azure_tables`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from shared import errors
from shared.azure_tables import ATTEMPT_SECONDS, MOST_TOGETHER, AzureTables, TableMissing
from shared.azure_tables import Value as Value  # what a row holds is part of what this module offers
from shared.clock import Clock, Deadline, http_date
from shared.managed_identity import NoToken, token_for
from shared.outbound import Outbound
from shared.settings import TableAddress
from shared.wire import Answer, OutboundError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

Table = Literal["sessions", "sessionindex", "keyring"]

TABLES: tuple[Table, ...] = ("sessions", "sessionindex", "keyring")
STORAGE_SCOPE = "https://storage.azure.com/.default"
SECONDS = 4.0
"""What all storage calls of one request may take together."""
_MAX_ROW_BYTES = 2 * 1024 * 1024
_MAX_PAGE = 1000
_VERSION = "2019-02-02"


@dataclass(frozen=True, slots=True)
class Row:
    """One entity: its keys, the ETag it was read with ("" for one not yet written), and its own properties."""

    partition: str
    key: str
    properties: Mapping[str, Value]
    etag: str = ""


class TokenStore:
    """Insert, read, update and delete by key; never an upsert, so that nothing that was deleted comes back.

    Every method takes the request's deadline and raises errors.StorageUnavailable when the table cannot be reached or
    refuses; it never takes that for an absent row.
    """

    def __init__(
        self, address: TableAddress, outbound: Outbound, clock: Clock, credential: TokenCredential | None = None
    ) -> None:
        self._address = address
        self._outbound = outbound
        self._clock = clock
        self._credential = credential
        self._tables = AzureTables(address, outbound, credential)
        self._path = urlsplit(address.endpoint).path
        self._key = base64.b64decode(address.account_key.reveal()) if address.account_key else b""
        self._creating = threading.Lock()
        self._last_creation = float("-inf")

    def read(self, table: Table, partition: str, key: str, deadline: Deadline) -> Row | None:
        """The row, or None where there surely is none. One attempt takes at most 2 s; one more is made."""
        answer = self._point_read(table, partition, key, deadline)
        if answer.status == 200:
            return _parsed(answer)
        if answer.status == 404 and b"TableNotFound" in answer.body:
            self._create_tables(deadline)
            return None
        if answer.status == 404:
            return None
        raise errors.StorageUnavailable

    def insert(self, table: Table, row: Row, deadline: Deadline) -> None:
        """Write a new row. After an unknown outcome it is ours if the row is there; else it is written again.

        A session's is not: that would bring back what somebody has ended meanwhile.
        Raises RowChanged where the row was there before, and OutcomeUnknown for a session that is not there afterwards.
        """
        try:
            self._insert(table, row, deadline)
        except TableMissing:
            self._create_tables(deadline)
            self.insert(table, row, deadline)
        except errors.OutcomeUnknown:
            if table != "sessions":
                self._insert_again(table, row, deadline)
            elif self.read(table, row.partition, row.key, deadline) is None:
                raise

    def merge(self, table: Table, row: Row, deadline: Deadline) -> str:
        """Change the given properties of a row that still has the row's ETag; gives back the new ETag.

        Raises RowChanged, RowGone, OutcomeUnknown.
        """
        return self._tables.merge(table, row.partition, row.key, row.properties, row.etag, deadline)

    def delete(self, table: Table, partition: str, key: str, deadline: Deadline, etag: str | None = None) -> None:
        """Delete a row: whatever its ETag, or only while it has the one given. A row that is not there is a success.

        Raises RowChanged where it has another.
        """
        try:
            _twice(lambda: self._tables.delete(table, partition, key, etag, deadline))
        except errors.RowChanged:
            if etag is None:  # no state of the row can be in the way
                raise errors.StorageUnavailable from None
            raise

    def delete_rows(self, table: Table, partition: str, keys: Sequence[str], deadline: Deadline) -> None:
        """Delete rows of one partition whatever their ETags, a hundred at a time. Rows not there are a success."""
        for batch in batched(keys, MOST_TOGETHER, strict=False):
            try:
                _twice(partial(self._tables.delete_together, table, partition, batch, deadline))
            except TableMissing:
                return
            except errors.RowGone:
                for key in batch:
                    self.delete(table, partition, key, deadline)
            except errors.RowChanged:
                raise errors.StorageUnavailable from None

    def query(
        self, table: Table, deadline: Deadline, *, partition_from: str, partition_before: str, most: int = 1000
    ) -> list[Row]:
        """Rows with partition_from <= PartitionKey < partition_before in the order of their keys, `most` of them."""
        condition = "PartitionKey ge @from and PartitionKey lt @before"
        return self._found(table, condition, {"from": partition_from, "before": partition_before}, most, deadline)

    def partition(self, table: Table, name: str, deadline: Deadline) -> list[Row]:
        """All rows of one partition in the order of their keys."""
        return self._found(table, "PartitionKey eq @name", {"name": name}, None, deadline)

    def _insert_again(self, table: Table, row: Row, deadline: Deadline) -> None:
        try:
            self._insert(table, row, deadline)
        except errors.RowChanged:
            return
        except errors.OutcomeUnknown:
            raise errors.StorageUnavailable from None

    def _insert(self, table: Table, row: Row, deadline: Deadline) -> None:
        self._tables.insert(table, row.partition, row.key, row.properties, deadline)

    def _found(
        self, table: Table, condition: str, values: Mapping[str, str], most: int | None, deadline: Deadline
    ) -> list[Row]:
        rows: list[Row] = []
        next_page = self._tables.query(table, condition, values, min(most or _MAX_PAGE, _MAX_PAGE))
        try:
            while most is None or len(rows) < most:
                page = _twice(lambda: next_page(deadline))
                if page is None:
                    break
                rows += [Row(*entity) for entity in page]
        except TableMissing:
            self._create_tables(deadline)
        except errors.StoreSignal:  # a conflict, or a row that is missing, where no row was named
            raise errors.StorageUnavailable from None
        return rows[:most]

    def _point_read(self, table: Table, partition: str, key: str, deadline: Deadline) -> Answer:
        path = f"{self._path}/{table}(PartitionKey='{partition}',RowKey='{key}')"
        url = self._address.endpoint.removesuffix(self._path) + path
        for last in (False, True):
            attempt = deadline.within(ATTEMPT_SECONDS)
            try:
                answer = self._outbound.request(
                    "GET", url, headers=self._headers(path, attempt), deadline=attempt, max_bytes=_MAX_ROW_BYTES
                )
            except (OutboundError, NoToken):
                if last or deadline.remaining() <= 0:
                    raise errors.StorageUnavailable from None
                continue
            if answer.status < 500 or last:
                return answer
        raise errors.StorageUnavailable

    def _headers(self, path: str, deadline: Deadline) -> dict[str, str]:
        """What authorises one GET: Shared Key Lite for tables, or the identity's token.

        https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
        """
        date = http_date(self._clock.now())
        if self._credential is not None:
            authorization = "Bearer " + token_for(STORAGE_SCOPE, self._credential, deadline)
        else:
            text = f"{date}\n/{self._address.account}{path}".encode()
            signature = base64.b64encode(hmac.digest(self._key, text, hashlib.sha256)).decode()
            authorization = f"SharedKeyLite {self._address.account}:{signature}"
        return {
            "Authorization": authorization,
            "x-ms-date": date,
            "x-ms-version": _VERSION,
            "Accept": "application/json;odata=minimalmetadata",
        }

    def _create_tables(self, deadline: Deadline) -> None:
        """Create what is missing, at most once a second in this process; meanwhile everybody else is told to wait."""
        with self._creating:
            if self._clock.monotonic() - self._last_creation < 1.0:
                raise errors.StorageUnavailable(retry_after=1)
            self._last_creation = self._clock.monotonic()
        try:
            for table in TABLES:
                self._tables.create_table(table, deadline)
        except errors.StoreSignal:
            raise errors.StorageUnavailable(retry_after=1) from None


def _twice[T](attempt: Callable[[], T]) -> T:
    """Try what may be tried again when its outcome is unknown, once. Raises errors.StorageUnavailable after that."""
    try:
        return attempt()
    except errors.OutcomeUnknown:
        try:
            return attempt()
        except errors.OutcomeUnknown:
            raise errors.StorageUnavailable from None


def _parsed(answer: Answer) -> Row:
    try:
        entity = json.loads(answer.body)
        properties = {
            name: _typed(value, entity.get(name + "@odata.type"))
            for name, value in entity.items()
            if "odata." not in name and name not in ("PartitionKey", "RowKey", "Timestamp")
        }
        return Row(entity["PartitionKey"], entity["RowKey"], properties, answer.headers["etag"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise errors.StorageUnavailable from None


def _typed(value: Any, kind: str | None) -> Value:
    if kind == "Edm.Binary":
        return base64.b64decode(value)
    if kind == "Edm.Int64":
        return int(value)
    if isinstance(value, str | int):
        return value
    raise TypeError
