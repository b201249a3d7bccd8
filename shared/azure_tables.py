"""The library for tables: one attempt of each operation, and what its errors mean for a row.

The only place that touches azure.data.tables. Its retries are off: whether to try again is the caller's to know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared import errors, log
from shared.azure_clients import client_options
from shared.clock import Deadline
from shared.outbound import Outbound
from shared.settings import TableAddress
from shared.wire import bounded_by

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.exceptions import HttpResponseError
    from azure.data.tables import TableServiceClient

ATTEMPT_SECONDS = 2.0
MOST_TOGETHER = 100
"""How many rows one transaction may change.

https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

type Value = str | int | bytes
type Entity = tuple[str, str, dict[str, Value], str]
"""PartitionKey, RowKey, own properties, ETag."""


class TableMissing(errors.StorageUnavailable):
    """The table itself does not exist (yet, or while it is being deleted)."""


class AzureTables:
    """Each method makes one attempt of at most 2 s within the deadline.

    All raise errors.StorageUnavailable (TableMissing where the table is not there), and where the service may have
    done what it was asked without our knowing, errors.OutcomeUnknown.
    """

    def __init__(self, address: TableAddress, outbound: Outbound, credential: TokenCredential | None) -> None:
        self._address = address
        self._outbound = outbound
        self._credential = credential

    def create_table(self, table: str, deadline: Deadline) -> None:
        """Make a table; one that is there is a success. Raises RowChanged for other conflicts."""
        from azure.core import exceptions as azure

        def create() -> None:
            try:
                self._service.create_table(table)
            except azure.ResourceExistsError as problem:
                if not _says(problem, "TableAlreadyExists"):
                    raise

        self._attempt(create, deadline)

    def insert(self, table: str, partition: str, key: str, properties: Mapping[str, Value], deadline: Deadline) -> None:
        """Write a new row. Raises RowChanged where there is one."""
        entity = _entity(partition, key, properties)
        self._attempt(lambda: self._client(table).create_entity(entity), deadline)

    def merge(
        self, table: str, partition: str, key: str, properties: Mapping[str, Value], etag: str, deadline: Deadline
    ) -> str:
        """Change properties of a row that still has this ETag; gives back the new one. Raises RowChanged, RowGone."""
        from azure.core import MatchConditions
        from azure.data.tables import UpdateMode

        entity, condition = _entity(partition, key, properties), MatchConditions.IfNotModified
        answer = self._attempt(
            lambda: self._client(table).update_entity(
                entity, mode=UpdateMode.MERGE, etag=etag, match_condition=condition
            ),
            deadline,
        )
        return str(answer["etag"])

    def delete(self, table: str, partition: str, key: str, etag: str | None, deadline: Deadline) -> None:
        """Delete a row, where an ETag is given only while it has that; raises RowChanged where it has another.

        The library takes an absent row, or table, for a success.
        """
        from azure.core import MatchConditions

        condition = {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}
        self._attempt(lambda: self._client(table).delete_entity(partition, key, **condition), deadline)

    def delete_together(self, table: str, partition: str, keys: Sequence[str], deadline: Deadline) -> None:
        """Delete at most a hundred rows of one partition, all or none. Raises RowGone where one is not there."""
        operations = [("delete", {"PartitionKey": partition, "RowKey": key}) for key in keys]
        self._attempt(lambda: self._client(table).submit_transaction(operations), deadline)

    def query(
        self, table: str, condition: str, values: Mapping[str, str], size: int
    ) -> Callable[[Deadline], list[Entity] | None]:
        """What gives the next page of rows at each call, None after the last; a failed call may be made again.

        `condition` names each of `values` as @name; the library quotes them.
        """
        pages = self._client(table).query_entities(condition, parameters=dict(values), results_per_page=size).by_page()

        def page(deadline: Deadline) -> list[Entity] | None:
            found = self._attempt(lambda: next(pages, None), deadline)
            return None if found is None else [_parts(entity) for entity in found]

        return page

    def _attempt[T](self, call: Callable[[], T], deadline: Deadline) -> T:
        if deadline.remaining() <= 0:
            raise errors.StorageUnavailable
        with bounded_by(deadline.within(ATTEMPT_SECONDS)), _translated():
            return call()

    def _client(self, table: str) -> Any:
        return self._service.get_table_client(table)

    @cached_property
    def _service(self) -> TableServiceClient:
        from azure.core.credentials import AzureNamedKeyCredential
        from azure.data.tables import TableServiceClient

        key = self._address.account_key
        credential = self._credential or AzureNamedKeyCredential(self._address.account, key.reveal() if key else "")
        host = urlsplit(self._address.endpoint).hostname or ""
        options = client_options(self._outbound, ATTEMPT_SECONDS, host)
        return TableServiceClient(self._address.endpoint, credential=credential, **options)


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
    except azure.HttpResponseError as problem:
        # By status, since a transaction has a class of its own for every failure.
        if problem.status_code == 404:
            raise (TableMissing if _says(problem, "TableNotFound") else errors.RowGone) from None
        log.event("storage_refused", status=problem.status_code, exception=type(problem).__name__)
        if problem.status_code and 300 <= problem.status_code < 500:
            raise errors.StorageUnavailable from None
        raise errors.OutcomeUnknown from None
    except (azure.ServiceResponseError, azure.DeserializationError, OSError, AttributeError) as problem:
        # AttributeError is the library's own stumble over an answer that broke off (azure/data/tables/_error.py).
        log.event("storage_unanswered", exception=type(problem).__name__)
        raise errors.OutcomeUnknown from None
    except azure.AzureError as problem:
        log.event("storage_unreachable", exception=type(problem).__name__)
        raise errors.StorageUnavailable from None


def _says(problem: HttpResponseError, code: str) -> bool:
    """Whether the service gave this error code; the library keeps it in one place or another, by operation."""
    return code in (getattr(problem, "error_code", None) or str(problem))


def _entity(partition: str, key: str, properties: Mapping[str, Value]) -> dict[str, Any]:
    from azure.data.tables import EdmType

    own = {name: (value, EdmType.INT64) if isinstance(value, int) else value for name, value in properties.items()}
    return {"PartitionKey": partition, "RowKey": key, **own}


def _parts(entity: Any) -> Entity:
    """A row of a query. Raises errors.StorageUnavailable for a kind of property that the app never writes."""
    own = {name: getattr(value, "value", value) for name, value in entity.items()}
    partition, key = own.pop("PartitionKey"), own.pop("RowKey")
    if not all(isinstance(value, str | int | bytes) for value in own.values()):
        raise errors.StorageUnavailable
    return partition, key, own, entity.metadata["etag"]
