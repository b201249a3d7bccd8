from __future__ import annotations

from shared.secret import Secret


def test_a_secret_shows_stars_however_it_is_printed() -> None:
    secret = Secret("hunter2")
    shown = [str(secret), repr(secret), f"{secret}", f"{secret!r}", "%s" % secret, repr([secret]), f"{secret:}"]  # noqa: UP031
    assert all("hunter2" not in text and "***" in text for text in shown)


def test_a_secret_is_given_out_by_reveal_alone() -> None:
    assert Secret("hunter2").reveal() == "hunter2"
    assert not hasattr(Secret("hunter2"), "__dict__")


def test_an_empty_secret_is_false() -> None:
    assert not Secret("")
    assert Secret("0")
