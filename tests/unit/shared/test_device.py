"""A small vocabulary for devices: browsers say of themselves that they are several others."""

from __future__ import annotations

import pytest

from shared.device import UNKNOWN, label

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPAD = "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K)"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0"


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (f"{WINDOWS} {CHROME} Safari/537.36", "Chrome on Windows"),
        (f"{WINDOWS} {CHROME} Safari/537.36 Edg/141.0.0.0", "Edge on Windows"),
        (f"{WINDOWS} {CHROME} Safari/537.36 OPR/122.0.0.0", "Opera on Windows"),
        (f"{MAC} {CHROME} Safari/537.36", "Chrome on macOS"),
        (f"{MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15", "Safari on macOS"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on Linux"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36", "Chrome on ChromeOS"),
        (f"{ANDROID} {CHROME} Mobile Safari/537.36", "Chrome on Android"),
        (f"{ANDROID} {CHROME} Mobile Safari/537.36 EdgA/141.0.0.0", "Edge on Android"),
        (f"{ANDROID} {CHROME} SamsungBrowser/28.0 Mobile Safari/537.36", "Samsung Internet on Android"),
        ("Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0", "Firefox on Android"),
        (f"{IPHONE} Version/18.5 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        (f"{IPHONE} CriOS/141.0.7390.26 Mobile/15E148 Safari/604.1", "Chrome on iPhone"),
        (f"{IPHONE} EdgiOS/141.0.3537.38 Version/18.0 Mobile/15E148 Safari/604.1", "Edge on iPhone"),
        (f"{IPAD} FxiOS/143.0 Mobile/15E148 Safari/605.1.15", "Firefox on iPad"),
        (WINDOWS, "Unknown browser on Windows"),
        ("Firefox/143.0", "Firefox"),
        ("curl/8.5.0", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_a_device_is_named_by_its_browser_and_system(user_agent: str, expected: str) -> None:
    assert label(user_agent) == expected


@pytest.mark.parametrize("text", ["<script>", "x" * 100_000, "\x00\r\nSet-Cookie: a=b", "\u202e𝒜", "Chrome", "windows"])
def test_no_word_of_the_header_itself_is_ever_shown(text: str) -> None:
    assert label(text) == UNKNOWN
    assert label(f"{text} Chrome/1 {text} Windows {text}") == "Chrome on Windows"
