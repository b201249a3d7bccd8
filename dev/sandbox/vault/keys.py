"""Keys with versions. Each version is an RSA key of its own; the private half never leaves."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.hashes import SHA256

from dev.sandbox.clock import SandboxClock
from dev.sandbox.entra.keys import base64url

NAME = "wrapping"
_OAEP_256 = OAEP(MGF1(SHA256()), SHA256(), None)


@dataclass(frozen=True)
class KeyVersion:
    """One version of the key, named by 32 hexadecimal digits."""

    created: int
    name: str = field(default_factory=lambda: secrets.token_hex(16))
    private_key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def wrap(self, value: bytes) -> bytes:
        """RSA-OAEP-256. RFC 8017 section 7.1.1."""
        return self.private_key.public_key().encrypt(value, _OAEP_256)

    def unwrap(self, value: bytes) -> bytes:
        """Raises ValueError for what another version has wrapped."""
        return self.private_key.decrypt(value, _OAEP_256)

    def public_numbers(self) -> dict[str, str]:
        """`n` and `e` of the JSON Web Key. RFC 7518 section 6.3.1."""
        numbers = self.private_key.public_key().public_numbers()
        return {"n": base64url(numbers.n.to_bytes(256)), "e": base64url(numbers.e.to_bytes(3))}


class VaultKey:
    """The one key of the vault, made when it is first asked for."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._versions: list[KeyVersion] = []

    def version(self, name: str) -> KeyVersion | None:
        """A version by name, the newest by the empty one."""
        if not self._versions:
            self.add_version()
        if not name:
            return self._versions[-1]
        return next((version for version in self._versions if version.name == name), None)

    def add_version(self) -> KeyVersion:
        """What rotating the key does; the older versions go on unwrapping."""
        self._versions.append(KeyVersion(int(self._clock.now())))
        return self._versions[-1]
