"""The page as a person uses it, and what the browser complained about meanwhile."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, expect

from dev.sandbox.control_client import Control

# What Chromium writes for every answer of 400 and above. The page expects those and deals with them.
EXPECTED_ANSWER = "Failed to load resource: the server responded with a status of"


@dataclass
class Inbox:
    """One tab. `complaints` collects script errors, console errors and violations of the content security policy."""

    page: Page
    url: str
    control: Control
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{error}"))

    def _heard(self, message: ConsoleMessage) -> None:
        is_ours = message.location["url"].startswith(self.url) or not message.location["url"]
        if is_ours and message.type in ("error", "warning") and not message.text.startswith(EXPECTED_ANSWER):
            self.complaints.append(f"{message.type}: {message.text}")

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    @property
    def rows(self) -> Locator:
        return self.page.locator("a.row")

    @property
    def reader(self) -> Locator:
        return self.page.locator("#reader")

    @property
    def body(self) -> Locator:
        return self.reader.locator(".body")

    @property
    def notice(self) -> Locator:
        return self.page.locator(".notice-view")

    @property
    def banner(self) -> Locator:
        return self.page.locator("#banner")

    @property
    def signed_in(self) -> Locator:
        """The dialog with the list of sessions."""
        return self.page.get_by_role("dialog", name="Where you are signed in")

    @property
    def welcome(self) -> Locator:
        return self.page.locator("#welcome")

    def visit(self, path: str = "/") -> Inbox:
        self.page.goto(self.url + path)
        return self

    def sign_in(self, person: str = "work") -> Inbox:
        """The short way, for tests about what comes after: without a look at the sandbox's pages."""
        login = self.context.request.get(
            f"{self.url}/auth/login", max_redirects=0, headers={"Sec-Fetch-Mode": "navigate"}
        )
        self.page.goto(self.control.sign_in(login.headers["location"], person))
        self.expect_mail_or_notice()
        return self

    def sign_in_by_hand(self, person: str = "work", path: str = "/") -> Inbox:
        """From the page, through the sandbox's pages, back to the page; ends when it has mail or something to say."""
        self.visit(path)
        self.page.get_by_role("link", name="Sign in").click()
        self.choose(person)
        return self

    def choose(self, person: str) -> None:
        """On the sandbox's pages: picks an account and agrees, where the question comes."""
        self.page.locator(f'button[name="person"][value="{person}"]').click()
        self.page.wait_for_url(re.compile(rf"^{re.escape(self.url)}/|/consent\?"))
        if "/consent?" in self.page.url:
            self.page.locator('button[name="decision"][value="accept"]').click()
        self.page.wait_for_url(f"{self.url}/**")
        self.expect_mail_or_notice()

    def expect_mail_or_notice(self) -> None:
        self.expect_something(self.page.locator("a.row, .notice-view, #list-end"))

    @staticmethod
    def expect_something(candidates: Locator) -> None:
        """Waits until at least one of them is to be seen."""
        expect(candidates.filter(visible=True).first).to_be_visible()

    def open(self, number: int) -> None:
        """Opens a message of the list and waits for its text."""
        self.rows.nth(number).click()
        expect(self.body).to_be_visible()

    def list_sessions(self) -> None:
        """Opens the dialog "Where you are signed in" from the account's menu."""
        self.page.locator(".account-button").click()
        self.page.get_by_role("button", name="Where you are signed in").click()

    def sign_out(self) -> None:
        self.page.get_by_role("button", name="Sign out").click()

    def back(self) -> None:
        """The browser's Back. A page that it had kept in memory comes without a load event."""
        self.page.go_back(wait_until="commit")

    def text(self) -> str:
        """All text of the document, hidden or not, titles included."""
        text = self.page.evaluate("() => document.documentElement.textContent + document.title")
        assert isinstance(text, str)
        return text

    def is_at_home(self) -> bool:
        return urlsplit(self.page.url).path == "/" and self.page.url.startswith(self.url)

    def findings(self) -> list[Any]:
        """What axe finds wrong with the page as it is now."""
        violations = Axe().run(self.page).response["violations"]
        return [(found["id"], [node["html"] for node in found["nodes"]]) for found in violations]

    def scrolls_sideways(self) -> bool:
        return bool(self.page.evaluate("() => document.documentElement.scrollWidth > innerWidth"))
