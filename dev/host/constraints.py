"""Inline route constraints: ASP.NET's default set (dotnet/aspnetcore src/Http/Routing/src/RouteOptions.cs,
Constraints/*.cs).

A constraint answers whether a route value fits; a value that does not fit makes the route no match, never an error of
the client's. Numbers are parsed as .NET parses them in the invariant culture.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime

type Constraint = Callable[[str], bool]


class ConstraintInvalid(ValueError):
    """An inline constraint that ASP.NET would not make a route from: unknown, or with wrong arguments."""


def constraint(text: str) -> Constraint:
    """The constraint written `text`, such as `int` or `length(1,5)`. Raises ConstraintInvalid, which names it."""
    name, _, rest = text.partition("(")
    arguments = rest.removesuffix(")") if rest else None
    make = _CONSTRAINTS.get(name.lower())
    if make is None:
        raise ConstraintInvalid(f"The inline constraint '{text}' is unknown")
    try:
        return make(arguments)
    except (ValueError, TypeError, re.error) as error:
        raise ConstraintInvalid(f"The inline constraint '{text}' has wrong arguments") from error


def _plain(accepts: Constraint) -> Callable[[str | None], Constraint]:
    def make(arguments: str | None) -> Constraint:
        if arguments:
            raise ValueError(arguments)
        return accepts

    return make


def _integers(arguments: str | None, count: int) -> list[int]:
    numbers = [int(part) for part in (arguments or "").split(",")]
    if len(numbers) != count:
        raise ValueError(arguments)
    return numbers


def _integer(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[ \t-\r]*[+-]?[0-9]+[ \t-\r]*", text) else None


def _is_integer(bits: int) -> Constraint:
    def accepts(text: str) -> bool:
        number = _integer(text)
        return number is not None and -(2 ** (bits - 1)) <= number < 2 ** (bits - 1)

    return accepts


def _is_decimal(text: str) -> bool:
    if not re.fullmatch(r"\s*[+-]?(?:[0-9][0-9,]*\.?[0-9]*|\.[0-9]+)[+-]?\s*", text):
        return False
    return abs(float(text.strip().strip("+-").replace(",", ""))) < 2**96


def _is_float(text: str) -> bool:
    number = r"\s*[+-]?(?:[0-9][0-9,]*\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?\s*"
    return re.fullmatch(number + r"|[+-]?(?:infinity|∞)|[+-]?nan", text, re.IGNORECASE) is not None


def _is_bool(text: str) -> bool:
    return text.strip(" \t\n\v\f\r\0").lower() in ("true", "false")


_HEX = "[0-9a-f]"
_GUID_DASHED = f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_GUID = re.compile(rf"\s*(?:{_HEX}{{32}}|{_GUID_DASHED}|\{{{_GUID_DASHED}\}}|\({_GUID_DASHED}\))\s*", re.IGNORECASE)


def _is_guid(text: str) -> bool:
    return _GUID.fullmatch(text) is not None


_DATE_FORMATS = (
    "%m/%d/%Y",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%d %B %Y",
    "%H:%M",
)


def _is_datetime(text: str) -> bool:
    """ISO 8601, RFC 1123 and the invariant culture's own forms; .NET's parser knows some more."""
    return any(_parses(text.strip(), form) for form in (None, *_DATE_FORMATS))


def _parses(text: str, form: str | None) -> bool:
    try:
        if form is None:
            datetime.fromisoformat(text)
        else:
            time.strptime(text, form)
    except ValueError:
        return False
    return True


def _length(arguments: str | None) -> Constraint:
    if "," in (arguments or ""):
        shortest, longest = _integers(arguments, 2)
    else:
        shortest = longest = _integers(arguments, 1)[0]
    if not 0 <= shortest <= longest:
        raise ValueError(arguments)
    return lambda text: shortest <= len(text) <= longest


def _length_bound(accepts: Callable[[int, int], bool]) -> Callable[[str | None], Constraint]:
    def make(arguments: str | None) -> Constraint:
        (bound,) = _integers(arguments, 1)
        if bound < 0:
            raise ValueError(arguments)
        return lambda text: accepts(len(text), bound)

    return make


def _range(arguments: str | None) -> Constraint:
    lowest, highest = _integers(arguments, 2)
    if lowest > highest:
        raise ValueError(arguments)
    return lambda text: (number := _integer(text)) is not None and lowest <= number <= highest


def _minimum(arguments: str | None) -> Constraint:
    (lowest,) = _integers(arguments, 1)
    return lambda text: (number := _integer(text)) is not None and number >= lowest


def _maximum(arguments: str | None) -> Constraint:
    (highest,) = _integers(arguments, 1)
    return lambda text: (number := _integer(text)) is not None and number <= highest


def _regex(arguments: str | None) -> Constraint:
    if arguments is None:
        raise ValueError(arguments)
    pattern = re.compile(arguments, re.IGNORECASE)  # RegexRouteConstraint.cs: IgnoreCase, and not anchored
    return lambda text: pattern.search(text) is not None


def _is_file(text: str) -> bool:
    """FileNameRouteConstraint.cs: the last segment has a dot with something after it."""
    _, dot, extension = text.rpartition("/")[2].rpartition(".")
    return bool(dot and extension)


_CONSTRAINTS: dict[str, Callable[[str | None], Constraint]] = {
    "alpha": _plain(lambda text: re.fullmatch("[a-z]*", text, re.IGNORECASE | re.ASCII) is not None),
    "bool": _plain(_is_bool),
    "datetime": _plain(_is_datetime),
    "decimal": _plain(_is_decimal),
    "double": _plain(_is_float),
    "file": _plain(_is_file),
    "float": _plain(_is_float),
    "guid": _plain(_is_guid),
    "int": _plain(_is_integer(32)),
    "length": _length,
    "long": _plain(_is_integer(64)),
    "max": _maximum,
    "maxlength": _length_bound(lambda length, bound: length <= bound),
    "min": _minimum,
    "minlength": _length_bound(lambda length, bound: length >= bound),
    "nonfile": _plain(lambda text: not _is_file(text)),
    "range": _range,
    "regex": _regex,
    "required": _plain(lambda text: text != ""),
}
