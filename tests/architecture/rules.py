"""What the architecture allows, and a reader of source files that says where it is broken.

Imports run one way, each third-party library has one door, and no module or function outgrows its reader. A checker
takes sources by module name, so that its own tests can hand it planted violations.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# From the composition root down. A module imports only from layers below its own, so the modules of one layer never
# import each other: one handler no other, auth not graph.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"function_app"}),
    frozenset({"functions"}),
    frozenset({"shared.mail_access", "shared.graph_shapes"}),
    frozenset({"shared.services"}),
    frozenset({"shared.mail", "shared.mail_parts"}),
    frozenset({"shared.auth", "shared.graph"}),
    frozenset({"shared.entra", "shared.entra_errors", "shared.id_token", "shared.refresh", "shared.signed_in"}),
    frozenset({"shared.renewal"}),
    frozenset({"shared.sessions", "shared.pending", "shared.purge"}),
    frozenset({"shared.session_index"}),
    frozenset({"shared.flights", "shared.keyring", "shared.session_rows"}),
    frozenset({"shared.key_rows"}),
    frozenset({"shared.token_store", "shared.http"}),
    frozenset({"shared.graph_ids", "shared.permissions"}),
    frozenset({"shared.azure_tables", "shared.cookies", "shared.pages"}),
    frozenset({"shared.managed_identity", "shared.wrapping"}),
    frozenset({"shared.azure_clients", "shared.sealing"}),
    frozenset({"shared.outbound"}),
    frozenset({"shared.config", "shared.wire"}),
    frozenset({"shared.settings"}),
    frozenset({"shared.clock", "shared.graph_errors"}),
    frozenset({"shared.errors", "shared.mail_body"}),
    frozenset({"shared.challenges", "shared.device", "shared.log", "shared.secret", "shared.paths", "shared.words"})
    | {"shared.file_names", "shared.html_tokens"},
)

# Who alone may import what. A library that is missing here may be imported by all.
DOORS: Mapping[str, frozenset[str]] = {
    "msal": frozenset({"shared.auth"}),
    "azure.data": frozenset({"shared.azure_tables"}),
    "azure.core": frozenset(
        {
            "shared.azure_clients",
            "shared.azure_tables",
            "shared.token_store",
            "shared.managed_identity",
            "shared.wrapping",
        }
    ),
    "azure.identity": frozenset({"shared.managed_identity"}),
    "azure.keyvault": frozenset({"shared.wrapping"}),
    "requests": frozenset({"shared.outbound"}),
    "urllib3": frozenset({"shared.outbound"}),
    "httptools": frozenset({"shared.wire"}),
    "http.client": frozenset(),
    "urllib.request": frozenset(),
    "socket": frozenset({"shared.outbound", "shared.wire"}),
    "cryptography": frozenset({"shared.sealing"}),
    "http.cookies": frozenset({"shared.cookies"}),
    "werkzeug": frozenset({"shared.cookies"}),
    "time": frozenset({"shared.clock"}),
    "random": frozenset(),
    "subprocess": frozenset(),
    "dev": frozenset(),
    "tests": frozenset(),
}

ENVIRONMENT = ("os.environ", "os.environb", "os.getenv", "os.putenv")
ENVIRONMENT_DOOR = "shared.config"
TIME = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today")
TIME_DOOR = "shared.clock"

LONGEST_MODULE = 300  # lines
LONGEST_FUNCTION = 40  # lines, from `def` to the last


@dataclass(frozen=True)
class Import:
    """One imported name, in full: `from azure.data import tables` is azure.data.tables."""

    name: str
    line: int


def imports(source: str) -> Iterator[Import]:
    """Everything imported anywhere in a source: in functions and for type checkers too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import("." * node.level + f"{node.module or ''}.{alias.name}", node.lineno)


def layer_of(module: str) -> int | None:
    """The place of one of our modules in LAYERS, counted from the top; None for a module that has none."""
    for place, layer in enumerate(LAYERS):
        if module in layer or any(module.startswith(name + ".") for name in layer):
            return place
    return None


def direction_faults(sources: Mapping[str, str]) -> Iterator[str]:
    """Imports that run upwards or sideways, and modules that have no place."""
    for module, source in sources.items():
        place = layer_of(module)
        if place is None and module not in ("functions", "shared"):
            yield f"{module} has no place in the layers"
        for found in imports(source):
            if found.name.startswith("."):
                yield f"{module}:{found.line} imports relatively; name the module in full"
            target = layer_of(found.name)
            if place is not None and target is not None and target <= place:
                yield f"{module}:{found.line} imports {found.name}, which is not below it"


def door_faults(sources: Mapping[str, str]) -> Iterator[str]:
    """Libraries, the environment and the time of day used elsewhere than behind their one door."""
    for module, source in sources.items():
        for found in imports(source):
            for library, allowed in DOORS.items():
                if is_within(found.name, library) and module not in allowed:
                    yield f"{module}:{found.line} imports {found.name}; allowed in {sorted(allowed) or 'no module'}"
            if found.name in ENVIRONMENT and module != ENVIRONMENT_DOOR:
                yield f"{module}:{found.line} imports {found.name}; allowed in {ENVIRONMENT_DOOR}"
        for name, line in dotted_names(source):
            if name in ENVIRONMENT and module != ENVIRONMENT_DOOR:
                yield f"{module}:{line} uses {name}; allowed in {ENVIRONMENT_DOOR}"
            if name.endswith(TIME) and module != TIME_DOOR:
                yield f"{module}:{line} uses {name}; allowed in {TIME_DOOR}"


def is_within(name: str, package: str) -> bool:
    """Whether an imported name is a package or something in it."""
    return name == package or name.startswith(package + ".")


def dotted_names(source: str) -> Iterator[tuple[str, int]]:
    """Every attribute of a plain name, such as os.environ or datetime.datetime.now, with its line."""
    for node in ast.walk(ast.parse(source)):
        parts: list[str] = []
        inner: ast.expr | ast.AST = node
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if parts and isinstance(inner, ast.Name) and isinstance(node, ast.Attribute):
            yield ".".join([inner.id, *reversed(parts)]), node.lineno


def size_faults(sources: Mapping[str, str]) -> Iterator[str]:
    """Modules and functions that are too long to be read in one go."""
    for module, source in sources.items():
        lines = len(source.splitlines())
        if lines > LONGEST_MODULE:
            yield f"{module} has {lines} lines; at most {LONGEST_MODULE}"
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    yield f"{module}:{node.lineno} {node.name} has {length} lines; at most {LONGEST_FUNCTION}"
