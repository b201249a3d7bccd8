"""The route table: which function answers a method and path.

Sources: Azure/azure-functions-host WebScriptHostHttpRoutesManager.cs, FunctionMetadataManager.cs, ScriptHost.cs
(ValidateFunction, ValidateHttpFunction), Utility.cs; Azure/azure-webjobs-sdk-extensions WebJobsRouteBuilder.cs;
dotnet/aspnetcore RouteCollection.cs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from dev.host.constraints import ConstraintInvalid
from dev.host.templates import Template, TemplateInvalid
from dev.host.worker import Function

_FUNCTION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_\-]{0,127}")


@dataclass(frozen=True, slots=True)
class Route:
    """One mapped HTTP function. `methods` is None where the binding names none: then every method matches."""

    function: Function
    route: str
    methods: frozenset[str] | None
    template: Template


class RouteTable:
    """The routes in the order in which they are tried, and the functions that got none with the reason (`errors`)."""

    def __init__(
        self, functions: Sequence[Function], route_prefix: str, disabled: frozenset[str] = frozenset()
    ) -> None:
        self.routes: list[Route] = []
        self.errors: dict[str, str] = {}
        for function in sorted(functions, key=lambda function: function.name.upper()):
            if function.trigger["type"] != "httpTrigger" or function.name in disabled:
                continue
            try:
                self.routes.append(self._route(function, route_prefix))
            except (TemplateInvalid, ConstraintInvalid) as error:
                self.errors[function.name] = str(error)
        self.find = lru_cache(maxsize=1024)(self._find)  # matching is pure, and most requests repeat a path

    def _route(self, function: Function, route_prefix: str) -> Route:
        if not _FUNCTION_NAME.fullmatch(function.name) or function.name.lower() == "host":
            raise TemplateInvalid(f"'{function.name}' is not a valid function name")
        route = function.trigger.get("route") or function.name
        if route.strip("/").lower().startswith(("admin", "runtime")):
            raise TemplateInvalid(f"The route '{route}' conflicts with one or more built in routes")
        methods = _methods(function.trigger)
        for other in self.routes:
            if _conflict(other, route, methods):
                raise TemplateInvalid(f"The route '{route}' is already that of the function '{other.function.name}'")
        return Route(function, route, methods, Template(f"{route_prefix}/{route}" if route_prefix else route))

    def _find(self, method: str, path: str) -> tuple[Function, Mapping[str, str]] | None:
        """The first route that takes `method` and the decoded `path`, with its route values."""
        verb = method.upper()
        for route in self.routes:
            if route.methods is None or verb in route.methods:
                values = route.template.match(path)
                if values is not None:
                    return route.function, values
        return None


def disabled_functions(environment: Mapping[str, str]) -> frozenset[str]:
    """The functions that app settings `AzureWebJobs.NAME.Disabled` switch off (Azure/azure-functions-host
    ScriptHost.cs).
    """
    prefix, suffix = "AzureWebJobs.", ".Disabled"
    return frozenset(
        name[len(prefix) : -len(suffix)]
        for name, value in environment.items()
        if name.startswith(prefix) and name.endswith(suffix) and value.lower() in ("1", "true")
    )


def _methods(trigger: Mapping[str, object]) -> frozenset[str] | None:
    methods = trigger.get("methods")
    return frozenset(str(method).upper() for method in methods) if isinstance(methods, list) and methods else None


def _conflict(other: Route, route: str, methods: frozenset[str] | None) -> bool:
    if other.route.strip("/").lower() != route.strip("/").lower():
        return False
    return other.methods is None or methods is None or bool(other.methods & methods)
