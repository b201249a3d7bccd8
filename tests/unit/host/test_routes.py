"""The route table: Azure/azure-functions-host WebScriptHostHttpRoutesManager.cs, FunctionMetadataManager.cs,
ScriptHost.cs.
"""

from __future__ import annotations

from typing import Any

import pytest

from dev.host.routes import RouteTable, disabled_functions
from dev.host.worker import Function


def http_function(name: str, route: str | None, *methods: str) -> Function:
    trigger: dict[str, Any] = {"type": "httpTrigger", "name": "req", "route": route}
    if methods:
        trigger["methods"] = list(methods)
    return Function(name, f"id of {name}", "req", trigger)


def found(table: RouteTable, method: str, path: str) -> str | None:
    answer = table.find(method, path)
    return answer[0].name if answer else None


def test_the_first_match_in_the_order_of_function_names_wins() -> None:
    """FunctionMetadataManager.cs orders by name; there is no precedence of literals (azure-functions-host issue
    9876).
    """
    table = RouteTable([http_function("home", "index"), http_function("a_all", "{*path}")], "")
    assert found(table, "GET", "/index") == "a_all"


def test_names_are_ordered_as_upper_case() -> None:
    """StringComparer.OrdinalIgnoreCase folds to upper case, so "_" comes after every letter."""
    table = RouteTable([http_function("get_all", "{*path}"), http_function("getOne", "x")], "")
    assert found(table, "GET", "/x") == "getOne"
    table = RouteTable([http_function("b", "x"), http_function("A", "{id}")], "")
    assert found(table, "GET", "/x") == "A"


def test_a_failed_constraint_means_the_next_route() -> None:
    """dotnet/aspnetcore RouteBase.cs."""
    table = RouteTable([http_function("a", "x/{id:int}"), http_function("b", "x/{name}")], "")
    assert found(table, "GET", "/x/1") == "a"
    assert found(table, "GET", "/x/one") == "b"


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "BREW"])
def test_a_method_that_is_not_listed_is_no_match(method: str) -> None:
    """dotnet/aspnetcore HttpMethodRouteConstraint.cs: GET does not imply HEAD (azure-functions-host issue 11625)."""
    table = RouteTable([http_function("a", "x", "GET")], "")
    assert found(table, method, "/x") is None


def test_methods_ignore_case() -> None:
    """dotnet/aspnetcore HttpMethodRouteConstraint.cs."""
    table = RouteTable([http_function("a", "x", "get")], "")
    assert found(table, "GET", "/x") == "a"
    assert found(table, "gEt", "/x") == "a"


def test_without_methods_every_method_matches() -> None:
    """WebScriptHostHttpRoutesManager.cs: no methods, no constraint."""
    table = RouteTable([http_function("a", "x")], "")
    assert found(table, "BREW", "/x") == "a"


def test_two_functions_share_a_route_by_method() -> None:
    table = RouteTable([http_function("a", "x", "GET"), http_function("b", "x", "POST")], "")
    assert (found(table, "GET", "/x"), found(table, "POST", "/x")) == ("a", "b")


def test_the_prefix_stands_before_every_route() -> None:
    """azure-webjobs-sdk-extensions WebJobsRouteBuilder.cs."""
    table = RouteTable([http_function("a", "x")], "api")
    assert found(table, "GET", "/api/x") == "a"
    assert found(table, "GET", "/x") is None


@pytest.mark.parametrize("route", [None, ""])
def test_an_empty_route_is_the_function_name(route: str | None) -> None:
    """ScriptHost.cs ValidateHttpFunction: an empty route does not serve the root."""
    table = RouteTable([http_function("home", route)], "")
    assert found(table, "GET", "/home") == "home"
    assert found(table, "GET", "/") is None


def test_the_root_is_served_by_a_template_that_matches_the_empty_path() -> None:
    table = RouteTable([http_function("page", "{ignored:maxlength(0)?}")], "")
    assert found(table, "GET", "/") == "page"
    assert found(table, "GET", "/x") is None


@pytest.mark.parametrize("route", ["admin", "Admin/x", "administrators", "runtime-info", "/runtime/x"])
def test_a_route_that_starts_with_admin_or_runtime_is_refused(route: str) -> None:
    """ScriptHost.cs ValidateHttpFunction looks at the start of the text, below any prefix."""
    table = RouteTable([http_function("a", route), http_function("b", "x")], "api")
    assert "conflicts" in table.errors["a"]
    assert found(table, "GET", "/api/x") == "b"


def test_of_two_functions_with_one_route_the_later_is_in_error() -> None:
    """ScriptHost.cs HttpRoutesConflict: same text ignoring case and outer slashes, overlapping methods."""
    table = RouteTable([http_function("b", "X/"), http_function("a", "x", "GET", "POST"), http_function("c", "y")], "")
    assert list(table.errors) == ["b"]
    assert found(table, "GET", "/x") == "a"
    assert found(table, "GET", "/y") == "c"


@pytest.mark.parametrize("name", ["host", "Host", "1st", "a.b", "a" * 129])
def test_a_name_that_the_host_refuses_is_in_error(name: str) -> None:
    """azure-functions-host Utility.cs."""
    assert name in RouteTable([http_function(name, "x")], "").errors


def test_a_template_error_names_the_reason_and_leaves_the_others() -> None:
    table = RouteTable([http_function("a", "x/{id:uuid}"), http_function("b", "/y"), http_function("c", "z")], "api")
    assert "uuid" in table.errors["a"]
    assert "separators" in table.errors["b"]  # the prefix makes "api//y" of it
    assert found(table, "GET", "/api/z") == "c"


def test_other_triggers_have_no_route() -> None:
    timer = Function("tick", "1", "timer", {"type": "timerTrigger", "name": "timer", "schedule": "0 0 * * * *"})
    assert RouteTable([timer], "").routes == []


def test_a_disabled_function_has_no_route() -> None:
    """The app setting AzureWebJobs.NAME.Disabled, azure-functions-host ScriptHost.cs."""
    disabled = disabled_functions({"AzureWebJobs.a.Disabled": "true", "AzureWebJobs.b.Disabled": "false"})
    table = RouteTable([http_function("a", "x"), http_function("b", "y")], "", disabled)
    assert found(table, "GET", "/x") is None
    assert found(table, "GET", "/y") == "b"
