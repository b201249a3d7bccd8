"""The whole app over fakes, asked through its URL map as the host asks it, and a browser in front of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import azure.functions as func
from azure.functions.decorators.function_app import FunctionBuilder

import function_app
from shared.services import Services
from tests.fakes.build import World, world
from tests.fakes.graph import FakeGraph
from tests.support.client import Cookie

NAVIGATION: Mapping[str, str] = {
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
    "sec-fetch-site": "none",
    "accept": "text/html,*/*;q=0.8",
}
FETCH: Mapping[str, str] = {
    "sec-fetch-mode": "cors",
    "sec-fetch-dest": "empty",
    "sec-fetch-site": "same-origin",
    "accept": "application/json",
}


@dataclass(frozen=True)
class Seen:
    """One answer."""

    status: int
    kind: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @classmethod
    def of(cls, answer: func.HttpResponse) -> Seen:
        headers = tuple((name, str(value)) for name, value in answer.headers.items())
        return cls(answer.status_code, answer.mimetype, headers, answer.get_body())

    def header(self, name: str) -> str | None:
        """The value of the only line with that name."""
        values = [value for known, value in self.headers if known.lower() == name.lower()]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def cookies(self) -> list[Cookie]:
        return [Cookie.parse(value) for name, value in self.headers if name.lower() == "set-cookie"]

    @property
    def location(self) -> str:
        found = self.header("Location")
        assert found is not None, f"{self.status} without Location: {self.text[:300]}"
        return found

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The stable code of an error, from the JSON answer or from the page."""
        if "json" in self.kind:
            return str(self.json()["code"])
        return self.text.partition("Error <code>")[2].partition("</code>")[0]


def request(
    method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"", **route: str
) -> func.HttpRequest:
    """A request as the worker hands it to a function."""
    return func.HttpRequest(method, url, headers=dict(headers or {}), params={}, route_params=route, body=body)


@cache
def routes() -> dict[tuple[str, str], Any]:
    """Every function that a route leads to, by method and route template."""
    found = {}
    for builder in vars(function_app).values():
        if isinstance(builder, FunctionBuilder):
            built = builder.build(func.AuthLevel.ANONYMOUS)
            trigger: Any = built.get_trigger()
            for method in getattr(trigger, "methods", ()):
                found[method.value, trigger.route] = built.get_user_function()
    return found


class Site:
    """An app of the usual settings with changes, its Entra, its Graph, its table and its clock."""

    def __init__(self, **settings: str | None) -> None:
        self.world: World = world(**settings)
        self.graph = FakeGraph(self.world.network)
        self.clock, self.store, self.network, self.entra = (
            self.world.clock,
            self.world.store,
            self.world.network,
            self.world.entra,
        )

    @property
    def services(self) -> Services:
        return self.world.services

    def ask(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"", **route: str
    ) -> Seen:
        """Send exactly this to the function that the host would choose. `target` begins with a slash."""
        template, found = _template(method, urlsplit(target).path)
        if function_app.services.made() is not self.services:
            function_app.services.use(lambda: self.services)
        asked = request(method, self.services.config.public_url + target, headers, body, **{**found, **route})
        return Seen.of(routes()[method, template](asked))

    def browser(self) -> Browser:
        return Browser(self)

    def signed_in(self, **claims: Any) -> Browser:
        """A browser in which somebody has signed in by way of Entra."""
        browser = self.browser()
        self.entra.claims = {**self.entra.claims, **claims}
        answer = browser.navigate(browser.callback(browser.login()))
        assert answer.status == 303, answer.text
        return browser


class Browser:
    """A cookie jar. A page is opened by `navigate`; `fetch` is what the app's own page does."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.jar: dict[str, str] = {}

    @property
    def session_name(self) -> str:
        return self.site.services.config.session_cookie_name

    @property
    def session(self) -> str | None:
        """The session cookie's value."""
        return self.jar.get(self.session_name)

    @property
    def pending(self) -> dict[str, str]:
        """The cookies of sign-ins under way."""
        return {name: value for name, value in self.jar.items() if "sign-in-" in name}

    def navigate(self, target: str, method: str = "GET", **headers: str) -> Seen:
        return self.send(method, target, {**NAVIGATION, **_named(headers)})

    def fetch(self, target: str, method: str = "GET", **headers: str) -> Seen:
        return self.send(method, target, {**FETCH, **_named(headers)})

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Seen:
        """Send these headers and the jar, and keep what comes back."""
        cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items())} if self.jar else {}
        answer = self.site.ask(method, target, {**cookie, **headers}, body)
        for line in answer.cookies:
            self.jar.pop(line.name, None)
            if not line.is_deletion():
                self.jar[line.name] = line.value
        return answer

    def login(self, query: str = "", **headers: str) -> str:
        """Begin a sign-in; gives back Entra's address."""
        answer = self.navigate("/auth/login" + query, **headers)
        assert answer.status == 302, answer.text
        return answer.location

    def callback(self, address: str) -> str:
        """Sign in at Entra; gives back path and query of the redirect to the app, not yet followed."""
        return self.site.entra.sign_in(address).removeprefix(self.site.services.config.public_url)


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _template(method: str, path: str) -> tuple[str, dict[str, str]]:
    if path == "/":
        return "{ignored:maxlength(0)?}", {}
    asked = path.removeprefix("/")
    if (method, asked) in routes():
        return asked, {}
    if asked.startswith("graph/v1.0/"):
        return "graph/v1.0/{*path}", {"path": asked.removeprefix("graph/v1.0/")}
    if asked.startswith("api/messages/") and asked.count("/") > 2:
        names = ("api", "messages", "{id}", asked.split("/")[3], "{attachment_id}")
        given = dict(zip(names, asked.split("/"), strict=False))
        found = {name.strip("{}"): value for name, value in given.items() if name.startswith("{")}
        return "/".join(given), found
    folder, _, last = asked.rpartition("/")
    name = {"api/messages": "id", "assets": "name", "auth/sessions": "number"}.get(folder)
    if name is None:
        raise LookupError(f"the host answers {method} {path} with 404")
    return f"{folder}/{{{name}}}", {name: last}
