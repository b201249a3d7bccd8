"""Names: used but never declared, declared but never used, undescribed, and what modules are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from tree_sitter import Node

from dev.bicep.syntax import Declaration, Fault, Source, child, module_of, properties, text_of, value_of, walk

# https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions
_FUNCTIONS = frozenset(
    [
        "any",
        "array",
        "concat",
        "contains",
        "deployment",
        "empty",
        "endsWith",
        "environment",
        "first",
        "format",
        "guid",
        "int",
        "join",
        "json",
        "last",
        "length",
        "min",
        "max",
        "newGuid",
        "padLeft",
        "range",
        "readEnvironmentVariable",
        "replace",
        "resourceGroup",
        "resourceId",
        "skip",
        "split",
        "string",
        "subscription",
        "subscriptionResourceId",
        "substring",
        "take",
        "tenant",
        "toLower",
        "toUpper",
        "trim",
        "union",
        "uniqueString",
        "uri",
        "utcNow",
    ]
)
_NAMESPACES = frozenset({"az", "sys"})
_LOCAL = ("loop_variable", "loop_enumerator")


def name_faults(sources: Mapping[str, Source]) -> Iterator[Fault]:
    """All faults of names; `sources` by their names, so that modules can be found."""
    read: dict[str, set[str]] = {}
    for source in sources.values():
        if source.is_parameters:
            yield from _parameter_file(source, sources)
            continue
        declarations = source.declarations()
        yield from _undefined_and_unused(source, declarations)
        yield from _undescribed(source, declarations)
        yield from _circles(source, declarations)
        for declaration in declarations:
            if declaration.kind == "module":
                yield from _module(source, declaration, sources, read)
    for name, outputs in read.items():
        for declaration in sources[name].declarations():
            if declaration.kind == "output" and declaration.name not in outputs:
                yield sources[name].fault(declaration.node, f"output {declaration.name} is never used")


def _undefined_and_unused(source: Source, declarations: list[Declaration]) -> Iterator[Fault]:
    declared: dict[str, Declaration] = {}
    for declaration in declarations:
        if declaration.kind == "output":
            continue
        if declaration.name in declared:
            yield source.fault(declaration.node, f"{declaration.name} is declared twice")
        declared[declaration.name] = declaration
    used = set()
    for node, local in _references(source.root, frozenset()):
        name = text_of(node)
        used.add(name)
        if name not in declared and name not in local and name not in _FUNCTIONS | _NAMESPACES:
            yield source.fault(node, f"{name} is not defined")
    for name, declaration in declared.items():
        if declaration.kind in ("param", "var") and name not in used:
            yield source.fault(declaration.node, f"{declaration.kind} {name} is never used")


def _references(node: Node, local: frozenset[str]) -> Iterator[tuple[Node, frozenset[str]]]:
    """Every identifier that stands for a value, with the names of the loops around it."""
    if node.type == "decorators":
        return
    if node.type == "for_statement":
        local |= {text_of(inner) for inner in walk(node) if inner.type in _LOCAL}
        simple = node.child_by_field_name("initializer")
        local |= {text_of(simple)} if simple is not None and simple.type == "identifier" else set()
    skipped = _own_name(node)
    for inner in node.children:
        if inner.type == "identifier" and inner.id not in skipped:
            yield inner, local
        else:
            yield from _references(inner, local)


def _own_name(node: Node) -> set[int]:
    """Identifiers that are a node's own name and refer to nothing."""
    if node.type.endswith("_declaration") or node.type == "object_property":
        first = node.children[0] if node.type == "object_property" else child(node, "identifier")
        return {first.id} if first is not None else set()
    return set()


def _circles(source: Source, declarations: list[Declaration]) -> Iterator[Fault]:
    """What needs itself, through others. A nested resource may name the one that it stands in."""
    own = {known.name: known for known in declarations if known.kind != "output"}
    needs = {
        name: {text_of(node) for node, _ in _references(known.node, frozenset())} & own.keys() - {name}
        for name, known in own.items()
    }
    for name, known in own.items():
        reached: set[str] = set()
        ahead = list(needs[name])
        while ahead:
            step = ahead.pop()
            if step not in reached:
                reached.add(step)
                ahead.extend(needs[step])
        if name in reached:
            yield source.fault(known.node, f"{name} needs itself")


def _undescribed(source: Source, declarations: list[Declaration]) -> Iterator[Fault]:
    described = {
        after.id
        for before, after in pairwise(source.root.children)
        if before.type == "decorators" and "@description(" in text_of(before)
    }
    for declaration in declarations:
        if declaration.kind in ("param", "output") and declaration.node.id not in described:
            yield source.fault(declaration.node, f"{declaration.kind} {declaration.name} has no @description")


def _module(
    source: Source, module: Declaration, sources: Mapping[str, Source], read: dict[str, set[str]]
) -> Iterator[Fault]:
    target = module_of(source, module, sources)
    if target is None:
        yield source.fault(module.node, f"module {module.quoted} does not exist")
        return
    params = {known.name: known for known in target.declarations() if known.kind == "param"}
    outputs = {known.name for known in target.declarations() if known.kind == "output"}
    given = value_of(module.body, "params")
    names = {name for name, _, _ in properties(given)} if given is not None else set()
    for name, node, _ in properties(given) if given is not None else ():
        if name not in params:
            yield source.fault(node, f"{target.name} has no param {name}")
    for name, declaration in params.items():
        if name not in names and child(declaration.node, "=") is None:
            yield source.fault(module.node, f"param {name} of {target.name} is not given")
    for node in walk(source.root):
        text = text_of(node) if node.type == "member_expression" else ""
        parts = text.replace("!", "").replace("?", "").split(".")
        if parts[:2] != [module.name, "outputs"] or len(parts) != 3:
            continue
        read.setdefault(target.name, set()).add(parts[2])
        if parts[2] not in outputs:
            yield source.fault(node, f"{target.name} has no output {parts[2]}")
        if child(module.node, "if_statement") is not None and "!" not in text and ".?" not in text:
            yield source.fault(node, f"{module.name} may not be there: {module.name}!.outputs where it surely is")


def _parameter_file(source: Source, sources: Mapping[str, Source]) -> Iterator[Fault]:
    target = sources.get(source.uses)
    if target is None:
        yield Fault(source.name, 1, f"using {source.uses!r}: no such template")
        return
    params = {known.name: known for known in target.declarations() if known.kind == "param"}
    given = {known.name: known for known in source.declarations()}
    for name, declaration in given.items():
        if name not in params:
            yield source.fault(declaration.node, f"{target.name} has no param {name}")
    for name, declaration in params.items():
        if name not in given and child(declaration.node, "=") is None:
            yield Fault(source.name, 1, f"param {name} of {target.name} is not given")
