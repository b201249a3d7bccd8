"""A Bicep file as a tree, and its declarations. The only place that knows the parser."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_bicep.language()))
_KINDS = {
    "parameter_declaration": "param",
    "variable_declaration": "var",
    "resource_declaration": "resource",
    "module_declaration": "module",
    "output_declaration": "output",
}
# The grammar is older than these lines; what stands for them keeps every line where it was.
_EXTENSION = re.compile(r"^extension \w+$", re.MULTILINE)
_USING = re.compile(r"^using '[^']+'$", re.MULTILINE)
_ASSIGNMENT = re.compile(r"^param (?=\w+ =)", re.MULTILINE)


@dataclass(frozen=True)
class Fault:
    """Something wrong, and where. Lines count from 1."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Declaration:
    """`param`, `var`, `resource`, `module` or `output`, its name, and its node."""

    kind: str
    name: str
    node: Node

    @property
    def line(self) -> int:
        return line_of(self.node)

    @property
    def quoted(self) -> str:
        """What a resource or module names in quotes: type and API version, or a path."""
        found = child(self.node, "string")
        return text_of(found) if found else ""

    @property
    def is_existing(self) -> bool:
        return child(self.node, "existing") is not None

    @property
    def body(self) -> Node | None:
        """The object, of a loop or a condition too."""
        inside = child(self.node, "for_statement") or child(self.node, "if_statement") or self.node
        return child(inside, "object") or inside.child_by_field_name("body")


@dataclass(frozen=True)
class Source:
    """One parsed file; `name` as faults show it."""

    name: str
    path: Path
    text: str
    root: Node

    @property
    def is_parameters(self) -> bool:
        return self.path.suffix == ".bicepparam"

    @property
    def uses(self) -> str:
        """The template that a parameter file is for."""
        found = _USING.search(self.text)
        return found[0].split("'")[1] if found else ""

    def declarations(self) -> list[Declaration]:
        """All of them, nested resources too, in their order."""
        return self._declarations

    @cached_property
    def _declarations(self) -> list[Declaration]:
        found = []
        for node in walk(self.root):
            name = child(node, "identifier") if node.type in _KINDS else None
            if name is not None:
                found.append(Declaration(_KINDS[node.type], text_of(name), node))
        return found

    def fault(self, node: Node, text: str) -> Fault:
        return Fault(self.name, line_of(node), text)


def parse(path: Path, folder: Path) -> Source:
    """Read and parse a .bicep or .bicepparam file; what cannot be parsed is in the tree as errors."""
    text = path.read_text(encoding="utf-8")
    known = _EXTENSION.sub("", text)
    if path.suffix == ".bicepparam":
        known = _ASSIGNMENT.sub("var ", _USING.sub("", known))
    return Source(path.relative_to(folder).as_posix(), path, text, _PARSER.parse(known.encode()).root_node)


def module_of(source: Source, module: Declaration, sources: Mapping[str, Source]) -> Source | None:
    """The template that a module is; None where there is no such file."""
    path = (source.path.parent / module.quoted).resolve()
    return next((other for other in sources.values() if other.path == path), None)


def syntax_faults(source: Source) -> Iterator[Fault]:
    """What the parser stumbled over; the outermost place of each stumble."""
    nodes = [source.root]
    while nodes:
        node = nodes.pop()
        if node.type == "ERROR" or node.is_missing:
            said = text_of(node).strip().splitlines()[:1] or [node.type]
            yield source.fault(node, f"cannot be read near {said[0][:40]!r}")
        else:
            nodes.extend(node.children)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything in it, in the order of the text."""
    ahead = [node]
    while ahead:
        found = ahead.pop()
        yield found
        ahead.extend(reversed(found.children))


def child(node: Node, kind: str) -> Node | None:
    """The first direct child of a kind."""
    return next((inner for inner in node.children if inner.type == kind), None)


def text_of(node: Node) -> str:
    """A node's text, without the quotes of a plain string."""
    text = (node.text or b"").decode()
    return text[1:-1] if node.type == "string" else text


def line_of(node: Node) -> int:
    return int(node.start_point[0]) + 1


def properties(body: Node) -> Iterator[tuple[str, Node, Node | None]]:
    """(name, node, value) of each property of an object; a name with `${...}` in it comes as it is written."""
    for item in body.children:
        if item.type != "object_property":
            continue
        key = item.children[0]
        if key.type in ("identifier", "string", "property_identifier"):
            yield text_of(key), item, item.children[-1] if len(item.children) > 2 else None


def value_of(body: Node | None, *path: str) -> Node | None:
    """The value at a path of property names; None where it is not written."""
    found = body
    for name in path:
        if found is None or found.type != "object":
            return None
        found = next((value for known, _, value in properties(found) if known == name), None)
    return found
