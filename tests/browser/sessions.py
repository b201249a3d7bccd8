"""A stand-in for the server's auth/sessions, for states of the page that a real one is rarely in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, Route

HERE = {
    "number": "hereHEREhereHEREhereHE",
    "device": "Chrome on Windows",
    "created": "2026-06-01T07:05:00Z",
    "last_seen": "2026-06-01T12:59:00Z",
    "current": True,
}
PHONE = HERE | {"number": "phonePHONEphonePHONEph", "device": "Safari on iPhone", "current": False}
LIBRARY = HERE | {"number": "libraryLIBRARYlibraryL", "device": "Edge on Windows", "current": False}


def problem(status: int, code: str, **more: Any) -> dict[str, Any]:
    """Problem details as our server writes them."""
    return {"status": status, "code": code, "title": f"Title of {code}", "detail": f"Detail of {code}."} | more


@dataclass
class Sessions:
    """Lists and ends `listed`, until `problem` is set. `asked` has each request, as "DELETE number"."""

    page: Page
    listed: list[dict[str, Any]]
    problem: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.route("**/auth/sessions", self._answer)
        self.page.route("**/auth/sessions/*", self._answer)

    def _answer(self, route: Route) -> None:
        method = route.request.method
        number = route.request.url.partition("/auth/sessions")[2].strip("/")
        self.asked.append(f"{method} {number}".strip())
        if self.problem:
            route.fulfill(status=self.problem["status"], json=self.problem, headers=self.headers)
        elif method == "GET":
            route.fulfill(json={"sessions": self.listed})
        elif not number:
            route.fulfill(json={"location": f"{route.request.headers['origin']}/?left"})
        elif all(session["number"] != number for session in self.listed):
            route.fulfill(status=404, json=problem(404, "session_not_found"))
        else:
            self.listed = [session for session in self.listed if session["number"] != number]
            route.fulfill(status=204)
