from __future__ import annotations

import base64

from shared.clock import Deadline
from shared.keyring import Keyring
from shared.secret import Secret
from tests.fakes.build import SEALING_KEY
from tests.fakes.clock import FakeClock

DEADLINE = Deadline(FakeClock(), 4.0)


def keyring(material: bytes) -> Keyring:
    return Keyring(Secret(base64.b64encode(material).decode()))


def test_the_data_key_and_its_id_follow_from_sealing_key_alone_so_that_all_processes_agree() -> None:
    current = Keyring(Secret(SEALING_KEY)).current(0, DEADLINE)
    # HKDF-SHA256(00..1f, no salt, "drawbridge data key"), computed with HMAC alone; the id is the start of its SHA-256.
    assert current.key.hex() == "de41acb5bcc47f1054dfe641dc357bda16cda2d5652cbcf5dc2f09a61f1adb8a"
    assert current.id == "210ee12714cd3649"


def test_the_current_key_is_found_by_its_id() -> None:
    ring = keyring(bytes(32))
    assert ring.find(ring.current(0, DEADLINE).id, DEADLINE) == ring.current(0, DEADLINE)


def test_a_key_of_another_sealing_key_is_unknown() -> None:
    assert keyring(bytes(32)).find(keyring(b"\1" * 32).current(0, DEADLINE).id, DEADLINE) is None


def test_odd_key_ids_are_unknown_and_not_an_error() -> None:
    ring = keyring(bytes(32))
    for odd in ("", "0", ring.current(0, DEADLINE).id.upper() + "x", "\0", "é" * 8, ring.current(0, DEADLINE).id + " "):
        assert ring.find(odd, DEADLINE) is None


def test_the_data_key_is_not_the_sealing_key_itself() -> None:
    assert keyring(bytes(range(32))).current(0, DEADLINE).key != bytes(range(32))
