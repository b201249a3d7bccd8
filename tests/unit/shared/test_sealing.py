"""Sealing against fixed values, which were made with HMAC and AES-GCM alone, and against every kind of tampering."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.sealing import VERSION, DataKey, Unsealable, derive_key, seal, unseal

KEY = DataKey("key-1", bytes(range(32)))
SALT = b"salt of the browser"
PURPOSE = "session"
PLACE = "partition/row"
PLAIN = b"plain text"

# version 1, nonce 00..0b, then AES-256-GCM under HKDF-SHA256(KEY, SALT, "drawbridge 1\0session\0key-1").
SEALED = bytes.fromhex("01000102030405060708090a0b3a0d906cb62e60f6731b6e3b70262fea6c2a89c60b3125e85e9a")


def hkdf(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 sections 2.2 and 2.3, with nothing but HMAC."""
    pseudorandom_key = hmac.digest(salt or bytes(32), material, hashlib.sha256)
    output = block = b""
    for counter in range(1, length // 32 + 2):
        block = hmac.digest(pseudorandom_key, block + info + bytes([counter]), hashlib.sha256)
        output += block
    return output[:length]


@pytest.mark.parametrize(
    ("material", "salt", "info", "length", "expected"),
    [
        pytest.param(
            "0b" * 22,
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            42,
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
            id="A.1",
        ),
        pytest.param(
            "0b" * 22,
            "",
            "",
            42,
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
            id="A.3",
        ),
    ],
)
def test_the_reference_used_here_gives_the_vectors_of_rfc_5869(
    material: str, salt: str, info: str, length: int, expected: str
) -> None:
    found = hkdf(bytes.fromhex(material), bytes.fromhex(salt), bytes.fromhex(info), length)
    assert found == bytes.fromhex(expected)


def test_a_value_sealed_by_an_earlier_release_still_opens() -> None:
    assert unseal(KEY, SALT, PURPOSE, PLACE, SEALED) == PLAIN


def test_sealing_is_aes_gcm_under_hkdf_of_data_key_and_browsers_secret() -> None:
    sealed = seal(KEY, SALT, PURPOSE, PLACE, PLAIN)
    key = hkdf(KEY.key, SALT, b"drawbridge 1\0session\0key-1", 32)
    assert sealed[0] == VERSION == 1
    assert AESGCM(key).decrypt(sealed[1:13], sealed[13:], b"session\0partition/row") == PLAIN


def test_a_derived_key_is_hkdf_with_an_empty_salt() -> None:
    assert derive_key(KEY.key, "data key") == hkdf(KEY.key, b"", b"drawbridge data key", 32)


def test_keys_for_two_uses_differ() -> None:
    assert derive_key(KEY.key, "data key") != derive_key(KEY.key, "another use")


@pytest.mark.parametrize("size", [0, 1, 60 * 1024])
def test_what_was_sealed_opens_to_the_same_bytes(size: int) -> None:
    plain = bytes(position % 251 for position in range(size))
    assert unseal(KEY, SALT, PURPOSE, PLACE, seal(KEY, SALT, PURPOSE, PLACE, plain)) == plain


def test_any_flipped_bit_is_refused() -> None:
    for position in range(len(SEALED)):
        for bit in range(8):
            changed = bytearray(SEALED)
            changed[position] ^= 1 << bit
            with pytest.raises(Unsealable):
                unseal(KEY, SALT, PURPOSE, PLACE, bytes(changed))


def test_any_cut_or_lengthened_value_is_refused() -> None:
    for length in range(len(SEALED)):
        with pytest.raises(Unsealable):
            unseal(KEY, SALT, PURPOSE, PLACE, SEALED[:length])
    with pytest.raises(Unsealable):
        unseal(KEY, SALT, PURPOSE, PLACE, SEALED + b"\0")


@pytest.mark.parametrize(
    ("key", "salt", "purpose", "place"),
    [
        pytest.param(replace(KEY, key=bytes(32)), SALT, PURPOSE, PLACE, id="another data key"),
        pytest.param(replace(KEY, id="key-2"), SALT, PURPOSE, PLACE, id="the same key under another id"),
        pytest.param(KEY, b"salt of another", PURPOSE, PLACE, id="another browser"),
        pytest.param(KEY, b"", PURPOSE, PLACE, id="no browser at all"),
        pytest.param(KEY, SALT, "cursor", PLACE, id="another purpose"),
        pytest.param(KEY, SALT, PURPOSE, "partition/other", id="another row"),
        pytest.param(KEY, SALT, PURPOSE, "other/row", id="another partition"),
    ],
)
def test_a_value_opens_only_where_and_for_what_it_was_sealed(
    key: DataKey, salt: bytes, purpose: str, place: str
) -> None:
    with pytest.raises(Unsealable):
        unseal(key, salt, purpose, place, SEALED)


def test_purpose_and_place_cannot_be_shifted_into_each_other() -> None:
    sealed = seal(KEY, SALT, "ab", "c", PLAIN)
    with pytest.raises(Unsealable):
        unseal(KEY, SALT, "a", "bc", sealed)


def test_the_same_value_never_seals_to_the_same_bytes() -> None:
    nonces = {seal(KEY, SALT, PURPOSE, PLACE, PLAIN)[1:13] for _ in range(1000)}
    assert len(nonces) == 1000


def test_a_data_key_does_not_print_itself() -> None:
    assert KEY.key.hex() not in repr(KEY)
    assert repr(KEY.key) not in repr(KEY)
    assert "key-1" in repr(KEY)
