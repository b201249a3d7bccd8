"""Chromium for these tests, one context (one browser's worth of cookies) at a time, and a watch on what it reports."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, BrowserContext, Playwright, expect, sync_playwright

from dev import certificates
from dev.launcher import start
from dev.sandbox.serving import Sandbox
from tests.browser.inbox import Inbox
from tests.support.apps import App

# In ms. Seconds are rarely needed, but a busy machine must not fail a test.
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)

type OpenInbox = Callable[..., Inbox]

type Scheme = Literal["light", "dark"]

WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 320, "height": 640}


@pytest.fixture
def screenshots() -> Path:
    """Where pictures of the page go: DRAWBRIDGE_SCREENSHOTS (the README's are in docs/), else out of the way."""
    return Path(os.environ.get("DRAWBRIDGE_SCREENSHOTS") or Path(start.ROOT, ".drawbridge", "screenshots"))


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Per module: while it runs, its event loop belongs to the main thread, where other tests need theirs."""
    with sync_playwright() as running:
        yield running


def launch(playwright: Playwright, *arguments: str) -> Browser:
    """The Chromium that `dev test` found, with its memory of pages for Back, which Playwright would switch off."""
    chromium = os.environ.get("DRAWBRIDGE_CHROMIUM")
    assert chromium, "DRAWBRIDGE_CHROMIUM must name a Chromium; `python3 dev test` finds one and sets it"
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return playwright.chromium.launch(
        executable_path=chromium,
        args=[*sandbox, *arguments],
        ignore_default_args=["--disable-back-forward-cache"],
    )


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = launch(playwright)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def chromium_with_ca(playwright: Playwright, ca_folder: Path) -> Iterator[Browser]:
    """A Chromium that accepts the local certificate by its public key, and no other that it does not know."""
    chain, _ = certificates.server_certificate(ca_folder)
    key = x509.load_pem_x509_certificate(chain.read_bytes()).public_key()
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    pin = base64.b64encode(digest.finalize()).decode()
    browser = launch(playwright, f"--ignore-certificate-errors-spki-list={pin}")
    yield browser
    browser.close()


@pytest.fixture
def open_inbox(request: pytest.FixtureRequest, app: App, sandbox: Sandbox) -> Iterator[OpenInbox]:
    """`open_inbox(context=None, app=None, browser=None, **context_options)`: a tab, in a new context if none is given.

    At the end of the test no tab may have reported an error.
    """
    tabs: list[Inbox] = []
    with ExitStack() as stack:

        def open_inbox(
            context: BrowserContext | None = None, app: App = app, browser: Browser | None = None, **options: Any
        ) -> Inbox:
            if context is None:
                chromium: Browser = browser or request.getfixturevalue("chromium")
                usual = {"viewport": WIDE, "locale": "en-GB", "timezone_id": "Europe/Zurich"}
                context = stack.enter_context(chromium.new_context(**usual | options))
                context.set_default_timeout(PATIENCE)
            tabs.append(Inbox(context.new_page(), app.url, sandbox.control))
            return tabs[-1]

        yield open_inbox
        complaints = [complaint for tab in tabs for complaint in tab.complaints]
    assert complaints == []


@pytest.fixture
def inbox(open_inbox: OpenInbox) -> Inbox:
    """A tab of a new browser."""
    return open_inbox()
