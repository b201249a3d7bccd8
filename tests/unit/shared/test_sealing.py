"""Sealing against known answers, made from the standards without its own library, and every kind of tampering."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest

from shared.sealing import VERSION, DataKey, Unsealable, seal, unseal
from tests.support import aes_gcm

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
            bytes(range(0x50)).hex(),
            bytes(range(0x60, 0xB0)).hex(),
            bytes(range(0xB0, 0x100)).hex(),
            82,
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
            id="A.2",
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


@pytest.mark.parametrize(
    ("key", "nonce", "plain", "associated", "expected"),
    [
        pytest.param("00" * 32, "00" * 12, "", "", "530f8afbc74536b9a963b4f1c4cb738b", id="13"),
        pytest.param(
            "00" * 32,
            "00" * 12,
            "00" * 16,
            "",
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
            id="14",
        ),
        pytest.param(
            "feffe9928665731c6d6a8f9467308308" * 2,
            "cafebabefacedbaddecaf888",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
            "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
            id="16",
        ),
    ],
)
def test_the_reference_used_here_gives_the_test_cases_of_the_gcm_specification(
    key: str, nonce: str, plain: str, associated: str, expected: str
) -> None:
    """McGrew and Viega, The Galois/Counter Mode of Operation, appendix B, as submitted to NIST."""
    found = aes_gcm.encrypt(*map(bytes.fromhex, (key, nonce, plain, associated)))
    assert found == bytes.fromhex(expected)


def test_the_fixed_sealed_value_follows_from_the_standards_alone() -> None:
    key, nonce = hkdf(KEY.key, SALT, b"drawbridge 1\0session\0key-1", 32), bytes(range(12))
    assert b"\1" + nonce + aes_gcm.encrypt(key, nonce, PLAIN, b"session\0partition/row") == SEALED


def test_a_value_sealed_by_an_earlier_release_still_opens() -> None:
    assert unseal(KEY, SALT, PURPOSE, PLACE, SEALED) == PLAIN


def test_sealing_is_aes_gcm_under_hkdf_of_data_key_and_browsers_secret() -> None:
    sealed = seal(KEY, SALT, PURPOSE, PLACE, PLAIN)
    key = hkdf(KEY.key, SALT, b"drawbridge 1\0session\0key-1", 32)
    assert sealed[0] == VERSION == 1
    assert sealed[13:] == aes_gcm.encrypt(key, sealed[1:13], PLAIN, b"session\0partition/row")


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
