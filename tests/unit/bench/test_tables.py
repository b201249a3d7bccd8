"""Tables of the bench, and which requests and answers its load consists of."""

from __future__ import annotations

import json

import pytest

from dev.bench import latency, mail_page, parts
from dev.bench.figures import Summary
from dev.bench.load import is_whole
from dev.bench.tables import table


def test_a_table_is_markdown_with_its_figures_to_the_right() -> None:
    assert table(("what", "ms"), [["one", "1.00"]]) == "| what | ms |\n| --- | ---: |\n| one | 1.00 |\n"


def test_each_line_is_set_against_the_bare_graph_call_of_its_delay_and_concurrency() -> None:
    cells = [
        latency.Cell(delay, 16, what, Summary(100, p50, p50, p50, cpu, 0))
        for delay, what, p50, cpu in (
            (0.0, latency.GRAPH, 0.001, None),
            (0.0, latency.APP, 0.005, 0.0008),
            (0.02, latency.GRAPH, 0.020, None),
            (0.02, latency.APP, 0.022, 0.0009),
        )
    ]
    lines = [line for line in latency.report(cells).splitlines() if line.startswith(f"| {latency.APP}")]
    assert lines == [
        "| `GET api/messages` | 16 | 100 | 5.00 | 5.00 | 5.00 | 5.00 | 800 | 0 |",
        "| `GET api/messages` | 16 | 100 | 22.00 | 22.00 | 22.00 | 1.10 | 900 | 0 |",
    ]


def test_what_dominates_comes_first_and_the_parts_add_up() -> None:
    found = parts.Parts(handler=600e-6, store=200e-6, graph=250e-6, json=50e-6, sealing=20e-6)
    line = parts.report(found, whole=1000e-6)
    assert (
        line.index("worker and host 400 us (40%)") < line.index("Graph call 250 us") < line.index("store read 200 us")
    )


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Le", False),
        (b'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{"a"', False),
        (b'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n{"a"', True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", True),
    ],
)
def test_the_load_waits_until_an_answer_is_whole(answer: bytes, whole: bool) -> None:
    assert is_whole(answer) is whole


def test_the_page_has_ten_messages_in_about_eleven_kilobytes_and_is_always_the_same() -> None:
    page = mail_page.page("https://localhost:1/v1.0/me/messages?$skip=10")
    assert page == mail_page.page("https://localhost:1/v1.0/me/messages?$skip=10")
    assert len(json.loads(page)["value"]) == 10
    assert 10_000 < len(page) < 12_500
