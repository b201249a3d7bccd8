"""Rows in Azure Table Storage. The only place that touches azure.data.tables.

Reading one row, which every mail request does, is a signed GET over a pool of `outbound`: the library's own read costs
three times the CPU. Everything else goes through the library, with its retries off and under the caller's deadline.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from shared import errors, log
from shared.clock import Clock, Deadline, http_date
from shared.outbound import Outbound
from shared.settings import TableAddress
from shared.wire import Answer, OutboundError, bounded_by

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.exceptions import HttpResponseError
    from azure.data.tables import TableServiceClient

Value = str | int | bytes
Table = Literal["sessions", "sessionindex"]

TABLES: tuple[Table, ...] = ("sessions", "sessionindex")
STORAGE_SCOPE = "https://storage.azure.com/.default"
SECONDS = 4.0
"""What all storage calls of one request may take together."""
ATTEMPT_SECONDS = 2.0
_MAX_ROW_BYTES = 2 * 1024 * 1024
_VERSION = "2019-02-02"


class _TableMissing(errors.StorageUnavailable):
    """The table itself does not exist (yet, or while it is being deleted)."""


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
        """Write a new row. An insert of unknown outcome is tried again, and is ours if the row is then there already.

        Raises RowChanged where the first try finds the row present.
        """
        entity = _entity(row)
        try:
            self._write(lambda: self._client(table).create_entity(entity), deadline)
        except _TableMissing:
            self._create_tables(deadline)
            self.insert(table, row, deadline)
        except errors.OutcomeUnknown:
            try:
                self._write(lambda: self._client(table).create_entity(entity), deadline)
            except errors.RowChanged:
                return
            except errors.OutcomeUnknown:
                raise errors.StorageUnavailable from None

    def merge(self, table: Table, row: Row, deadline: Deadline) -> str:
        """Change the given properties of a row that still has the row's ETag; gives back the new ETag.

        Raises RowChanged, RowGone, OutcomeUnknown.
        """
        from azure.core import MatchConditions
        from azure.data.tables import UpdateMode

        entity, condition = _entity(row), MatchConditions.IfNotModified
        answer = self._write(
            lambda: self._client(table).update_entity(
                entity, mode=UpdateMode.MERGE, etag=row.etag, match_condition=condition
            ),
            deadline,
        )
        return str(answer["etag"])

    def delete(self, table: Table, partition: str, key: str, deadline: Deadline) -> None:
        """Delete a row whatever its ETag. A row that is not there is a success."""
        try:
            self._write(lambda: self._client(table).delete_entity(partition, key), deadline)
        except errors.RowGone:
            return
        except errors.OutcomeUnknown:
            try:
                self._write(lambda: self._client(table).delete_entity(partition, key), deadline)
            except errors.RowGone:
                return
            except errors.OutcomeUnknown:
                raise errors.StorageUnavailable from None

    def _point_read(self, table: Table, partition: str, key: str, deadline: Deadline) -> Answer:
        path = f"{self._path}/{table}(PartitionKey='{partition}',RowKey='{key}')"
        url = self._address.endpoint.removesuffix(self._path) + path
        for last in (False, True):
            attempt = deadline.within(ATTEMPT_SECONDS)
            try:
                answer = self._outbound.request(
                    "GET", url, headers=self._headers(path), deadline=attempt, max_bytes=_MAX_ROW_BYTES
                )
            except OutboundError:
                if last or deadline.remaining() <= 0:
                    raise errors.StorageUnavailable from None
                continue
            if answer.status < 500 or last:
                return answer
        raise errors.StorageUnavailable

    def _headers(self, path: str) -> dict[str, str]:
        """What authorises one GET: Shared Key Lite for tables, or the identity's token.

        https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
        """
        date = http_date(self._clock.now())
        if self._credential is not None:
            authorization = "Bearer " + self._credential.get_token(STORAGE_SCOPE).token
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
                self._write(self._client(table).create_table, deadline, exists_is_fine=True)
        except errors.StoreSignal:
            raise errors.StorageUnavailable(retry_after=1) from None

    def _write(self, call: Callable[[], Any], deadline: Deadline, *, exists_is_fine: bool = False) -> Any:
        from azure.core import exceptions as azure

        if deadline.remaining() <= 0:
            raise errors.StorageUnavailable
        with bounded_by(deadline.within(ATTEMPT_SECONDS)), _translated():
            try:
                return call()
            except azure.ResourceExistsError as problem:
                if exists_is_fine and _says(problem, "TableAlreadyExists"):
                    return None
                raise

    def _client(self, table: Table) -> Any:
        return self._service.get_table_client(table)

    @cached_property
    def _service(self) -> TableServiceClient:
        from azure.core.credentials import AzureNamedKeyCredential
        from azure.core.pipeline.transport import RequestsTransport
        from azure.data.tables import TableServiceClient

        # The library logs every request with all its headers; what matters of a failure is logged here.
        logging.getLogger("azure.core.pipeline.policies.http_logging_policy").setLevel(logging.WARNING)
        key = self._address.account_key
        credential = self._credential or AzureNamedKeyCredential(self._address.account, key.reveal() if key else "")
        transport = RequestsTransport(session=self._outbound.session(), session_owner=False, use_env_settings=False)
        return TableServiceClient(
            self._address.endpoint,
            credential=credential,
            transport=transport,
            retry_total=0,
            connection_timeout=ATTEMPT_SECONDS,
            read_timeout=ATTEMPT_SECONDS,
            logging_enable=False,
        )


@contextmanager
def _translated() -> Iterator[None]:
    """What the library raises, as what it means for the row.

    409 for an insert and 412 for an update: somebody else was there. 5xx, no answer, or half of a good one: the write
    may have been applied.
    """
    from azure.core import exceptions as azure

    try:
        yield
    except (azure.ResourceExistsError, azure.ResourceModifiedError) as problem:
        if _says(problem, "TableBeingDeleted"):
            raise errors.StorageUnavailable(retry_after=1) from None
        raise errors.RowChanged from None
    except azure.ResourceNotFoundError as problem:
        raise (_TableMissing if _says(problem, "TableNotFound") else errors.RowGone) from None
    except azure.HttpResponseError as problem:
        log.event("storage_refused", status=problem.status_code, exception=type(problem).__name__)
        if problem.status_code and 300 <= problem.status_code < 500:
            raise errors.StorageUnavailable from None
        raise errors.OutcomeUnknown from None
    except (azure.ServiceResponseError, OSError, AttributeError) as problem:
        # AttributeError is the library's own stumble over an answer that broke off (azure/data/tables/_error.py).
        log.event("storage_unanswered", exception=type(problem).__name__)
        raise errors.OutcomeUnknown from None
    except azure.AzureError as problem:
        log.event("storage_unreachable", exception=type(problem).__name__)
        raise errors.StorageUnavailable from None


def _says(problem: HttpResponseError, code: str) -> bool:
    """Whether the service gave this error code; the library keeps it in one place or another, by operation."""
    return code in (getattr(problem, "error_code", None) or str(problem))


def _entity(row: Row) -> dict[str, Any]:
    from azure.data.tables import EdmType

    own = {name: (value, EdmType.INT64) if isinstance(value, int) else value for name, value in row.properties.items()}
    return {"PartitionKey": row.partition, "RowKey": row.key, **own}


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
