"""The architecture holds in this clone."""

from __future__ import annotations

from pathlib import Path

from tests.architecture import rules

CLONE = Path(__file__).resolve().parents[2]


def sources(*places: str) -> dict[str, str]:
    """Source texts by module name."""
    files = [file for place in places for file in (sorted((CLONE / place).rglob("*.py")) or [CLONE / place])]
    return {module(file): file.read_text("utf-8") for file in files}


def module(file: Path) -> str:
    """dev/host/__init__.py is dev.host."""
    return ".".join(file.relative_to(CLONE).with_suffix("").parts).removesuffix(".__init__")


def production() -> dict[str, str]:
    return sources("function_app.py", "functions", "shared")


def test_there_is_something_to_check() -> None:
    assert {"function_app", "functions.login", "shared.auth"} <= production().keys()


def test_imports_run_one_way_and_handlers_never_import_each_other() -> None:
    assert list(rules.direction_faults(production())) == []


def test_each_library_the_environment_and_the_clock_have_one_door() -> None:
    assert list(rules.door_faults(production())) == []


def test_no_module_is_over_300_lines_and_no_function_over_40() -> None:
    assert list(rules.size_faults(production() | sources("dev"))) == []
