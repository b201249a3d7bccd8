"""What the worker is sent: azure-functions-host GrpcMessageConversionExtensions.cs; limits: dotnet/aspnetcore
KestrelServerLimits.cs.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import pytest
from starlette.types import Message, Scope

from dev.host import request
from dev.host.messages import TypedData
from dev.host.request import BodyTooLarge, RequestRefused


def scope(*headers: tuple[bytes, bytes], path: bytes = b"/", query: bytes = b"") -> Scope:
    named = [(b"host", b"localhost"), *headers]
    return {"method": "GET", "raw_path": path, "query_string": query, "headers": named, "http_version": "1.1"}


def test_a_repeated_header_is_joined_with_a_comma() -> None:
    """StringValues.ToString: no space after the comma; a Cookie header is no exception (azure-functions-host issue
    9505).
    """
    headers = request.headers(scope((b"accept", b"a"), (b"accept", b"b"), (b"cookie", b"c=1"), (b"cookie", b"d=2")))
    assert headers == {"host": "localhost", "accept": "a,b", "cookie": "c=1,d=2"}


def test_an_empty_header_is_kept() -> None:
    assert request.headers(scope((b"x-empty", b"")))["x-empty"] == ""


def test_header_values_are_utf_8() -> None:
    """KestrelServerOptions.RequestHeaderEncodingSelector: UTF-8, anything else is 400 (dotnet/aspnetcore issue
    61189).
    """
    assert request.headers(scope((b"x", "é".encode())))["x"] == "é"
    with pytest.raises(RequestRefused) as refused:
        request.headers(scope((b"x", "é".encode("latin-1"))))
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "headers",
    [[(b"x", b"y" * 32768)], [(b"x", b"")] * 101, [(b"x%d" % number, b"y" * 1100) for number in range(30)]],
)
def test_too_many_headers_are_431(headers: Sequence[tuple[bytes, bytes]]) -> None:
    """MaxRequestHeadersTotalSize 32 KB, MaxRequestHeaderCount 100."""
    with pytest.raises(RequestRefused) as refused:
        request.headers(scope(*headers))
    assert refused.value.status == 431


def test_a_request_without_or_with_two_hosts_is_400() -> None:
    """Kestrel Http1Connection.cs EnsureHostHeaderExists; HTTP/1.0 needs none."""
    with pytest.raises(RequestRefused):
        request.headers(scope((b"host", b"other")))
    bare = {**scope(), "headers": []}
    with pytest.raises(RequestRefused):
        request.headers(bare)
    assert request.headers({**bare, "http_version": "1.0"}) == {}


def test_a_request_line_beyond_8_kb_is_414() -> None:
    """MaxRequestLineSize counts method, target, version and line end."""
    fitting = 8192 - len("GET  HTTP/1.1\r\n")
    request.check_request_line(scope(path=b"/" * (fitting - 1)))
    request.check_request_line(scope(path=b"/", query=b"q" * (fitting - 2)))
    with pytest.raises(RequestRefused) as refused:
        request.check_request_line(scope(path=b"/", query=b"q" * fitting))
    assert refused.value.status == 414


def test_a_query_that_is_not_ascii_is_400() -> None:
    with pytest.raises(RequestRefused) as refused:
        request.check_request_line(scope(query=b"q=\xff"))
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("query_string", "query"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1&a=2", {"a": "1,2"}),
        ("a=1&A=2", {"a": "1,2"}),  # names ignore case, the first spelling stays
        ("a=&b&c=1", {"c": "1"}),  # no UseNullableValueDictionaryForHttp: empty values go (python-worker issue 894)
        ("a=%20x+y%2B", {"a": " x y+"}),
        ("a=%FF", {"a": "\ufffd"}),
    ],
)
def test_the_query_loses_empty_values_and_joins_repeats(query_string: str, query: dict[str, str]) -> None:
    assert request.query(query_string) == query


def test_the_url_is_rebuilt_from_its_parts() -> None:
    """Scheme, Host header, path encoded again, query as it came, no fragment."""
    assert request.url("http", "localhost:7071", "/a b", "x=%20&y") == "http://localhost:7071/a%20b?x=%20&y"
    assert request.url("https", "example.org", "/", "") == "https://example.org/"


def read_body(headers: dict[str, str], *parts: bytes, limit: int = 100) -> TypedData:
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages[-1:] = [{**messages[-1], "more_body": False}]

    async def receive() -> Message:
        return messages.pop(0)

    return asyncio.run(request.body(headers, receive, limit))


def test_a_body_with_content_length_arrives_as_bytes() -> None:
    """RawHttpBodyBytes: bytes whatever the content type."""
    body = read_body({"content-length": "4", "content-type": "application/json"}, b"12", b"34")
    assert (body.WhichOneof("data"), body.value) == ("bytes", b"1234")


@pytest.mark.parametrize("headers", [{}, {"content-length": "0"}, {"transfer-encoding": "chunked"}])
def test_a_body_without_content_length_is_unset(headers: dict[str, str]) -> None:
    """A chunked body arrives empty (azure-functions-host issue 7930)."""
    assert read_body(headers, b"lost").WhichOneof("data") is None


def test_a_body_beyond_the_limit_is_refused_before_it_is_read() -> None:
    """HttpRequestBodySizeMiddleware.cs: the read fails."""
    with pytest.raises(BodyTooLarge):
        read_body({"content-length": "101"}, b"never read")


def test_the_hosts_span_belongs_to_the_callers_trace() -> None:
    """WorkerFunctionInvoker.cs sends the host's own Activity, a child of the incoming one (W3C Trace Context)."""
    incoming = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    parent = request.trace_parent({"traceparent": incoming})
    assert re.fullmatch("00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01", parent)
    assert parent != incoming


@pytest.mark.parametrize("incoming", ["", "nonsense", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"])
def test_without_a_valid_traceparent_a_trace_begins(incoming: str) -> None:
    first, second = (request.trace_parent({"traceparent": incoming}) for _ in range(2))
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-00", first)
    assert first.split("-")[1] != second.split("-")[1]
