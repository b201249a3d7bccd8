"""Inline constraints: dotnet/aspnetcore src/Http/Routing/src/RouteOptions.cs and Constraints/*.cs."""

from __future__ import annotations

import pytest

from dev.host.constraints import ConstraintInvalid, constraint

FITTING = [
    ("int", "42"),
    ("int", "-2147483648"),
    ("int", " 7 "),  # NumberStyles.Integer allows white space around
    ("long", "9223372036854775807"),
    ("bool", "TRUE"),
    ("bool", "false"),
    ("datetime", "2026-01-31T09:30:00"),
    ("datetime", "01/31/2026"),
    ("datetime", "01/31/2026 09:30:00 AM"),
    ("decimal", "1,234.50"),
    ("decimal", "-.5"),
    ("double", "1e400"),  # .NET Core parses it, to infinity
    ("float", "1.5E-3"),
    ("double", "NaN"),
    ("guid", "0f8fad5b-d9cb-469f-a165-70867728950e"),
    ("guid", "0F8FAD5BD9CB469FA16570867728950E"),
    ("guid", "{0f8fad5b-d9cb-469f-a165-70867728950e}"),
    ("guid", "(0f8fad5b-d9cb-469f-a165-70867728950e)"),
    ("alpha", "aBc"),
    ("alpha", ""),
    ("length(3)", "abc"),
    ("length(1,3)", "ab"),
    ("minlength(2)", "ab"),
    ("maxlength(0)", ""),
    ("min(5)", "5"),
    ("max(5)", "-9"),
    ("range(1,10)", "10"),
    ("regex(^a.c$)", "AbC"),  # RegexRouteConstraint ignores case
    ("regex(b)", "abc"),  # and does not anchor
    ("required", "x"),
    ("file", "a/b.txt"),
    ("nonfile", "a.b/c"),
    ("INT", "1"),  # the map of constraints ignores case
]

FAILING = [
    ("int", "2147483648"),
    ("int", "1.0"),
    ("int", ""),
    ("int", "٣"),  # digits of other scripts are no digits to .NET
    ("long", "9223372036854775808"),
    ("bool", "1"),
    ("datetime", "yesterday"),
    ("decimal", "79228162514264337593543950336"),
    ("decimal", "1e3"),
    ("double", "one"),
    ("guid", "0f8fad5b-d9cb-469f-a165"),
    ("alpha", "a1"),
    ("length(3)", "ab"),
    ("length(1,3)", "abcd"),
    ("minlength(2)", "a"),
    ("maxlength(0)", "a"),
    ("min(5)", "4"),
    ("min(5)", "five"),
    ("max(5)", "6"),
    ("range(1,10)", "11"),
    ("regex(^a$)", "b"),
    ("required", ""),
    ("file", "a.b/c"),
    ("file", "name."),
    ("nonfile", "a/b.txt"),
]


@pytest.mark.parametrize(("text", "value"), FITTING)
def test_a_constraint_takes_what_dotnet_takes(text: str, value: str) -> None:
    assert constraint(text)(value)


@pytest.mark.parametrize(("text", "value"), FAILING)
def test_a_constraint_refuses_what_dotnet_refuses(text: str, value: str) -> None:
    assert not constraint(text)(value)


@pytest.mark.parametrize(
    "text",
    [
        "uuid",
        "maxlenght(3)",
        "int(3)",
        "length",
        "length(x)",
        "length(3,1)",
        "range(5)",
        "range(9,1)",
        "min(-)",
        "regex",
        "maxlength(-1)",
        "regex([)",
    ],
)
def test_an_unknown_or_malformed_constraint_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(ConstraintInvalid) as raised:
        constraint(text)
    assert f"'{text}'" in str(raised.value)
