"""Route templates: dotnet/aspnetcore src/Http/Routing/src/Patterns/RoutePatternMatcher.cs, PathTokenizer.cs,
RoutePatternParser.cs.
"""

from __future__ import annotations

import pytest

from dev.host.constraints import ConstraintInvalid
from dev.host.templates import Template, TemplateInvalid

MATCHES: list[tuple[str, str, dict[str, str]]] = [
    # Literals ignore case, parameters keep the caller's.
    ("auth/login", "/Auth/LOGIN", {}),
    ("api/messages/{id}", "/API/messages/AbC", {"id": "AbC"}),
    # PathTokenizer: one trailing slash does not count.
    ("api/messages", "/api/messages/", {}),
    ("api/messages/{id}", "/api/messages/x/", {"id": "x"}),
    # A leading slash or "~/" is legal where the template starts with it.
    ("/", "/", {}),
    ("/index", "/index", {}),
    ("~/index", "/index", {}),
    # Optional: absent, the key is absent. Default: absent, the key has it.
    ("echo/{id?}", "/echo", {}),
    ("echo/{id?}", "/echo/7", {"id": "7"}),
    ("echo/{id=5}", "/echo", {"id": "5"}),
    ("echo/{id=5}", "/echo/6", {"id": "6"}),
    ("{a?}/{b?}", "/", {}),
    ("{a=1}/{b=2}", "/x", {"a": "x", "b": "2"}),
    # Constraints.
    ("n/{id:int}", "/n/12", {"id": "12"}),
    ("n/{id:int:min(5)?}", "/n", {}),
    ("n/{id:int=5}", "/n", {"id": "5"}),
    ("n/{id:length(1,3)}", "/n/abc", {"id": "abc"}),
    (r"n/{id:regex(^\d{{3}}-\d{{4}}$)}", "/n/555-1234", {"id": "555-1234"}),
    (r"n/{id:regex(^(a|b)/?c$)}", "/n/bc", {"id": "bc"}),
    ("{ignored:maxlength(0)?}", "/", {}),
    # A catch-all takes the rest as it is, inner and trailing slashes included; nothing left, no key.
    ("files/{*path}", "/files/a//b/", {"path": "a//b/"}),
    ("files/{**path}", "/files/a/b", {"path": "a/b"}),
    ("files/{*path}", "/files", {}),
    ("{*path}", "/", {}),
    ("{*path:regex(^a)}", "/a/b", {"path": "a/b"}),
    # Several parts in one segment: literals from the right, each at its last place; no parameter is empty.
    ("{name}.{extension}", "/a.b.c", {"name": "a.b", "extension": "c"}),
    ("pre-{id}", "/PRE-7", {"id": "7"}),
    ("{id}-post", "/7-POST", {"id": "7"}),
    ("{a}-{b}-{c}", "/1-2-3-4", {"a": "1-2", "b": "3", "c": "4"}),
    ("{file}.{extension?}", "/readme", {"file": "readme"}),
    ("{file}.{extension?}", "/readme.txt", {"file": "readme", "extension": "txt"}),
    ("a{{b}}", "/A{B}", {}),
]

NO_MATCHES = [
    ("auth/login", "/auth"),
    ("auth/login", "/auth/login/x"),
    ("auth/login", "/auth//login"),
    ("auth/login", "/auth/login//"),
    ("api/messages/{id}", "/api/messages"),
    ("api/messages/{id}", "/api/messages//"),
    ("n/{id:int}", "/n/x"),
    ("{ignored:maxlength(0)?}", "/x"),
    ("{ignored:maxlength(0)?}", "//"),
    ("{*path}", "//x"),  # an empty segment before or where the catch-all begins
    ("files/{*path}", "/files//x"),
    ("{name}.{extension}", "/a."),
    ("{name}.{extension}", "/.a"),
    ("{file}.{extension?}", "/readme."),
    ("pre-{id}", "/pre-"),
    ("pre-{id}", "/xpre-7"),
    ("{id}-post", "/7-posts"),
    ("v{major:int}-{minor}", "/v1-x-2"),  # major is "1-x"
]

INVALID = [
    "a//b",
    "api//messages",  # a leading slash in a route below a prefix
    "~a",
    "{a}{b}",
    "{a}/{A}",
    "{*path}/x",
    "x{*path}",
    "{a",
    "a}",
    "{}",
    "a?b",
    "{a?}x",
    "x{a?}",
    "{*a?}",
    "{a=1?}",
    "{a/b}",
]


@pytest.mark.parametrize(("template", "path", "values"), MATCHES)
def test_a_template_matches_as_the_classic_router(template: str, path: str, values: dict[str, str]) -> None:
    assert Template(template).match(path) == values


@pytest.mark.parametrize(("template", "path"), NO_MATCHES)
def test_a_template_does_not_match_what_the_classic_router_refuses(template: str, path: str) -> None:
    assert Template(template).match(path) is None


@pytest.mark.parametrize("template", INVALID)
def test_a_template_that_aspnet_would_refuse_is_an_error(template: str) -> None:
    with pytest.raises(TemplateInvalid):
        Template(template)


def test_an_unknown_constraint_is_an_error_that_names_it() -> None:
    with pytest.raises(ConstraintInvalid, match="'uuid'"):
        Template("api/{id:uuid}")
