"""A string that does not print itself."""

from __future__ import annotations


class Secret:
    """Holds a secret so that `repr`, `str` and formatting show stars. `reveal()` is the one way in, easy to grep."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)
