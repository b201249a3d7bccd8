"""From an ASGI request to what the worker is sent.

Sources: Azure/azure-functions-host GrpcMessageConversionExtensions.cs, ScriptInvocationContextExtensions.cs,
HttpBodySizeMiddleware.cs; dotnet/aspnetcore Kestrel KestrelServerLimits.cs.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from dev.host import paths
from dev.host.messages import RpcHttp, TypedData

MAX_REQUEST_LINE = 8 * 1024  # bytes, KestrelServerLimits.MaxRequestLineSize
MAX_HEADERS_TOTAL = 32 * 1024  # bytes, KestrelServerLimits.MaxRequestHeadersTotalSize
MAX_HEADERS = 100  # KestrelServerLimits.MaxRequestHeaderCount
DEFAULT_BODY_LIMIT = 104857600  # bytes, ScriptConstants.cs; the setting FUNCTIONS_REQUEST_BODY_SIZE_LIMIT replaces it

_NO_BODY = TypedData()
_TRACE_PARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")


class BodyTooLarge(Exception):
    """The body is longer than the host takes. What fails then is the reading, so the answer is 500, not 413."""


class RequestRefused(Exception):
    """Answered by the server itself, with this status and no body, before the host sees the request."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def headers(scope: Scope) -> dict[str, str]:
    """Lower-case names; the values of a repeated name joined with ",".

    Raises RequestRefused: 431 beyond Kestrel's limits, 400 for a value that is not UTF-8 or other than one Host.
    """
    joined: dict[str, str] = {}
    total = 0
    for raw_name, raw_value in scope["headers"]:
        total += len(raw_name) + len(raw_value) + 4
        name = raw_name.decode("ascii")
        try:
            value = raw_value.decode("utf-8")
        except UnicodeDecodeError:
            raise RequestRefused(400) from None
        if name not in joined:
            joined[name] = value
        elif name == "host":
            raise RequestRefused(400)
        else:
            joined[name] = f"{joined[name]},{value}"
    if total > MAX_HEADERS_TOTAL or len(scope["headers"]) > MAX_HEADERS:
        raise RequestRefused(431)
    if "host" not in joined and scope["http_version"] != "1.0":
        raise RequestRefused(400)
    return joined


def check_request_line(scope: Scope) -> None:
    """Raises RequestRefused: 414 for a request line longer than Kestrel reads, 400 for one that is not ASCII."""
    around = len("  HTTP/1.1\r\n") + len(scope["method"])
    if len(scope["raw_path"]) + 1 + len(scope["query_string"]) + around > MAX_REQUEST_LINE:
        raise RequestRefused(414)
    if not scope["query_string"].isascii():
        raise RequestRefused(400)


def url(scheme: str, host: str, path: str, query_string: str) -> str:
    """The URL as the host rebuilds it: the decoded path encoded again, the query as it came."""
    return f"{scheme}://{host}{paths.encode(path)}{'?' + query_string if query_string else ''}"


def query(query_string: str) -> dict[str, str]:
    """The query as the worker gets it: empty values dropped, repeats (names ignoring case, first spelling kept)
    joined with ",".
    """
    if not query_string:
        return {}
    collected: dict[str, tuple[str, list[str]]] = {}
    for name, value in parse_qsl(query_string, keep_blank_values=True):
        collected.setdefault(name.lower(), (name, []))[1].append(value)
    return {name: ",".join(values) for name, values in collected.values() if any(values)}


async def body(headers: dict[str, str], receive: Receive, limit: int) -> TypedData:
    """The body, read only where Content-Length promises one: a chunked body arrives empty.

    Raises BodyTooLarge.
    """
    length = headers.get("content-length", "0")
    if length == "0" or not length.isdecimal() or int(length) == 0:
        return _NO_BODY
    if int(length) > limit:
        raise BodyTooLarge
    parts = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return TypedData(bytes=b"".join(parts))


def trace_parent(headers: dict[str, str]) -> str:
    """The host's own span in the trace of an incoming `traceparent`, else in a new trace (W3C Trace Context)."""
    incoming = _TRACE_PARENT.fullmatch(headers.get("traceparent", ""))
    trace, flags = incoming.groups() if incoming else (f"{random.getrandbits(128):032x}", "00")
    return f"00-{trace}-{random.getrandbits(64):016x}-{flags}"


def rpc_http(
    method: str, url: str, headers: dict[str, str], query: dict[str, str], params: Mapping[str, str], body: TypedData
) -> TypedData:
    """The trigger's value."""
    return TypedData(http=RpcHttp(method, url, headers, query, params, body))
