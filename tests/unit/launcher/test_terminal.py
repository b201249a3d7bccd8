"""The lines that a person sees."""

from __future__ import annotations

import io
import re

import pytest

from dev.launcher.terminal import Progress


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class File(io.StringIO):
    encoding = "utf-8"


class Ascii(io.StringIO):
    encoding = "ascii"


def test_a_step_ends_in_one_line_with_its_time() -> None:
    out = File()
    with Progress(out).step("Azurite"):
        pass
    assert re.fullmatch(r"✓ Azurite 0\.\d s\n", out.getvalue())


def test_a_long_step_says_first_what_it_does() -> None:
    out = File()
    with Progress(out).step("packages", "installing 50 packages"):
        assert out.getvalue() == "… installing 50 packages\n"


def test_on_a_terminal_the_line_is_rewritten_and_elsewhere_it_is_plain() -> None:
    terminal, file = Terminal(), File()
    for out in (terminal, file):
        with Progress(out).step("Azurite"):
            pass
    assert "\r\x1b[K✓ Azurite" in terminal.getvalue()
    assert terminal.getvalue().count("\n") == 1
    assert "\x1b" not in file.getvalue()


def test_a_step_that_fails_is_marked_and_the_error_goes_on() -> None:
    out = File()
    with pytest.raises(ValueError, match="broken"), Progress(out).step("Azurite"):
        raise ValueError("broken")
    assert out.getvalue().startswith("✗ Azurite")


def test_an_output_that_knows_only_ascii_gets_words() -> None:
    out = Ascii()
    with Progress(out).step("Azurite", "starting"):
        pass
    assert out.getvalue().isascii()
    assert "ok Azurite" in out.getvalue()
