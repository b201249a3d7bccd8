"""Finding a Python: a fake `ask` stands for every program on the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.launcher import pythons


class Machine:
    """Programs and what they answer when asked who they are; anything else fails, as a missing one does."""

    def __init__(self, answers: dict[str, str], uv: str | None = None) -> None:
        self.answers = answers
        self.uv = uv
        self.asked: list[list[str]] = []

    def ask(self, command: list[str]) -> str | None:
        self.asked.append(command)
        if command[1:3] == ["python", "find"]:
            return self.uv
        return self.answers.get(command[0])


def program(folder: Path, name: str) -> str:
    """A file that the search path finds."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.touch(mode=0o755)
    return str(file)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "bin").mkdir()
    return {"PATH": str(tmp_path / "bin"), "PYENV_ROOT": str(tmp_path / "pyenv")}


def test_the_python_that_runs_now_is_taken_where_it_fits(environment: dict[str, str]) -> None:
    machine = Machine({"/now/python": "3 13 1 /real/python3.13"})
    assert pythons.find("/now/python", environment, machine.ask).path == "/real/python3.13"
    assert len(machine.asked) == 1


def test_python3_13_on_the_search_path_is_taken_where_the_running_one_is_old(
    environment: dict[str, str], tmp_path: Path
) -> None:
    found = program(tmp_path / "bin", "python3.13")
    machine = Machine({"/now/python": "3 7 1 /now/python", found: f"3 13 1 {found}"})
    assert pythons.find("/now/python", environment, machine.ask).path == found


def test_a_shim_that_refuses_is_passed_over_and_pyenvs_own_folder_is_read(
    environment: dict[str, str], tmp_path: Path
) -> None:
    program(tmp_path / "bin", "python3.13")
    real = program(tmp_path / "pyenv/versions/3.13.0/bin", "python3")
    machine = Machine({"/now/python": "3 11 1 /now/python", real: f"3 13 1 {real}"})
    assert pythons.find("/now/python", environment, machine.ask).path == real


def test_a_later_program_of_the_same_name_is_found_behind_a_shim(tmp_path: Path) -> None:
    shim = program(tmp_path / "shims", "python3.13")
    real = program(tmp_path / "usr", "python3.13")
    machine = Machine({"/now/python": "3 9 1 /now/python", real: f"3 13 1 {real}"})
    path = f"{tmp_path / 'shims'}:{tmp_path / 'usr'}"
    found = pythons.find("/now/python", {"PATH": path, "PYENV_ROOT": str(tmp_path)}, machine.ask)
    assert found.path == real
    assert [shim, "-c", pythons.PROBE] in machine.asked


def test_uv_is_asked_last(environment: dict[str, str], tmp_path: Path) -> None:
    program(tmp_path / "bin", "uv")
    machine = Machine({"/now/python": "3 8 1 /now/python", "/uv/python": "3 14 1 /uv/python3.14"}, uv="/uv/python")
    assert pythons.find("/now/python", environment, machine.ask).version == (3, 14)


def test_the_newest_of_pyenvs_versions_is_asked_first(tmp_path: Path) -> None:
    for version in ("3.13.9", "3.13.10", "3.9.1", "graalpy-24.1"):
        program(tmp_path / "versions" / version / "bin", "python3")
    order = [Path(found).parts[-3] for found in pythons.pyenv_versions({"PYENV_ROOT": str(tmp_path)})]
    assert order == ["3.13.10", "3.13.9", "3.9.1", "graalpy-24.1"]


def test_a_python_that_the_lock_was_not_made_for_is_taken_only_where_there_is_no_other(
    environment: dict[str, str], tmp_path: Path
) -> None:
    machine = Machine({"/now/python": "3 16 1 /now/python3.16"})
    assert pythons.find("/now/python", environment, machine.ask).version == (3, 16)
    known = program(tmp_path / "bin", "python3.14")
    machine.answers[known] = f"3 14 1 {known}"
    assert pythons.find("/now/python", environment, machine.ask).version == (3, 14)


def test_without_any_fitting_python_one_line_says_what_is_there_and_how_to_get_one(
    environment: dict[str, str],
) -> None:
    machine = Machine({"/now/python": "3 7 1 /now/python"})
    with pytest.raises(pythons.NoPython) as problem:
        pythons.find("/now/python", environment, machine.ask)
    text = str(problem.value)
    assert "Python 3.7 is the newest here" in text
    assert "uv python install 3.13" in text
    assert "\n" not in text


def test_a_python_without_venv_is_refused_with_the_name_of_debians_package(environment: dict[str, str]) -> None:
    machine = Machine({"/now/python": "3 13 0 /usr/bin/python3.13"})
    with pytest.raises(pythons.NoPython, match=r"python3\.13-venv"):
        pythons.find("/now/python", environment, machine.ask)


def test_nonsense_for_an_answer_is_no_python() -> None:
    for nonsense in ("", "3", "Python 3.13.0", "a b c d", "3 13 yes /x"):
        assert pythons.probe(["x"], lambda command, nonsense=nonsense: nonsense) is None  # type: ignore[misc]


def test_a_program_that_fails_or_is_missing_has_no_answer() -> None:
    assert pythons.ask(["/bin/false"]) is None
    assert pythons.ask(["/nowhere/python"]) is None


def test_nothing_of_another_python_is_handed_on() -> None:
    kept = pythons.without_foreign({"PATH": "/bin", "PYTHONPATH": "/x", "PYTHONHOME": "/y", "VIRTUAL_ENV": "/z"})
    assert kept == {"PATH": "/bin"}
