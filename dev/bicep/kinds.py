"""What kind of value an expression is, and what declarations allow: of literals, parameters and outputs alone.

https://learn.microsoft.com/azure/azure-resource-manager/bicep/parameters#use-decorators
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from tree_sitter import Node

from dev.bicep.syntax import Declaration, Fault, Source, child, module_of, properties, text_of, value_of, walk

_DECORATORS = frozenset(
    ["allowed", "batchSize", "description", "maxLength", "maxValue", "metadata", "minLength", "minValue", "secure"]
)
_LITERALS = {
    "string": "string",
    "number": "int",
    "boolean": "bool",
    "array": "array",
    "for_statement": "array",
    "object": "object",
}


@dataclass(frozen=True)
class Allowed:
    """What a parameter takes: its kind, and what its decorators say. None where they say nothing."""

    kind: str
    values: frozenset[str] | None
    least: int | None
    most: int | None


def kind_faults(sources: Mapping[str, Source]) -> Iterator[Fault]:
    """Unknown decorators, properties that stand twice, and values that are not what they are declared to be."""
    for source in sources.values():
        yield from _decorators(source)
        yield from _doubled(source)
        declared = {known.name: known for known in source.declarations() if known.kind in ("param", "var")}
        target = sources.get(source.uses) if source.is_parameters else source
        for declaration in source.declarations():
            if declaration.kind == "module":
                yield from _arguments(source, declaration, declared, sources)
            elif declaration.kind == "output" and target is not None:
                value = declaration.node.children[-1]
                yield from _value(source, value, Allowed(_kind_named(declaration), None, None, None), declared, sources)
        if target is not None:
            yield from _defaults(source, target, declared, sources)


def _decorators(source: Source) -> Iterator[Fault]:
    for node in walk(source.root):
        called = child(node, "call_expression") if node.type == "decorator" else None
        name = child(called, "identifier") if called is not None else None
        if name is not None and text_of(name) not in _DECORATORS:
            yield source.fault(node, f"no such decorator: {text_of(name)}")


def _doubled(source: Source) -> Iterator[Fault]:
    for node in walk(source.root):
        seen: set[str] = set()
        for name, item, _ in properties(node) if node.type == "object" else ():
            if name in seen:
                yield source.fault(item, f"{name} stands twice in one object")
            seen.add(name)


def _defaults(
    source: Source, target: Source, declared: Mapping[str, Declaration], sources: Mapping[str, Source]
) -> Iterator[Fault]:
    """Defaults of parameters, and what a parameter file gives them."""
    wanted = allowed_by(target)
    for name, declaration in declared.items():
        if name in wanted and child(declaration.node, "=") is not None:
            yield from _value(source, declaration.node.children[-1], wanted[name], declared, sources)


def _arguments(
    source: Source, module: Declaration, declared: Mapping[str, Declaration], sources: Mapping[str, Source]
) -> Iterator[Fault]:
    target = module_of(source, module, sources)
    given = value_of(module.body, "params")
    wanted = allowed_by(target) if target is not None else {}
    for name, _, value in properties(given) if given is not None else ():
        if name in wanted and value is not None:
            yield from _value(source, value, wanted[name], declared, sources)


def allowed_by(source: Source) -> dict[str, Allowed]:
    """What each parameter of a template takes."""
    decorators = {after.id: before for before, after in pairwise(source.root.children) if before.type == "decorators"}
    return {
        known.name: _allowed(known, decorators.get(known.node.id))
        for known in source.declarations()
        if known.kind == "param"
    }


def _allowed(declaration: Declaration, decorators: Node | None) -> Allowed:
    said: dict[str, Node] = {}
    for node in decorators.children if decorators is not None else ():
        called = child(node, "call_expression")
        name = child(called, "identifier") if called is not None else None
        arguments = child(called, "arguments") if called is not None else None
        if name is not None and arguments is not None and len(arguments.children) > 2:
            said[text_of(name)] = arguments.children[1]
    values = frozenset(text_of(item) for item in said["allowed"].named_children) if "allowed" in said else None
    least, most = said.get("minLength") or said.get("minValue"), said.get("maxLength") or said.get("maxValue")
    return Allowed(
        _kind_named(declaration),
        values,
        int(text_of(least)) if least is not None else None,
        int(text_of(most)) if most is not None else None,
    )


def _kind_named(declaration: Declaration) -> str:
    found = child(declaration.node, "type")
    return text_of(found) if found is not None else ""


def _value(
    source: Source,
    value: Node,
    wanted: Allowed,
    declared: Mapping[str, Declaration],
    sources: Mapping[str, Source],
) -> Iterator[Fault]:
    kind = _kind_of(value, source, declared, sources)
    if kind and kind != wanted.kind:
        yield source.fault(value, f"{text_of(value)} is {kind}, not {wanted.kind}")
    elif value.type in ("string", "number") and "${" not in text_of(value):
        text = text_of(value)
        size = int(text) if value.type == "number" else len(text)
        if wanted.values is not None and text not in wanted.values:
            yield source.fault(value, f"{text} is not one of {', '.join(sorted(wanted.values))}")
        if wanted.least is not None and size < wanted.least:
            yield source.fault(value, f"{text} is less than {wanted.least}")
        if wanted.most is not None and size > wanted.most:
            yield source.fault(value, f"{text} is more than {wanted.most}")


def _kind_of(value: Node, source: Source, declared: Mapping[str, Declaration], sources: Mapping[str, Source]) -> str:
    """The kind of a value; empty where it cannot be told."""
    if value.type in _LITERALS:
        return _LITERALS[value.type]
    if value.type == "unary_expression" and text_of(value).startswith("!"):
        return "bool"
    if value.type == "identifier" and text_of(value) in declared:
        known = declared[text_of(value)]
        return _kind_named(known) if known.kind == "param" else _kind_of(known.node.children[-1], source, {}, sources)
    parts = text_of(value).replace("!", "").split(".") if value.type == "member_expression" else []
    if len(parts) == 3 and parts[1] == "outputs":
        module = next(
            (known for known in source.declarations() if (known.kind, known.name) == ("module", parts[0])), None
        )
        target = module_of(source, module, sources) if module is not None else None
        for known in target.declarations() if target is not None else ():
            if (known.kind, known.name) == ("output", parts[2]):
                return _kind_named(known)
    return ""
