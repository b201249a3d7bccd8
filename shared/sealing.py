"""Sealing: AES-256-GCM under a key that no single party holds. The only place that knows the cipher.

The key is HKDF-SHA256 (RFC 5869) of a data key, which the server holds, salted with a secret, which the browser holds
in its cookie; purpose, key id and version are the `info`. Whoever has the table, the keys, or both, opens nothing
without the cookie. What a value was sealed for and where it lies is associated data, so a sealed value cannot be moved.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = 1
_NONCE_BYTES = 12
_TAG_BYTES = 16


class Unsealable(Exception):
    """Raised when a sealed value was changed, moved, cut, or belongs to another key, secret or purpose."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """32 bytes that the server holds, and the id by which sealed values name them."""

    id: str
    key: bytes

    def __repr__(self) -> str:
        return f"DataKey({self.id!r})"


def seal(data_key: DataKey, salt: bytes, purpose: str, place: str, plain: bytes) -> bytes:
    """Seal `plain`: a version byte, a random nonce of 12 bytes, ciphertext with its tag of 16 bytes.

    `place` is where the value will lie (table, PartitionKey and RowKey, say); it must be the same on opening.
    """
    nonce = os.urandom(_NONCE_BYTES)
    cipher = AESGCM(_derive(data_key, salt, purpose, VERSION))
    return bytes([VERSION]) + nonce + cipher.encrypt(nonce, plain, _associated(purpose, place))


def unseal(data_key: DataKey, salt: bytes, purpose: str, place: str, sealed: bytes) -> bytes:
    """Open what `seal` made with the same key, salt, purpose and place. Raises Unsealable for anything else."""
    if len(sealed) < 1 + _NONCE_BYTES + _TAG_BYTES or sealed[0] != VERSION:
        raise Unsealable
    nonce, rest = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return AESGCM(_derive(data_key, salt, purpose, VERSION)).decrypt(nonce, rest, _associated(purpose, place))
    except InvalidTag:
        raise Unsealable from None


def _derive(data_key: DataKey, salt: bytes, purpose: str, version: int) -> bytes:
    info = f"drawbridge {version}\0{purpose}\0{data_key.id}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(data_key.key)


def _associated(purpose: str, place: str) -> bytes:
    return f"{purpose}\0{place}".encode()
