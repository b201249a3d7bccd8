"""From the worker's answer to the wire: azure-functions-host RawScriptResult.cs, HttpBinding.cs; Kestrel
HttpProtocol.cs.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message

from dev.host.cookies import CookieInvalid
from dev.host.messages import Nullable, RpcHttp, RpcHttpCookie, TypedData
from dev.host.response import Response, ResponseInvalid, Sender, failed, from_worker


def converted(headers: dict[str, str] | None = None, body: bytes = b"", **fields: Any) -> Response:
    http = RpcHttp(headers=headers or {}, body=TypedData(bytes=body), **fields)
    response = Response(200)
    from_worker(TypedData(http=http), response)
    return response


def sent(
    response: Response, *, custom: dict[str, str] | None = None, head: bool = False, version: str = "1.1"
) -> Message:
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    asyncio.run(Sender(custom or {}).send(response, send, head=head, http_version=version))
    start, body = messages
    return {
        "status": start["status"],
        "headers": dict(start["headers"]),
        "names": start["headers"],
        "body": body["body"],
    }


def test_of_names_that_differ_in_case_the_first_wins() -> None:
    """RawScriptResult.cs: a header that is on the response already is not replaced."""
    assert converted({"X-A": "1", "x-a": "2"}).headers == [("X-A", "1")]


@pytest.mark.parametrize(("text", "status"), [("404", 404), (" 201 ", 201), ("", 200), ("many", 200)])
def test_a_status_that_is_no_integer_is_200(text: str, status: int) -> None:
    """HttpBinding.cs TryParseStatusCode."""
    assert converted(status_code=text).status == status


@pytest.mark.parametrize("status", ["99", "100", "600", "-1"])
def test_a_status_that_is_not_final_is_refused(status: str) -> None:
    with pytest.raises(ResponseInvalid):
        converted(status_code=status)


@pytest.mark.parametrize("value", ["é", "a\nb", "a\rb", "a\0b", "\x7f"])
def test_a_header_value_with_control_or_other_characters_is_refused(value: str) -> None:
    """Kestrel HttpHeaders.cs ValidateHeaderValueCharacters throws, so the host answers 500."""
    with pytest.raises(ResponseInvalid):
        converted({"X-A": value})


@pytest.mark.parametrize("name", ["a b", "", "é", "a:"])
def test_a_header_name_that_is_no_token_is_refused(name: str) -> None:
    with pytest.raises(ResponseInvalid):
        converted({name: "x"})


def test_a_function_that_returns_no_response_is_refused() -> None:
    with pytest.raises(ResponseInvalid):
        from_worker(TypedData(string="hello"), Response(200))
    with pytest.raises(ResponseInvalid):
        from_worker(None, Response(200))


@pytest.mark.parametrize("status", ["204", "205", "304"])
def test_a_body_where_http_allows_none_is_refused(status: str) -> None:
    """HttpProtocol.cs throws when body bytes are written on 204, 205 and 304."""
    with pytest.raises(ResponseInvalid):
        converted(body=b"x", status_code=status)


def test_content_length_must_be_true() -> None:
    """HttpProtocol.cs: honoured when right, fatal when wrong."""
    assert converted({"Content-Length": "1"}, b"x").headers == [("Content-Length", "1")]
    with pytest.raises(ResponseInvalid):
        converted({"Content-Length": "2"}, b"x")


def test_transfer_encoding_is_not_the_apps() -> None:
    with pytest.raises(ResponseInvalid):
        converted({"Transfer-Encoding": "chunked"})


def test_each_cookie_is_its_own_line_after_the_headers() -> None:
    """ResponseCookies.cs: no merging, not even of one name twice."""
    response = converted({"X-A": "1"}, cookies=[RpcHttpCookie("a", "1"), RpcHttpCookie("a", "2")])
    assert response.headers == [("X-A", "1"), ("Set-Cookie", "a=1; path=/"), ("Set-Cookie", "a=2; path=/")]


def test_a_response_that_fails_keeps_its_headers_but_neither_body_nor_framing() -> None:
    """ExceptionMiddleware.cs sets only the status."""
    response = Response(200)
    http = RpcHttp(
        headers={"X-A": "1", "Content-Length": "1"},
        body=TypedData(bytes=b"x"),
        cookies=[RpcHttpCookie("a", "1", max_age=Nullable(-1))],
    )
    with pytest.raises(CookieInvalid):
        from_worker(TypedData(http=http), response)
    assert failed(response) == Response(500, [("X-A", "1")])


def test_server_and_date_are_added_unless_the_app_set_them() -> None:
    """HttpProtocol.cs."""
    headers = sent(Response(200))["headers"]
    assert headers[b"Server"] == b"Kestrel"
    assert headers[b"Date"].endswith(b" GMT")
    names = [name for name, _ in sent(Response(200, [("server", "mine"), ("DATE", "then")]))["names"]]
    assert names == [b"server", b"DATE", b"Content-Length"]


def test_custom_headers_are_added_only_where_absent() -> None:
    """CustomHttpHeadersMiddleware.cs."""
    custom = {"X-Content-Type-Options": "nosniff", "Server": "ours"}
    assert sent(Response(404), custom=custom)["headers"][b"X-Content-Type-Options"] == b"nosniff"
    names = sent(Response(200, [("x-content-type-options", "mine")]), custom=custom)["names"]
    assert (b"x-content-type-options", b"mine") in names
    assert (b"X-Content-Type-Options", b"nosniff") not in names
    assert [value for name, value in names if name.lower() == b"server"] == [b"ours"]


@pytest.mark.parametrize(
    ("status", "body", "length"),
    [(200, b"", b"0"), (205, b"", b"0"), (404, b"", b"0"), (204, b"", None), (304, b"", None), (200, b"x", None)],
)
def test_an_empty_body_has_length_zero_where_http_allows_it(status: int, body: bytes, length: bytes | None) -> None:
    """HttpProtocol.cs: 204 and 304 have no Content-Length; a body without one goes out in chunks."""
    assert sent(Response(status, body=body))["headers"].get(b"Content-Length") == length


def test_an_http_1_0_client_gets_a_length_instead_of_chunks() -> None:
    assert sent(Response(200, body=b"abc"), version="1.0")["headers"][b"Content-Length"] == b"3"


def test_head_gets_no_content_length_of_its_own() -> None:
    """HttpProtocol.cs: nothing is computed for HEAD; one that the app set stays."""
    assert b"Content-Length" not in sent(Response(200, body=b"x"), head=True)["headers"]
    answer = sent(Response(200, [("Content-Length", "1")], b"x"), head=True)
    assert answer["headers"][b"Content-Length"] == b"1"
