"""How long a service asks to wait, in all the forms in which it says so."""

from __future__ import annotations

import pytest

from shared.clock import http_date
from shared.outbound import retry_after
from shared.wire import Answer

NOW = 1_767_225_600.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (http_date(NOW + 20), 20),
        (http_date(NOW - 1), 1),
        (http_date(NOW + 86_400), 600),
        ("120", 120),
        (" 7 ", 7),
        ("2.128", 3),
        ("0", 1),
        ("0.0001", 1),
        ("600", 600),
        ("601", 600),
        ("99999999999", 600),
        ("9" * 400, 42),
        ("1e5", 600),
        (None, 42),
        ("", 42),
        ("soon", 42),
        ("-5", 42),
        ("+5", 42),
        ("nan", 42),
        ("inf", 42),
        ("120, 5", 42),
        ("Sat, 99 Jan 2026 09:30:00 GMT", 42),
        ("Sat, 31 Jan 99999 09:30:00 GMT", 42),
    ],
)
def test_retry_after_is_whole_seconds_from_1_to_600_or_the_default(text: str | None, seconds: int) -> None:
    headers = {} if text is None else {"retry-after": text}
    assert retry_after(Answer(429, headers, b""), NOW, 42) == seconds
