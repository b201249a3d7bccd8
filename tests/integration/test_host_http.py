"""One request through the local host and the real worker library, byte for byte.

The sources named in each test are the host's and the server's that run in Azure.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator

import pytest

from dev.host.serving import RunningHost, serve
from tests.integration.host_wire import APPS, Answer, ask, exchange, options

THREADS = 3


@pytest.fixture(scope="module")
def host() -> Iterator[RunningHost]:
    with serve(options("http", environment={"PYTHON_THREADPOOL_THREAD_COUNT": str(THREADS)})) as running:
        yield running


def answered(host: RunningHost, **wanted: object) -> Answer:
    return ask(host.port, "/answer", method="POST", body=json.dumps(wanted).encode())


def test_the_function_sees_what_the_host_makes_of_the_request(host: RunningHost) -> None:
    """azure-functions-host GrpcMessageConversionExtensions.cs."""
    target = "/ECHO/a%2Fb%20c%C3%A9/?x=1&X=2&empty=&y=%20"
    seen = ask(host.port, target, "X-Twice: 1", "x-twice: 2", "X-Empty:", method="POST", body=b"\x00\xff").json
    assert seen["url"] == f"http://localhost:{host.port}/ECHO/a%2Fb%20c%C3%A9/?x=1&X=2&empty=&y=%20"
    assert seen["query"] == {"x": "1,2", "y": " "}
    assert seen["route_params"] == {"id": "a%2Fb cé"}
    assert seen["headers"]["x-twice"] == "1,2"
    assert seen["headers"]["x-empty"] == ""
    assert seen["body"] == "\x00\xff"
    assert seen["method"] == "POST"


def test_an_absent_optional_parameter_is_no_key(host: RunningHost) -> None:
    """FunctionInvocationMiddleware.cs PopulateRouteData."""
    assert ask(host.port, "/echo").json["route_params"] == {}
    assert ask(host.port, "/files/").json == {}
    assert ask(host.port, "/files/a%20b//c/").json == {"path": "a b//c/"}


def test_a_chunked_body_arrives_empty(host: RunningHost) -> None:
    """azure-functions-host issue 7930: the body is read only with Content-Length."""
    answer = ask(host.port, "/echo", "Transfer-Encoding: chunked", method="POST", body=b"4\r\nlost\r\n0\r\n\r\n")
    assert answer.json["body"] == ""


def test_a_large_body_arrives_whole(host: RunningHost) -> None:
    body = b"0123456789abcdef" * 65536
    assert ask(host.port, "/echo", method="POST", body=body).json["body"] == body.decode("ascii")


def test_the_app_runs_in_its_own_folder(host: RunningHost) -> None:
    assert ask(host.port, "/echo").json["folder"] == str(APPS / "http")


def test_each_invocation_has_its_own_id_in_the_callers_trace(host: RunningHost) -> None:
    """WorkerFunctionInvoker.cs, ScriptInvocationContextExtensions.cs."""
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    first, second = (ask(host.port, "/echo", f"traceparent: {trace}").json for _ in range(2))
    assert first["invocation_id"] != second["invocation_id"]
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first["invocation_id"])
    assert re.fullmatch("00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01", first["trace_parent"])
    assert first["trace_parent"] != trace


@pytest.mark.parametrize("method", ["HEAD", "PUT", "OPTIONS"])
def test_a_wrong_method_is_404_without_a_body(host: RunningHost, method: str) -> None:
    """HttpMethodRouteConstraint.cs: never 405, no Allow; GET does not imply HEAD (azure-functions-host issue 11625)."""
    answer = ask(host.port, "/echo", method=method)
    assert (answer.status, answer.content, answer.all("allow")) == (404, b"", [])


@pytest.mark.parametrize("target", ["/nowhere", "/echo/1/2", "//echo", "/admin_panel", "/typed/1", "/admin/nothing"])
def test_an_unmatched_path_is_404_without_a_body(host: RunningHost, target: str) -> None:
    answer = ask(host.port, target)
    assert (answer.status, answer.content) == (404, b"")


def test_a_function_in_error_is_named_in_the_log(host: RunningHost) -> None:
    """ScriptHost.cs: a function that cannot be mapped is in error, the others run."""
    assert "'unknown_constraint' function is in error: The inline constraint 'uuid' is unknown" in host.log
    assert "'route_like_admin' function is in error: The route 'admin_panel' conflicts" in host.log


def test_every_answer_names_kestrel_and_has_the_custom_headers(host: RunningHost) -> None:
    """HttpProtocol.cs; CustomHttpHeadersMiddleware.cs: on the host's own answers too, and only where absent."""
    for target in ("/echo", "/nowhere", "/raises", "/", "/admin/host/ping"):
        answer = ask(host.port, target)
        assert answer.all("server") == ["Kestrel"]
        assert len(answer.all("date")) == 1
        assert answer.all("x-content-type-options") == ["nosniff"]
        assert answer.all("x-custom") == ["from host.json"]
    own = answered(host, headers=[["X-Custom", "mine"], ["Server", "mine"], ["Date", "now"]])
    assert [own.all(name) for name in ("x-custom", "server", "date")] == [["mine"], ["mine"], ["now"]]


def test_an_ordinary_answer_goes_out_in_chunks(host: RunningHost) -> None:
    """HttpProtocol.cs: a body without Content-Length (azure-functions-host issue 3765)."""
    answer = answered(host, body="hello")
    assert (answer.status, answer.content) == (200, b"hello")
    assert answer.all("transfer-encoding") == ["chunked"]
    assert answer.all("content-type") == ["text/plain; charset=utf-8"]


def test_an_empty_answer_has_content_length_zero(host: RunningHost) -> None:
    assert answered(host).all("content-length") == ["0"]


@pytest.mark.parametrize("status", [204, 304])
def test_204_and_304_have_no_content_length(host: RunningHost, status: int) -> None:
    """HttpProtocol.cs; the library's content-type stays."""
    answer = answered(host, status=status)
    assert (answer.status, answer.content) == (status, b"")
    assert answer.all("content-length") == answer.all("transfer-encoding") == []
    assert answer.all("content-type") == ["text/plain; charset=utf-8"]


def test_a_true_content_length_replaces_chunks(host: RunningHost) -> None:
    answer = answered(host, body="hello", headers=[["Content-Length", "5"]])
    assert (answer.content, answer.all("transfer-encoding")) == (b"hello", [])


def test_head_runs_the_function_and_discards_its_body(host: RunningHost) -> None:
    """HttpProtocol.cs: no Content-Length is made for HEAD."""
    answer = ask(host.port, "/answer", method="HEAD", body=b'{"body": "hello", "headers": [["X-Ran", "yes"]]}')
    assert (answer.status, answer.content, answer.all("x-ran")) == (200, b"", ["yes"])
    assert answer.all("content-length") == answer.all("transfer-encoding") == []


def test_repeated_headers_keep_the_last_value_but_of_two_cases_the_first(host: RunningHost) -> None:
    """The library's dict keeps the last; RawScriptResult.cs takes the first of names that differ in case."""
    answer = answered(host, headers=[["X-A", "1"], ["X-A", "2"], ["X-B", "1"], ["x-b", "2"]])
    assert answer.all("x-a") == ["2"]
    assert answer.all("x-b") == ["1"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"headers": [["X-A", "é"]]},
        {"headers": [["X-A", "\x01"]]},
        {"headers": [["X A", "1"]]},
        {"headers": [["Transfer-Encoding", "chunked"]]},
        {"headers": [["Content-Length", "9"]], "body": "hello"},
        {"status": 204, "body": "x"},
        {"headers": [["Set-Cookie", "a=1; Max-Age=-1"]]},
        {"headers": [["Set-Cookie", "a=1; Max-Age=soon"]]},
        {"headers": [["Set-Cookie", "a=1; Expires=Thu, 01-Jan-2026 00:00:00 GMT"]]},
        {"headers": [["Set-Cookie", "a:b=1"]]},
    ],
)
def test_a_response_that_cannot_be_sent_is_500_without_a_body(host: RunningHost, wanted: dict[str, object]) -> None:
    """HttpHeaders.cs, HttpProtocol.cs and SetCookieHeaderValue.cs throw; ExceptionMiddleware.cs answers."""
    answer = answered(host, **wanted)
    assert (answer.status, answer.content) == (500, b"")


@pytest.mark.parametrize("target", ["/raises", "/returns_nothing", "/returns_text"])
def test_a_failing_function_is_500_without_a_body(host: RunningHost, target: str) -> None:
    """ExceptionMiddleware.cs; of a plain str the local host makes no answer, and says so."""
    answer = ask(host.port, target)
    assert (answer.status, answer.content) == (500, b"")


def test_a_failure_is_logged_with_its_stack(host: RunningHost) -> None:
    ask(host.port, "/raises")
    assert "Function 'raises' failed: RuntimeError: on purpose\\nwith a second line" in host.log
    assert '    raise RuntimeError("on purpose\\nwith a second line")' in host.log


def test_a_log_record_of_the_app_is_one_line(host: RunningHost) -> None:
    ask(host.port, "/logs")
    assert re.search(r"^\S+Z WARNING sample: first line\\nsecond line$", host.log, re.MULTILINE)


def test_invocations_make_no_noise(host: RunningHost) -> None:
    ask(host.port, "/async")
    assert "Function name:" not in host.log


def test_cookies_are_printed_as_aspnet_prints_them(host: RunningHost) -> None:
    """SetCookieHeaderValue.cs: order, lower case, percent-encoded value; each cookie its own line
    (ResponseCookies.cs).
    """
    cookies = [
        "a=x%20y; Max-Age=60.9; Path=/p; Domain=example.org; Secure; HttpOnly; SameSite=Lax",
        "b=1; SameSite=None; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "c=2; Max-Age=0; SameSite=Whatever",
    ]
    answer = answered(host, headers=[["Set-Cookie", cookie] for cookie in cookies])
    assert answer.all("set-cookie") == [
        "a=x%2520y; max-age=60; domain=example.org; path=/p; secure; samesite=lax; httponly",
        "b=1; expires=Thu, 01 Jan 1970 00:00:00 GMT; domain=; path=; samesite=none",
        "c=2; max-age=0; domain=; path=",
    ]


def test_a_plain_cookie_carries_an_empty_domain(host: RunningHost) -> None:
    """The library sends NullableString("") (azure-functions-python-worker issue 1902): browsers refuse `__Host-`
    then.
    """
    answer = answered(host, headers=[["Set-Cookie", "__Host-a=1; Path=/; Secure"]])
    assert answer.all("set-cookie") == ["__Host-a=1; domain=; path=/; secure"]


def test_a_cookie_whose_domain_is_none_reaches_the_wire_without_domain(host: RunningHost) -> None:
    """Through azure-functions and azure-functions-runtime as released: None stays None, and CookieOptions prints
    nothing.
    """
    answer = ask(host.port, "/host_only_cookie")
    assert answer.all("set-cookie") == ["__Host-Http-session=1; path=/; secure; samesite=strict; httponly"]


def test_the_home_page_answers_any_method_at_the_root(host: RunningHost) -> None:
    """HomepageMiddleware.cs."""
    for method in ("GET", "POST"):
        answer = ask(host.port, "/", method=method)
        assert (answer.status, answer.all("content-type")) == (200, ["text/html"])


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("/" + "x" * 8192, [], 414),
        ("/echo?" + "x" * 8192, [], 414),
        ("/echo", ["X-Long: " + "x" * 32768], 431),
        ("/echo", [f"X-{number}: x" for number in range(101)], 431),
        ("/a%00b", [], 400),
        ("/echo", ["X-Latin-1: \xe9"], 400),
        ("/echo", ["Host: a", "Host: b"], 400),
    ],
)
def test_what_kestrel_refuses_is_refused(host: RunningHost, target: str, headers: list[str], status: int) -> None:
    """KestrelServerLimits.cs, PathDecoder.cs, Http1Connection.cs: no body, and the connection closes."""
    answer = ask(host.port, target, *headers)
    assert (answer.status, answer.content) == (status, b"")
    assert (answer.all("connection"), answer.all("server")) == (["close"], ["Kestrel"])
    assert answer.all("x-custom") == []  # no middleware has seen it


@pytest.mark.parametrize("request_bytes", [b"nonsense\r\n\r\n", b"GET /echo HTTP/1.1\r\nbad header\r\n\r\n"])
def test_what_is_no_http_is_400_without_a_body(host: RunningHost, request_bytes: bytes) -> None:
    """Kestrel HttpProtocol.cs."""
    answer = exchange(host.port, request_bytes)
    assert (answer.status, answer.content, answer.all("server")) == (400, b"", ["Kestrel"])


def test_a_request_without_host_is_400(host: RunningHost) -> None:
    """Http1Connection.cs EnsureHostHeaderExists."""
    assert exchange(host.port, b"GET /echo HTTP/1.1\r\n\r\n").status == 400


def test_an_http_1_0_client_is_answered_without_chunks(host: RunningHost) -> None:
    answer = exchange(host.port, b"GET /async HTTP/1.0\r\n\r\n")
    assert answer.all("content-length") == [str(len(answer.content))]
    assert answer.content == b"from a coroutine"


def test_the_worker_library_takes_its_number_of_threads_from_the_setting(host: RunningHost) -> None:
    """azure-functions-runtime utils/threadpool.py: PYTHON_THREADPOOL_THREAD_COUNT functions run at once."""
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(ask(host.port, "/together").status)) for _ in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * THREADS
