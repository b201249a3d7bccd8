"""The keys under which data keys lie in the table: one of Key Vault's, or locally SEALING_KEY. The door to Key Vault.

Wrapping by Key Vault is RSA-OAEP with SHA-256 (RFC 8017 section 7.1), and the private key never leaves it.
https://learn.microsoft.com/azure/key-vault/keys/about-keys-details
"""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from shared import errors, log
from shared.azure_clients import client_options
from shared.clock import Deadline
from shared.outbound import Outbound
from shared.sealing import DataKey, Unsealable, seal, unseal
from shared.secret import Secret
from shared.settings import is_loopback
from shared.wire import bounded_by

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.keyvault.keys.crypto import CryptographyClient

SECONDS = 5.0
"""What one wrapping or unwrapping may take, the identity's token included."""
_PURPOSE = "data key"


class NotOurs(Exception):
    """Raised for what another wrapping key has wrapped, and for what was changed since."""


class WrappingKey(Protocol):
    """What wraps and unwraps data keys. Both methods raise errors.KeysUnavailable while it cannot be reached."""

    def wrap(self, key: bytes, deadline: Deadline) -> tuple[bytes, str]:
        """The wrapped key, and the name by which `unwrap` is told what wrapped it."""
        ...

    def unwrap(self, wrapped: bytes, wrapped_by: str, deadline: Deadline) -> bytes:
        """The key again. Raises NotOurs."""
        ...


class LocalKey:
    """SEALING_KEY, for a developer's machine. Its name is a hash of it, so a changed one is another one."""

    def __init__(self, sealing_key: Secret) -> None:
        material = base64.b64decode(sealing_key.reveal())
        self._key = DataKey("local:" + hashlib.sha256(b"name" + material).hexdigest()[:16], material)

    def wrap(self, key: bytes, deadline: Deadline) -> tuple[bytes, str]:
        return seal(self._key, b"", _PURPOSE, "", key), self._key.id

    def unwrap(self, wrapped: bytes, wrapped_by: str, deadline: Deadline) -> bytes:
        if wrapped_by != self._key.id:
            raise NotOurs
        try:
            return unseal(self._key, b"", _PURPOSE, "", wrapped)
        except Unsealable:
            raise NotOurs from None


class KeyVaultKey:
    """A key in Key Vault. It wraps with the version that its id names, or the newest, and unwraps with any version.

    Nobody is asked but the vault and the key that the id names, whatever the table says has wrapped a key.
    """

    def __init__(self, key_id: str, credential: TokenCredential, outbound: Outbound) -> None:
        self._key_id = key_id
        self._credential = credential
        self._outbound = outbound
        parts = urlsplit(key_id)
        name = "/".join(parts.path.split("/")[:3])
        self._host = parts.hostname or ""
        self._version = re.compile(re.escape(f"{parts.scheme}://{parts.netloc}{name}/") + "[0-9a-f]{32}")

    def wrap(self, key: bytes, deadline: Deadline) -> tuple[bytes, str]:
        with self._asked(self._key_id, deadline) as client:
            result = client.wrap_key(_algorithm(), key)
        if not self._version.fullmatch(result.key_id or ""):
            # Without keys/get the client never learns the version, and a later one could not unwrap this.
            log.event("key_vault_refused", logging.ERROR, remedy="let the app's identity read the key (keys/get)")
            raise errors.KeysUnavailable
        return result.encrypted_key, str(result.key_id)

    def unwrap(self, wrapped: bytes, wrapped_by: str, deadline: Deadline) -> bytes:
        if not self._version.fullmatch(wrapped_by):
            raise NotOurs
        with self._asked(wrapped_by, deadline) as client:
            return bytes(client.unwrap_key(_algorithm(), wrapped).key)

    @contextmanager
    def _asked(self, key_id: str, deadline: Deadline) -> Iterator[CryptographyClient]:
        """A client that has not learnt a version yet; whatever it raises means that the vault is not to be had."""
        try:
            with bounded_by(deadline.within(SECONDS)):
                yield self._client(key_id)
        except Exception as problem:  # noqa: BLE001 - the library lets whatever it stumbles over escape
            log.failure("key_vault_failed", problem, status=getattr(problem, "status_code", None))
            raise errors.KeysUnavailable from None

    def _client(self, key_id: str) -> CryptographyClient:
        from azure.keyvault.keys.crypto import CryptographyClient

        # The token is for Key Vault's domain, which the client compares with the host that it asks.
        verify = not is_loopback(self._host)
        return CryptographyClient(key_id, self._credential, verify_challenge_resource=verify, **self._options)

    @cached_property
    def _options(self) -> dict[str, Any]:
        return client_options(self._outbound, SECONDS, self._host)


def _algorithm() -> Any:
    from azure.keyvault.keys.crypto import KeyWrapAlgorithm

    return KeyWrapAlgorithm.rsa_oaep_256
