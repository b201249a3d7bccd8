"""What a row of the keyring says: one data key, wrapped, and when it is used."""

from __future__ import annotations

from dataclasses import dataclass

from shared.sealing import DataKey
from shared.token_store import Row, Value

PARTITION = "keys"


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key. Its id is its number in eight digits, so that ids are in the order in which the keys were made.

    Times in seconds since 1970. `data_key` is None until the key was unwrapped, and for ever where it is not `ours`.
    """

    row: Row
    active_from: int
    needed_until: int
    wrapped: bytes
    wrapped_by: str
    data_key: DataKey | None = None
    ours: bool = True

    @property
    def id(self) -> str:
        return self.row.key

    def same_key(self, other: KeyRow | None) -> bool:
        """Whether another reading of the row has the same key in the same wrapping."""
        return other is not None and (self.wrapped, self.wrapped_by) == (other.wrapped, other.wrapped_by)


def parsed(row: Row) -> KeyRow:
    """A row that lacks something, or has it of another kind, is nobody's key and was never needed."""
    active_from, needed_until, wrapped, wrapped_by = map(
        row.properties.get, ("active_from", "needed_until", "wrapped", "wrapped_by")
    )
    if (
        isinstance(active_from, int)
        and isinstance(needed_until, int)
        and isinstance(wrapped, bytes)
        and isinstance(wrapped_by, str)
    ):
        return KeyRow(row, active_from, needed_until, wrapped, wrapped_by)
    return KeyRow(row, 0, 0, b"", "", ours=False)


def new_row(number: int, created: int, active_from: int, needed_until: int, wrapping: tuple[bytes, str]) -> Row:
    """The row of a new key. `wrapping`: the wrapped key, and the name of what wrapped it."""
    properties: dict[str, Value] = {
        "created": created,
        "active_from": active_from,
        "needed_until": needed_until,
        "wrapped": wrapping[0],
        "wrapped_by": wrapping[1],
    }
    return Row(PARTITION, f"{number:08}", properties)
