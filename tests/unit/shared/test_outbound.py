"""Connections that the app opens, against real sockets of this machine: deadlines, limits, and reuse."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import os
import resource
import socket
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from shared.clock import Deadline, SystemClock
from shared.outbound import Outbound
from shared.wire import Answer, OutboundError, TooLarge, TooSlow, Unreachable, bounded_by
from tests.fakes.wire import Exchange, Server

CLOCK = SystemClock()
MEGABYTE = 1024 * 1024
GZIP = "Content-Encoding: gzip"


def get(url: str, outbound: Outbound | None = None, *, seconds: float = 10.0, most: int = MEGABYTE) -> Answer:
    return (outbound or Outbound(4)).request("GET", url, deadline=Deadline(CLOCK, seconds), max_bytes=most)


def assert_ends_at_the_deadline(answer: Callable[[Exchange], None], seconds: float = 0.4) -> None:
    with Server(answer) as server:
        began = CLOCK.monotonic()
        with pytest.raises(TooSlow):
            get(server.url, seconds=seconds)
        took = CLOCK.monotonic() - began
    assert seconds - 0.05 <= took < seconds + 2.0, "a read time-out alone would start again with each byte"


def test_an_answer_comes_with_its_status_lower_case_headers_and_body() -> None:
    with Server(lambda exchange: exchange.answer(b"hello", "418 Teapot", "X-Some-Header: A value")) as server:
        answer = get(server.url + "/path?a=%2F&b='x'")
        assert (answer.status, answer.body) == (418, b"hello")
        assert answer.headers["x-some-header"] == "A value"
        assert server.requests[0].startswith(b"GET /path?a=%2F&b='x' HTTP/1.1\r\n")


def test_challenges_on_lines_of_their_own_are_all_kept() -> None:
    lines = ("WWW-Authenticate: Negotiate", 'www-authenticate: Bearer realm=""', "X-A: first", "X-A: last")
    with Server(lambda exchange: exchange.answer(b"", "401 Unauthorized", *lines)) as server:
        answer = get(server.url)
        assert answer.headers["www-authenticate"] == 'Negotiate, Bearer realm=""'
        assert answer.headers["x-a"] == "last"


def test_a_body_is_sent_as_it_is() -> None:
    with Server(lambda exchange: exchange.answer()) as server:
        outbound = Outbound(4)
        deadline = Deadline(CLOCK, 10)
        outbound.request("POST", server.url, headers={"X-A": "b"}, body=b"a=1", deadline=deadline, max_bytes=9)
        assert b"X-A: b\r\n" in server.requests[0]
        assert server.requests[0].endswith(b"\r\n\r\na=1")


def test_a_body_that_drips_byte_by_byte_ends_at_the_deadline() -> None:
    def drip(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        exchange.drip(b"x" * 1000, 0.03)

    assert_ends_at_the_deadline(drip)


def test_a_chunked_body_that_drips_ends_at_the_deadline() -> None:
    def drip(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        exchange.drip(b"1\r\nx\r\n" * 200, 0.03)

    assert_ends_at_the_deadline(drip)


def test_headers_that_drip_byte_by_byte_end_at_the_deadline() -> None:
    assert_ends_at_the_deadline(lambda exchange: exchange.drip(b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 1000, 0.03))


def test_headers_without_end_end_at_the_deadline() -> None:
    def drip(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\n")
        exchange.drip(b"A: b\r\n" * 1000, 0.01)

    assert_ends_at_the_deadline(drip)


def test_no_answer_at_all_ends_at_the_deadline() -> None:
    def silent(exchange: Exchange) -> None:
        exchange.closing.wait(10)

    assert_ends_at_the_deadline(silent)


def test_a_deadline_that_has_passed_sends_nothing() -> None:
    with Server(lambda exchange: exchange.answer()) as server:
        with pytest.raises(TooSlow):
            get(server.url, seconds=0)
        assert server.accepted == 0


def test_an_answer_in_time_after_a_slow_start_is_whole() -> None:
    def slow(exchange: Exchange) -> None:
        exchange.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 0.005)

    with Server(slow) as server:
        assert get(server.url).body == b"abc"


def test_a_gzip_bomb_is_cut_at_the_limit_and_never_unpacked_whole() -> None:
    bomb = gzip.compress(bytes(50 * MEGABYTE))
    assert len(bomb) < 64 * 1024
    with Server(lambda exchange: exchange.answer(bomb, "200 OK", GZIP)) as server:
        outbound = Outbound(4)
        tracemalloc.start()
        try:
            with pytest.raises(TooLarge):
                get(server.url, outbound)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 8 * MEGABYTE


def test_an_answer_of_50_megabytes_is_cut_long_before_its_end() -> None:
    sent: list[Exchange] = []

    def flood(exchange: Exchange) -> None:
        sent.append(exchange)
        exchange.send(f"HTTP/1.1 200 OK\r\nContent-Length: {50 * MEGABYTE}\r\n\r\n".encode())
        for _ in range(50 * 16):
            exchange.send(bytes(MEGABYTE // 16))

    with Server(flood) as server:
        began = CLOCK.monotonic()
        with pytest.raises(TooLarge):
            get(server.url)
        assert CLOCK.monotonic() - began < 5
    assert sent[0].sent < 20 * MEGABYTE, "the connection was closed under it"


def test_a_chunked_answer_without_end_is_cut() -> None:
    def flood(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not exchange.closing.is_set():
            exchange.send(b"10000\r\n" + bytes(65536) + b"\r\n")

    with Server(flood) as server, pytest.raises(TooLarge):
        get(server.url)


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
def test_the_limit_is_exact(size: int, fits: bool) -> None:
    with Server(lambda exchange: exchange.answer(bytes(size))) as server:
        if fits:
            assert len(get(server.url, most=1000).body) == 1000
        else:
            with pytest.raises(TooLarge):
                get(server.url, most=1000)


def test_a_process_with_thousands_of_open_files_still_knows_which_connections_are_usable() -> None:
    with contextlib.ExitStack() as opened:
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, limits[1]), limits[1]))
        opened.callback(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        while opened.enter_context(Path(os.devnull).open()).fileno() < 1100:
            pass
        with Server(lambda exchange: exchange.answer(b"x")) as server:
            outbound = Outbound(1)
            assert [get(server.url, outbound).body for _ in range(2)] == [b"x", b"x"]
            assert server.accepted == 1


def test_gzip_of_several_members_is_unpacked_to_its_end() -> None:
    packed = gzip.compress(b"one") + gzip.compress(b"two")
    with Server(lambda exchange: exchange.answer(packed, "200 OK", GZIP)) as server:
        assert get(server.url).body == b"onetwo"


def test_gzip_is_unpacked() -> None:
    with Server(lambda exchange: exchange.answer(gzip.compress(b"hello"), "200 OK", GZIP)) as server:
        assert get(server.url).body == b"hello"


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nX: y",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_half_an_answer_is_none(raw: bytes) -> None:
    def broken(exchange: Exchange) -> None:
        exchange.send(raw)
        exchange.reset()

    with Server(broken) as server:
        with pytest.raises(Unreachable):
            get(server.url)
        assert len(server.requests) == 1, "sent once, not again"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_not_followed(status: int) -> None:
    with Server(lambda exchange: exchange.answer(b"elsewhere")) as other:
        location = f"Location: {other.url}/x"
        with Server(lambda exchange: exchange.answer(b"", f"{status} Moved", location)) as server:
            answer = get(server.url)
        assert (answer.status, answer.headers["location"]) == (status, f"{other.url}/x")
        assert other.accepted == 0


def test_a_body_that_only_the_end_of_the_connection_ends_is_refused_for_it_may_be_cut() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\n\r\nwhole or half")
        exchange.connection.shutdown(socket.SHUT_RDWR)

    with Server(answer) as server, pytest.raises(Unreachable):
        get(server.url)


def test_headers_without_end_are_cut_even_when_they_come_fast() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\n")
        with contextlib.suppress(OSError):
            while exchange.sent < 50 * MEGABYTE:
                exchange.send(b"X-More: " + bytes(1000).replace(b"\0", b"x") + b"\r\n")

    with Server(answer) as server, pytest.raises(TooLarge):
        get(server.url)


@pytest.mark.parametrize("value", ["a\r\nX-Planted: 1", "a\nb", "a\0b"])
def test_nothing_that_ends_a_line_early_is_ever_sent(value: str) -> None:
    with Server(lambda exchange: exchange.answer()) as server:
        with pytest.raises(ValueError, match="line break"):
            Outbound(1).request("GET", server.url, deadline=Deadline(CLOCK, 5), max_bytes=9, headers={"X-Given": value})
        assert server.requests == []


def test_nobody_listening_is_unreachable_and_surely_not_sent() -> None:
    with Server(lambda exchange: exchange.answer()) as server:
        url = server.url
    with pytest.raises(Unreachable):
        get(url)


def test_one_connection_serves_many_requests() -> None:
    with Server(lambda exchange: exchange.answer(b"x")) as server:
        outbound = Outbound(4)
        for _ in range(20):
            get(server.url, outbound)
        assert (server.accepted, len(server.requests)) == (1, 20)


@pytest.mark.parametrize("ending", ["reset", "close"])
def test_a_kept_connection_that_the_other_side_ended_is_opened_anew_unseen(ending: str) -> None:
    def answer_and_end(exchange: Exchange) -> None:
        exchange.answer(b"x")
        if ending == "reset":
            exchange.reset()
        else:
            exchange.connection.close()

    with Server(answer_and_end) as server:
        outbound = Outbound(4)
        for number in itertools.count(1):
            assert get(server.url, outbound).body == b"x"
            assert server.accepted == number
            if number == 5:
                break
            _wait_until_ended(outbound)


def _wait_until_ended(outbound: Outbound) -> None:
    """Until the kernel has told this side that its kept connection is over."""
    (host,) = outbound._hosts.values()
    limit = time.monotonic() + 5
    while any(kept.is_usable() for kept in host._idle) and time.monotonic() < limit:
        time.sleep(0.001)
    assert not any(kept.is_usable() for kept in host._idle)


def test_a_connection_that_breaks_under_a_request_is_reported_and_the_request_not_repeated() -> None:
    with Server(lambda exchange: exchange.reset()) as server:
        with pytest.raises(Unreachable):
            get(server.url)
        assert len(server.requests) == 1


def test_a_connection_cut_at_the_limit_is_not_used_again() -> None:
    with Server(lambda exchange: exchange.answer(bytes(3 * MEGABYTE))) as server:
        outbound = Outbound(4)
        for number in (1, 2):
            with pytest.raises(TooLarge):
                get(server.url, outbound)
            assert server.accepted == number


def test_a_library_session_follows_no_redirect_and_keeps_to_the_deadline() -> None:

    def drip(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        exchange.drip(b"x" * 1000, 0.03)

    def elsewhere(exchange: Exchange) -> None:
        exchange.answer(b"", "302 Found", f"Location: {other.url}")

    session = Outbound(4).session()
    with Server(lambda exchange: exchange.answer()) as other, Server(elsewhere) as server:
        with pytest.raises(requests.TooManyRedirects), bounded_by(Deadline(CLOCK, 5)):
            session.get(server.url)
        assert other.accepted == 0
    with Server(drip) as server:
        began = CLOCK.monotonic()
        with pytest.raises((requests.RequestException, OutboundError, OSError)), bounded_by(Deadline(CLOCK, 0.4)):
            session.get(server.url, timeout=10)
        assert CLOCK.monotonic() - began < 2.4
