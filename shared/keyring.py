"""The data keys under which sessions are sealed, by id."""

from __future__ import annotations

import base64
import hashlib

from shared.clock import Deadline
from shared.sealing import DataKey, derive_key
from shared.secret import Secret


class Keyring:
    """One data key, derived from the local SEALING_KEY. Its id is a hash of it, so a changed key is an unknown one."""

    def __init__(self, sealing_key: Secret) -> None:
        key = derive_key(base64.b64decode(sealing_key.reveal()), "data key")
        self._current = DataKey(hashlib.sha256(key).hexdigest()[:16], key)

    def current(self, expires: int, deadline: Deadline) -> DataKey:
        """The key to seal with what lives until `expires` (seconds since 1970)."""
        return self._current

    def find(self, key_id: str, deadline: Deadline) -> DataKey | None:
        """The key that something was sealed with; None where it is not, or no longer, ours."""
        return self._current if key_id == self._current.id else None
