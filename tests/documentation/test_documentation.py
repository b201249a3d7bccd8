"""The README and the example name every setting, error code and event that exists, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from shared import config, errors
from shared.graph_shapes import SHAPES
from tests.documentation.events import events, unreadable
from tests.documentation.tables import differences, example_values, first_column

CLONE = Path(__file__).resolve().parents[2]

# Read by the Functions host or its Python worker, and set for everybody who runs the app.
PLATFORM_SETTINGS = {
    "FUNCTIONS_WORKER_RUNTIME",
    "AzureWebJobsStorage",
    "AzureWebJobsDisableHomepage",
    "PYTHON_THREADPOOL_THREAD_COUNT",
}


def readme() -> str:
    return (CLONE / "README.md").read_text("utf-8")


def codes_of(error: type[errors.DrawbridgeError]) -> Iterator[str]:
    """The codes of a class of errors and of all that derive from it."""
    yield error.code
    for derived in error.__subclasses__():
        yield from codes_of(derived)


def test_the_readme_has_every_setting_and_none_extra() -> None:
    assert differences(first_column(readme(), "Settings"), set(config.SETTINGS)) == []


def test_the_example_has_every_setting_and_none_extra() -> None:
    example = (CLONE / "local.settings.json.example").read_text("utf-8")
    assert differences(example_values(example), set(config.SETTINGS) | PLATFORM_SETTINGS) == []


def test_the_readme_has_every_error_code_and_none_extra() -> None:
    codes = set(codes_of(errors.DrawbridgeError))
    assert len(codes) > 10
    assert differences(first_column(readme(), "Error codes"), codes) == []


def production() -> dict[str, str]:
    """The app's sources by file name."""
    files = [CLONE / "function_app.py", *CLONE.glob("functions/*.py"), *CLONE.glob("shared/*.py")]
    return {file.name: file.read_text("utf-8") for file in files}


def test_the_readme_has_every_event_and_none_extra() -> None:
    written = events(production())
    assert len(written) > 20
    assert differences(first_column(readme(), "Events"), written) == []


def test_every_event_is_named_where_it_is_written() -> None:
    assert unreadable(production()) == []


def test_the_readme_has_every_call_of_graph_with_its_options_and_permission() -> None:
    rows = [row for row in readme().splitlines() if row.startswith("| `") and " me" in row.split("`")[1]]
    assert rows == [
        f"| `{shape.method} {shape.path}` | {' '.join(f'`{name}`' for name in shape.query) or 'none'} "
        f"| `{shape.permissions[0]}` |"
        for shape in SHAPES
    ]
