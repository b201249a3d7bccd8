"""What each answer of the table service, and each lost one, means for a row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from shared import errors
from shared.clock import Deadline
from shared.outbound import Outbound
from shared.secret import Secret
from shared.settings import DEVELOPMENT_KEY, TableAddress
from shared.token_store import Row, TokenStore
from tests.fakes.clock import FakeClock
from tests.fakes.table_server import RESET, Reply, TableServer, refusal, table_server

ETAG = "W/\"datetime'2026-01-01T00%3A00%3A00.0000000Z'\""
FOUND = Reply(200, {"PartitionKey": "a", "RowKey": "b", "n": "1", "n@odata.type": "Edm.Int64"}, {"ETag": ETAG})
WRITTEN = Reply(204, headers={"ETag": ETAG})
BROKEN = refusal(500, "InternalError")
BUSY = refusal(503, "ServerBusy")
FORBIDDEN = refusal(403, "AuthorizationPermissionMismatch")
NOT_FOUND = refusal(404, "ResourceNotFound")
NO_TABLE = refusal(404, "TableNotFound")
EXISTS = refusal(409, "EntityAlreadyExists")
CHANGED = refusal(412, "UpdateConditionNotSatisfied")
BEING_DELETED = refusal(409, "TableBeingDeleted")
ROW = Row("a", "b", {"n": 1}, ETAG)
PAGE = Reply(200, {"value": [{"odata.etag": ETAG, **FOUND.body}]})
MORE = replace(
    PAGE, headers={"x-ms-continuation-NextPartitionKey": "1!4!YQ--", "x-ms-continuation-NextRowKey": "1!4!Yg--"}
)
NO_MORE = Reply(200, {"value": []})


def together(*replies: Reply) -> Reply:
    """What the service answers to a transaction: one part for each operation, or the one that failed."""
    parts = [
        "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        f"HTTP/1.1 {reply.status} Word\r\nContent-Type: application/json\r\n\r\n"
        + ("" if reply.body is None else json.dumps(reply.body))
        + "\r\n"
        for reply in replies
    ]
    body = "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n" + "".join(parts) + "--c--\r\n--b--\r\n"
    return Reply(202, body, {"Content-Type": "multipart/mixed; boundary=b"})


DELETED = together(Reply(204), Reply(204))

type Call = Callable[[TokenStore, Deadline], object]
CALLS: dict[str, Call] = {
    "read": lambda store, deadline: store.read("sessions", "a", "b", deadline),
    "insert": lambda store, deadline: store.insert("sessions", ROW, deadline),
    "insert elsewhere": lambda store, deadline: store.insert("sessionindex", ROW, deadline),
    "merge": lambda store, deadline: store.merge("sessions", ROW, deadline),
    "delete": lambda store, deadline: store.delete("sessions", "a", "b", deadline),
    "delete_rows": lambda store, deadline: store.delete_rows("sessions", "a", ["b", "c"], deadline),
    "query": lambda store, deadline: store.query("sessions", deadline, partition_from="a", partition_before="b"),
    "partition": lambda store, deadline: store.partition("sessions", "a", deadline),
}


class Subject:
    """A store over a scripted service, on a clock that stands still."""

    def __init__(self, service: TableServer) -> None:
        self.service = service
        self.clock = FakeClock()
        address = TableAddress(service.endpoint, "devstoreaccount1", Secret(DEVELOPMENT_KEY))
        self.store = TokenStore(address, Outbound(2), self.clock)

    def call(self, operation: str, *replies: Reply) -> object:
        self.service.script(*replies)
        return CALLS[operation](self.store, Deadline(self.clock, 4.0))


@pytest.fixture
def subject() -> Iterator[Subject]:
    with table_server() as service:
        yield Subject(service)


@pytest.mark.parametrize(
    ("operation", "replies", "result"),
    [
        ("read", [FOUND], Row("a", "b", {"n": 1}, ETAG)),
        ("read", [BUSY, FOUND], Row("a", "b", {"n": 1}, ETAG)),
        ("read", [RESET, FOUND], Row("a", "b", {"n": 1}, ETAG)),
        ("read", [NOT_FOUND], None),
        ("read", [BUSY, NOT_FOUND], None),
        ("insert", [WRITTEN], None),
        ("insert", [BROKEN, FOUND], None),  # it had arrived: nobody else knows this key
        ("insert", [RESET, BUSY, FOUND], None),
        ("insert elsewhere", [BROKEN, WRITTEN], None),  # it had not arrived
        ("insert elsewhere", [BROKEN, EXISTS], None),
        ("insert elsewhere", [RESET, EXISTS], None),
        ("insert elsewhere", [RESET, WRITTEN], None),
        ("merge", [WRITTEN], ETAG),
        ("delete", [WRITTEN], None),
        ("delete", [NOT_FOUND], None),
        ("delete", [NO_TABLE], None),  # without the table there is no row
        ("delete", [BROKEN, NOT_FOUND], None),
        ("delete", [RESET, NOT_FOUND], None),
        ("delete", [RESET, WRITTEN], None),
        ("delete_rows", [DELETED], None),
        ("delete_rows", [BROKEN, DELETED], None),
        ("delete_rows", [RESET, DELETED], None),
        ("delete_rows", [together(NOT_FOUND), WRITTEN, NOT_FOUND], None),  # one at a time, where not all are there
        ("delete_rows", [RESET, together(NOT_FOUND), NOT_FOUND, NOT_FOUND], None),  # it had arrived
        ("delete_rows", [together(NO_TABLE)], None),
        ("query", [PAGE], [ROW]),
        ("query", [BUSY, PAGE], [ROW]),
        ("query", [RESET, PAGE], [ROW]),
        ("query", [MORE, NO_MORE], [ROW]),
        ("query", [MORE, MORE, RESET, PAGE], [ROW, ROW, ROW]),  # the page that failed is asked for again
        ("partition", [MORE, BUSY, PAGE], [ROW, ROW]),
        ("partition", [NO_MORE], []),
    ],
)
def test_an_answer_that_decides_is_the_result_and_nothing_is_asked_beyond_it(
    subject: Subject, operation: str, replies: list[Reply], result: object
) -> None:
    assert subject.call(operation, *replies) == result
    assert len(subject.service.requests) == len(replies)


@pytest.mark.parametrize(
    ("operation", "replies", "raised"),
    [
        ("read", [BUSY, BUSY], errors.StorageUnavailable),
        ("read", [RESET, RESET], errors.StorageUnavailable),
        ("read", [FORBIDDEN], errors.StorageUnavailable),
        ("read", [Reply(200, "{", {"ETag": ETAG})], errors.StorageUnavailable),
        ("read", [Reply(200, "[]", {"ETag": ETAG})], errors.StorageUnavailable),
        ("read", [Reply(200, "<html>", {"ETag": ETAG})], errors.StorageUnavailable),
        ("read", [Reply(200, FOUND.body)], errors.StorageUnavailable),  # no ETag
        ("read", [Reply(302, headers={"Location": "http://127.0.0.1:1/"})], errors.StorageUnavailable),
        ("insert", [EXISTS], errors.RowChanged),
        ("insert", [BROKEN, NOT_FOUND], errors.OutcomeUnknown),  # lost, or ended since: it is not sent again
        ("insert", [RESET, NOT_FOUND], errors.OutcomeUnknown),
        ("insert", [RESET, RESET, RESET], errors.StorageUnavailable),
        ("insert elsewhere", [BROKEN, BROKEN], errors.StorageUnavailable),
        ("insert elsewhere", [RESET, RESET], errors.StorageUnavailable),
        ("insert", [FORBIDDEN], errors.StorageUnavailable),
        ("insert elsewhere", [BROKEN, FORBIDDEN], errors.StorageUnavailable),
        ("insert", [BEING_DELETED], errors.StorageUnavailable),
        ("merge", [BEING_DELETED], errors.StorageUnavailable),
        ("merge", [CHANGED], errors.RowChanged),
        ("merge", [NOT_FOUND], errors.RowGone),
        ("merge", [BROKEN], errors.OutcomeUnknown),  # never tried again blindly: the row decides
        ("merge", [BUSY], errors.OutcomeUnknown),
        ("merge", [RESET], errors.OutcomeUnknown),
        ("merge", [FORBIDDEN], errors.StorageUnavailable),
        ("merge", [NO_TABLE], errors.StorageUnavailable),
        ("delete", [BROKEN, BROKEN], errors.StorageUnavailable),
        ("delete", [FORBIDDEN], errors.StorageUnavailable),
        ("delete", [CHANGED], errors.StorageUnavailable),  # nothing was asked of the row
        ("delete", [EXISTS], errors.StorageUnavailable),
        ("delete", [RESET, CHANGED], errors.StorageUnavailable),
        ("delete_rows", [FORBIDDEN], errors.StorageUnavailable),
        ("delete_rows", [together(FORBIDDEN)], errors.StorageUnavailable),
        ("delete_rows", [together(CHANGED)], errors.StorageUnavailable),
        ("delete_rows", [together(NOT_FOUND), EXISTS], errors.StorageUnavailable),
        ("delete_rows", [BROKEN, BROKEN], errors.StorageUnavailable),
        ("delete_rows", [together(NOT_FOUND), FORBIDDEN], errors.StorageUnavailable),
        ("query", [FORBIDDEN], errors.StorageUnavailable),
        ("query", [NOT_FOUND], errors.StorageUnavailable),
        ("query", [CHANGED], errors.StorageUnavailable),
        ("query", [MORE, EXISTS], errors.StorageUnavailable),
        ("query", [BUSY, RESET], errors.StorageUnavailable),
        ("query", [MORE, BUSY, BUSY], errors.StorageUnavailable),  # half a list is none
        ("query", [Reply(200, "{"), Reply(200, "[]")], errors.StorageUnavailable),
        ("query", [Reply(200, {"value": [{**FOUND.body, "odd": 1.5}]})], errors.StorageUnavailable),
        ("partition", [FORBIDDEN], errors.StorageUnavailable),
    ],
)
def test_each_failure_is_told_for_what_it_is_after_no_more_than_one_repetition(
    subject: Subject, operation: str, replies: list[Reply], raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        subject.call(operation, *replies)
    assert len(subject.service.requests) == len(replies)


@pytest.mark.parametrize("operation", ["read", "insert", "query", "partition"])
def test_while_a_table_is_being_deleted_it_is_503_and_creating_is_tried_once_a_second(
    subject: Subject, operation: str
) -> None:
    for second in range(1, 4):
        for _ in range(5):
            with pytest.raises(errors.StorageUnavailable) as told_to_wait:
                subject.service.otherwise = BEING_DELETED
                subject.call(operation, NO_TABLE)
            assert told_to_wait.value.retry_after in range(1, 6)
        creations = [path for method, path in subject.service.requests if method == "POST" and "/Tables" in path]
        assert len(creations) == second
        subject.clock.advance(1.0)


def test_when_the_table_can_be_made_again_the_app_is_well_without_a_restart(subject: Subject) -> None:
    with pytest.raises(errors.StorageUnavailable):
        subject.call("read", NO_TABLE, BEING_DELETED)
    subject.clock.advance(1.0)
    made = Reply(201, {"TableName": "sessions"})
    assert subject.call("read", NO_TABLE, made, made, made) is None
    assert subject.call("read", FOUND) == Row("a", "b", {"n": 1}, ETAG)


def test_an_insert_that_met_a_missing_table_is_made_once_the_table_is_there(subject: Subject) -> None:
    there = refusal(409, "TableAlreadyExists")
    subject.call("insert", NO_TABLE, Reply(201, {"TableName": "sessions"}), there, there, WRITTEN)
    assert subject.service.count("POST") == 5


def test_an_error_names_nothing_that_the_service_said(subject: Subject) -> None:
    with pytest.raises(errors.StorageUnavailable) as problem:
        subject.call("insert", FORBIDDEN)
    assert "Authorization" not in f"{problem.value} {problem.value.detail} {problem.value.title}"
    assert problem.value.__suppress_context__
