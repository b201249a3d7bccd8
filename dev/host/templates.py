"""Route templates: parsed and matched as ASP.NET's classic router does it.

Sources: dotnet/aspnetcore src/Http/Routing/src/Patterns/RoutePatternParser.cs, RouteParameterParser.cs,
RoutePatternMatcher.cs, PathTokenizer.cs.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from dev.host.constraints import Constraint, constraint


class TemplateInvalid(ValueError):
    """A template that ASP.NET would not make a route from; `str` says why."""


@dataclass(frozen=True, slots=True)
class Literal:
    text: str  # folded to lower case


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    constraints: tuple[Constraint, ...] = ()
    default: str | None = None
    optional: bool = False
    catch_all: bool = False


type Segment = tuple[Literal | Parameter, ...]

_PARTS = re.compile(r"\{\{|\}\}|\{((?:[^{}]|\{\{|\}\})*)\}|([^{}]+)")
_PARAMETER = re.compile(
    r"(\*{0,2})([^*:=?/{}]+)((?::[^=?(]*(?:\((?:[^()]|\([^()]*\))*\))?)*)(?:=(.*?))?(\?)?", re.DOTALL
)
_CONSTRAINT = re.compile(r":([^:(]*(?:\((?:[^()]|\([^()]*\))*\))?)")


class Template:
    """A parsed route template. Raises TemplateInvalid or ConstraintInvalid."""

    __slots__ = ("_parameters", "_segments")

    def __init__(self, text: str) -> None:
        if text.startswith("~") and not text.startswith("~/"):
            raise TemplateInvalid(f"The route template '{text}' starts with '~' but not with '~/'")
        bare = text.removeprefix("~").removeprefix("/")
        self._segments = tuple(_segment(part) for part in _split(bare))
        self._parameters = [part for segment in self._segments for part in segment if isinstance(part, Parameter)]
        self._check(text)

    def _check(self, text: str) -> None:
        names = [parameter.name.lower() for parameter in self._parameters]
        if len(set(names)) < len(names):
            raise TemplateInvalid(f"A parameter occurs twice in the route template '{text}'")
        if any(
            len(segment) > 1 and any(isinstance(part, Parameter) and part.catch_all for part in segment)
            for segment in self._segments
        ):
            raise TemplateInvalid(f"A catch-all parameter must be alone in its segment: '{text}'")
        if any(
            parameter.catch_all
            for segment in self._segments[:-1]
            for parameter in segment
            if isinstance(parameter, Parameter)
        ):
            raise TemplateInvalid(f"A catch-all parameter can only be the last segment of '{text}'")

    def match(self, path: str) -> dict[str, str] | None:
        """The route values of `path` (decoded, starting with "/"), or None.

        A catch-all that caught nothing has no value.
        """
        values: dict[str, str] = {
            parameter.name: parameter.default for parameter in self._parameters if parameter.default is not None
        }
        start = 1
        segments = _tokens(path)
        for index, token in enumerate(segments):
            if not token or index >= len(self._segments):
                return None
            if not _match_segment(self._segments[index], token, path[start:], values):
                return None
            if _is_catch_all(self._segments[index]):
                break
            start += len(token) + 1
        if not all(_may_be_missing(segment) for segment in self._segments[len(segments) :]):
            return None
        fits = all(
            accepts(values[part.name])
            for part in self._parameters
            if part.name in values
            for accepts in part.constraints
        )
        return values if fits else None


def _split(text: str) -> list[str]:
    """The segments of a template: "/" inside braces (a regular expression's) does not separate."""
    segments: list[str] = [""]
    depth = 0
    for character in text:
        depth += (character == "{") - (character == "}")
        if character == "/" and depth == 0:
            segments.append("")
        else:
            segments[-1] += character
    if segments[-1] == "":
        segments.pop()
    if "" in segments:
        raise TemplateInvalid(f"Two separators in a row in the route template '{text}'")
    return segments


def _segment(text: str) -> Segment:
    parts: list[Literal | Parameter] = []
    position = 0
    while position < len(text):
        match = _PARTS.match(text, position)
        if match is None:
            raise TemplateInvalid(f"Braces do not match in '{text}'")
        position = match.end()
        if match[1] is not None:
            parts.append(_parameter(match[1]))
        else:
            _append_literal(parts, match[2] or match[0][0])
    _check_segment(parts, text)
    return tuple(parts)


def _append_literal(parts: list[Literal | Parameter], text: str) -> None:
    if "?" in text:
        raise TemplateInvalid(f"The literal '{text}' contains a question mark")
    folded = text.lower()
    match parts:
        case [*_, Literal(before)]:  # an escaped brace stands beside other text
            parts[-1] = Literal(before + folded)
        case _:
            parts.append(Literal(folded))


def _check_segment(parts: Sequence[Literal | Parameter], text: str) -> None:
    for before, part in itertools.pairwise(parts):
        if isinstance(before, Parameter) and isinstance(part, Parameter):
            raise TemplateInvalid(f"Two parameters in a row need a literal between them: '{text}'")
        if isinstance(before, Parameter) and before.optional:
            raise TemplateInvalid(f"An optional parameter must be at the end of '{text}'")
        if isinstance(part, Parameter) and part.optional and before != Literal("."):
            raise TemplateInvalid(f"Only a period may come before the optional parameter of '{text}'")


def _parameter(text: str) -> Parameter:
    match = _PARAMETER.fullmatch(text.replace("{{", "{").replace("}}", "}"))
    if match is None:
        raise TemplateInvalid(f"The parameter '{{{text}}}' is invalid")
    stars, name, constraints, default, optional = match.groups()
    if optional and (stars or default is not None):
        raise TemplateInvalid(f"The parameter '{{{text}}}' cannot be optional")
    checks = tuple(constraint(found) for found in _CONSTRAINT.findall(constraints) if found)
    return Parameter(name, checks, default, bool(optional), bool(stars))


def _tokens(path: str) -> list[str]:
    """The segments of a request path: one trailing slash does not count (PathTokenizer.cs)."""
    return path[1:].removesuffix("/").split("/") if len(path) > 1 else []


def _is_catch_all(segment: Segment) -> bool:
    part = segment[0]
    return isinstance(part, Parameter) and part.catch_all


def _may_be_missing(segment: Segment) -> bool:
    part = segment[0]
    return (
        len(segment) == 1
        and isinstance(part, Parameter)
        and (part.optional or part.catch_all or part.default is not None)
    )


def _match_segment(segment: Segment, token: str, rest: str, values: dict[str, str]) -> bool:
    part = segment[0]
    if len(segment) > 1:
        return _match_complex_segment(segment, token, values)
    if isinstance(part, Literal):
        return part.text == token.lower()
    values[part.name] = rest if part.catch_all else token
    return True


def _match_complex_segment(segment: Segment, token: str, values: dict[str, str]) -> bool:
    last = segment[-1]
    if _match_parts(segment, token, values):
        return True
    if isinstance(last, Parameter) and last.optional and not token.endswith("."):
        return _match_parts(segment[:-2], token, values)
    return False


def _match_parts(parts: Segment, token: str, values: dict[str, str]) -> bool:
    """Match literals and parameters of one segment from the right, each literal at its last place, each parameter not
    empty.
    """
    found: dict[str, str] = {}
    folded = token.lower()
    end = len(token)
    pending: Parameter | None = None
    for index in range(len(parts) - 1, -1, -1):
        part = parts[index]
        if isinstance(part, Parameter):
            pending = part
            continue
        start = folded.rfind(part.text, 0, end - 1 if pending else end)
        if start < 0 or (index == len(parts) - 1 and start + len(part.text) != len(token)):
            return False
        if pending:
            found[pending.name] = token[start + len(part.text) : end]
            pending = None
        end = start
    if pending:
        found[pending.name] = token[:end]
    if "" in found.values() or (pending is None and end != 0):
        return False
    values.update(found)
    return True
