"""The checker itself finds what is missing, what is too much and what is there twice."""

from __future__ import annotations

from tests.documentation.tables import differences, example_values, first_column

README = """
## Settings

| setting | default |
| --- | --- |
| `A` | `not_a_setting` |
| `B` | none |

Some words about `C`.

### More of them

| `D` | x |

## Error codes

| `E` | 400 |
"""


def test_the_names_that_open_a_row_are_read_from_their_section_alone() -> None:
    assert first_column(README, "Settings") == ["A", "B", "D"]
    assert first_column(README, "Error codes") == ["E"]


def test_a_missing_section_documents_nothing() -> None:
    assert first_column("# Title\n", "Settings") == []


def test_a_name_that_is_missing_unknown_or_doubled_is_found() -> None:
    assert differences(["A", "B"], {"A", "B"}) == []
    assert differences(["A"], {"A", "B"}) == ["B is not documented"]
    assert differences(["A", "B"], {"A"}) == ["B is documented but does not exist"]
    assert differences(["A", "A"], {"A"}) == ["A is documented twice"]


def test_the_values_of_the_example_are_read() -> None:
    assert example_values('{"IsEncrypted": false, "Values": {"A": "1", "B": ""}}') == ["A", "B"]
