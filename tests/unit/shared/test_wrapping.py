"""Wrapping data keys: by SEALING_KEY against a known answer, and by Key Vault what can be said without asking it."""

from __future__ import annotations

import base64
import hashlib

import pytest

from shared.clock import Deadline
from shared.secret import Secret
from shared.wrapping import KeyVaultKey, LocalKey, NotOurs
from tests.fakes.clock import FakeClock
from tests.fakes.network import FakeNetwork
from tests.support import aes_gcm
from tests.unit.shared.test_sealing import hkdf

MATERIAL = bytes(range(32))
DATA_KEY = bytes(range(32, 64))
NAME = "local:" + hashlib.sha256(b"name" + MATERIAL).hexdigest()[:16]
# What wraps DATA_KEY with the nonce 00..0b, computed from the standards alone by the test below.
WRAPPED = bytes.fromhex(
    "01000102030405060708090a0b9d54214f272aa652423d7c4df645fda2fb1780"
    "be59000078a803dd4d7a4a5f15d4516c7e2450146200805ebf5be0ec5a"
)
VAULT_KEY = "https://contoso.vault.azure.net/keys/wrapping"
VERSION = "0123456789abcdef0123456789abcdef"


def local(material: bytes = MATERIAL) -> LocalKey:
    return LocalKey(Secret(base64.b64encode(material).decode()))


def deadline() -> Deadline:
    return Deadline(FakeClock(), 5.0)


def test_the_fixed_wrapped_key_follows_from_the_standards_alone() -> None:
    nonce, info = bytes(range(12)), b"drawbridge 1\0data key\0" + NAME.encode()
    key = hkdf(MATERIAL, b"", info, 32)
    assert b"\1" + nonce + aes_gcm.encrypt(key, nonce, DATA_KEY, b"data key\0") == WRAPPED


def test_a_data_key_wrapped_by_an_earlier_release_unwraps() -> None:
    assert local().unwrap(WRAPPED, NAME, deadline()) == DATA_KEY


def test_what_was_wrapped_unwraps_by_the_same_sealing_key_alone() -> None:
    wrapped, name = local().wrap(DATA_KEY, deadline())
    assert (local().unwrap(wrapped, name, deadline()), name) == (DATA_KEY, NAME)
    assert DATA_KEY not in wrapped
    with pytest.raises(NotOurs):
        local(b"\1" * 32).unwrap(wrapped, name, deadline())
    with pytest.raises(NotOurs):
        local(b"\1" * 32).unwrap(wrapped, local(b"\1" * 32).wrap(DATA_KEY, deadline())[1], deadline())


def test_any_changed_bit_of_a_wrapped_key_is_noticed() -> None:
    for position in range(len(WRAPPED)):
        changed = bytearray(WRAPPED)
        changed[position] ^= 1 << position % 8
        with pytest.raises(NotOurs):
            local().unwrap(bytes(changed), NAME, deadline())


def test_the_name_in_the_table_is_not_the_key() -> None:
    assert MATERIAL.hex()[:16] not in NAME
    assert base64.b64encode(MATERIAL).decode()[:8] not in NAME


@pytest.mark.parametrize(
    "wrapped_by",
    [
        NAME,
        "",
        VAULT_KEY,
        f"{VAULT_KEY}/newest",
        f"{VAULT_KEY}/{VERSION}/x",
        f"{VAULT_KEY}/{VERSION}\n",
        f"https://contoso.vault.azure.net/keys/other/{VERSION}",
        f"https://evil.vault.azure.net/keys/wrapping/{VERSION}",
        f"https://contoso.vault.azure.net.evil.example/keys/wrapping/{VERSION}",
        f"https://contosoxvault.azure.net/keys/wrapping/{VERSION}",
        f"http://contoso.vault.azure.net/keys/wrapping/{VERSION}",
    ],
)
@pytest.mark.parametrize("key_id", [VAULT_KEY, f"{VAULT_KEY}/{'f' * 32}"])
def test_no_vault_is_asked_that_the_table_names_and_the_settings_do_not(key_id: str, wrapped_by: str) -> None:
    class NoCredential:
        def get_token(self, *scopes: str, **options: object) -> object:
            raise AssertionError("a token was asked for")

    # The network fails the test where it is used at all.
    key = KeyVaultKey(key_id, NoCredential(), FakeNetwork())  # type: ignore[arg-type]
    with pytest.raises(NotOurs):
        key.unwrap(WRAPPED, wrapped_by, deadline())
