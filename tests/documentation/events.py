"""The events that the code writes, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping


def events(sources: Mapping[str, str]) -> set[str]:
    """The first argument of every log.event and log.failure."""
    return {str(_name(call)) for _, call in _calls(sources) if _name(call)}


def unreadable(sources: Mapping[str, str]) -> list[str]:
    """One sentence for each call whose event is not a word written right there, so that nobody can look it up."""
    return [
        f"{module}:{call.lineno} computes the name of its event" for module, call in _calls(sources) if not _name(call)
    ]


def _calls(sources: Mapping[str, str]) -> Iterator[tuple[str, ast.Call]]:
    for module, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("log.event", "log.failure"):
                yield module, node


def _name(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
