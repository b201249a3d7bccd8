"""AES-256-GCM from its standards alone, to compute known answers without the library that the app uses.

FIPS 197 and NIST SP 800-38D. Slow, and its time depends on the key: for tests only.
"""

from __future__ import annotations


def _multiplied(a: int, b: int) -> int:
    """In the field of AES. FIPS 197 section 4.2."""
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= 0x11B << (bit - 8)
    return product


def _s_box() -> list[int]:
    """FIPS 197 section 5.1.1: the inverse in the field, then an affine map."""
    box = []
    for value in range(256):
        inverse = next((other for other in range(256) if _multiplied(value, other) == 1), 0)
        doubled = inverse | inverse << 8
        box.append((inverse ^ doubled >> 4 ^ doubled >> 5 ^ doubled >> 6 ^ doubled >> 7 ^ 0x63) & 0xFF)
    return box


_BOX = _s_box()


def _round_keys(key: bytes) -> list[bytes]:
    """FIPS 197 section 5.2, for keys of 32 bytes."""
    words, constant = [key[place : place + 4] for place in range(0, 32, 4)], 1
    while len(words) < 60:
        word = words[-1]
        if len(words) % 8 == 0:
            word = bytes(_BOX[byte] for byte in word[1:] + word[:1])
            word = bytes([word[0] ^ constant]) + word[1:]
            constant = _multiplied(constant, 2)
        elif len(words) % 8 == 4:
            word = bytes(_BOX[byte] for byte in word)
        words.append(_xor(words[-8], word))
    return [b"".join(words[place : place + 4]) for place in range(0, 60, 4)]


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=False))


def _encrypted(keys: list[bytes], block: bytes) -> bytes:
    """One block. FIPS 197 section 5.1."""
    state = _xor(block, keys[0])
    for number, key in enumerate(keys[1:], 1):
        state = bytes(_BOX[state[(place + place % 4 * 4) % 16]] for place in range(16))
        if number < len(keys) - 1:
            state = bytes(
                _multiplied(2, state[column + row])
                ^ _multiplied(3, state[column + (row + 1) % 4])
                ^ state[column + (row + 2) % 4]
                ^ state[column + (row + 3) % 4]
                for column in range(0, 16, 4)
                for row in range(4)
            )
        state = _xor(state, key)
    return state


def _hashed(key: int, data: bytes) -> int:
    """GHASH. SP 800-38D sections 6.3 and 6.4."""
    total = 0
    for place in range(0, len(data), 16):
        total ^= int.from_bytes(data[place : place + 16])
        product, factor = 0, key
        for bit in range(127, -1, -1):
            if total >> bit & 1:
                product ^= factor
            factor = factor >> 1 ^ (0xE1 << 120 if factor & 1 else 0)
        total = product
    return total


def encrypt(key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
    """Ciphertext and tag, for a key of 32 bytes and a nonce of 12. SP 800-38D section 7.1."""
    keys = _round_keys(key)
    cipher = b"".join(
        _xor(plain[16 * number : 16 * number + 16], _encrypted(keys, nonce + (number + 2).to_bytes(4)))
        for number in range(-(-len(plain) // 16))
    )
    padded = [part + bytes(-len(part) % 16) for part in (associated, cipher)]
    lengths = b"".join((8 * len(part)).to_bytes(8) for part in (associated, cipher))
    digest = _hashed(int.from_bytes(_encrypted(keys, bytes(16))), b"".join(padded) + lengths)
    return cipher + _xor(digest.to_bytes(16), _encrypted(keys, nonce + (1).to_bytes(4)))
