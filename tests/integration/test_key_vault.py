"""The real clients of Key Vault and of the managed identity, over HTTP against the sandbox."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest

from dev.sandbox.options import IDENTITY_CLIENT_ID, IDENTITY_HEADER
from shared import errors
from shared.clock import Deadline, SystemClock
from shared.keyring import Keyring
from shared.managed_identity import NoToken, client_assertion, managed_identity, token_for
from shared.outbound import Outbound
from shared.wrapping import KeyVaultKey
from tests.fakes.store import FakeStore

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from dev.sandbox.serving import Sandbox

DATA_KEY = bytes(range(32))
STORAGE = "https://storage.azure.com/.default"
AUTHORITY = "https://login.microsoftonline.com/common"


@pytest.fixture(autouse=True)
def environment(lone_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the library looks for the identity's endpoint."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{lone_sandbox.http_url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", IDENTITY_HEADER)


@pytest.fixture(scope="module")
def outbound(running_lone_sandbox: Sandbox) -> Outbound:
    return Outbound(4, str(running_lone_sandbox.ca_file))


@pytest.fixture
def identity(outbound: Outbound) -> TokenCredential:
    return managed_identity(IDENTITY_CLIENT_ID, outbound)


@pytest.fixture
def key_id(lone_sandbox: Sandbox) -> str:
    return f"{lone_sandbox.https_url}/keys/wrapping"


@pytest.fixture
def key(key_id: str, identity: TokenCredential, outbound: Outbound) -> KeyVaultKey:
    return KeyVaultKey(key_id, identity, outbound)


def deadline(seconds: float = 10.0) -> Deadline:
    return Deadline(SystemClock(), seconds)


def wrapped_anew(key_id: str, outbound: Outbound) -> tuple[bytes, str]:
    """By a client that has not been challenged yet, with an identity that has no token yet."""
    return KeyVaultKey(key_id, managed_identity(IDENTITY_CLIENT_ID, outbound), outbound).wrap(DATA_KEY, deadline())


def calls(sandbox: Sandbox, where: str = "vault") -> list[tuple[str, int]]:
    return [(call["where"], call["status"]) for call in sandbox.control.log(where=where)]


def test_a_data_key_is_wrapped_by_the_newest_version_and_comes_back(
    key: KeyVaultKey, key_id: str, lone_sandbox: Sandbox
) -> None:
    newest = lone_sandbox.control.new_key_version()
    wrapped, wrapped_by = key.wrap(DATA_KEY, deadline())
    assert (wrapped_by, wrapped_by.rpartition("/")[0]) == (newest, key_id)
    assert DATA_KEY not in wrapped
    assert key.unwrap(wrapped, wrapped_by, deadline()) == DATA_KEY
    assert ("vault.unwrapkey", 200) in calls(lone_sandbox)


def test_the_vault_says_by_its_challenge_where_to_get_a_token(
    key_id: str, identity: TokenCredential, outbound: Outbound, lone_sandbox: Sandbox
) -> None:
    # By its other name, under which no test has asked before: the library remembers challenges by host.
    KeyVaultKey(key_id.replace("localhost", "127.0.0.1"), identity, outbound).wrap(DATA_KEY, deadline())
    assert calls(lone_sandbox) == [("vault.key", 401), ("vault.key", 200)]
    (asked,) = lone_sandbox.control.log(where="identity")
    assert "resource=https://vault.azure.net" in asked["query"]
    assert f"client_id={IDENTITY_CLIENT_ID}" in asked["query"]
    assert "api-version=2019-08-01" in asked["query"]


def test_after_a_new_version_older_keys_unwrap_and_new_ones_are_wrapped_by_it(
    key: KeyVaultKey, lone_sandbox: Sandbox
) -> None:
    old = key.wrap(DATA_KEY, deadline())
    newest = lone_sandbox.control.new_key_version()
    new = key.wrap(DATA_KEY, deadline())
    assert (new[1], old[1] == newest) == (newest, False)
    assert key.unwrap(*old, deadline()) == key.unwrap(*new, deadline()) == DATA_KEY


def test_a_setting_with_a_version_wraps_by_that_one_alone(
    key_id: str, identity: TokenCredential, outbound: Outbound, lone_sandbox: Sandbox
) -> None:
    pinned = lone_sandbox.control.new_key_version()
    lone_sandbox.control.new_key_version()
    key = KeyVaultKey(pinned, identity, outbound)
    other = KeyVaultKey(key_id, identity, outbound).wrap(DATA_KEY, deadline())
    assert key.wrap(DATA_KEY, deadline())[1] == pinned != other[1]
    assert key.unwrap(*other, deadline()) == DATA_KEY


def test_the_wrong_version_unwraps_nothing(key: KeyVaultKey, lone_sandbox: Sandbox) -> None:
    wrapped, _ = key.wrap(DATA_KEY, deadline())
    another = lone_sandbox.control.new_key_version()
    with pytest.raises(errors.KeysUnavailable):
        key.unwrap(wrapped, another, deadline())
    assert calls(lone_sandbox)[-1] == ("vault.unwrapkey", 400)


def test_an_identity_that_may_not_read_the_key_wraps_in_the_vault_by_the_version_it_is_told(
    identity: TokenCredential, outbound: Outbound, lone_sandbox: Sandbox
) -> None:
    pinned = lone_sandbox.control.new_key_version()
    lone_sandbox.control.fault("vault.key", {"status": 403, "body": {"error": {"code": "Forbidden"}}}, times=None)
    key = KeyVaultKey(pinned, identity, outbound)
    wrapped, wrapped_by = key.wrap(DATA_KEY, deadline())
    assert wrapped_by == pinned
    assert key.unwrap(wrapped, wrapped_by, deadline()) == DATA_KEY
    assert {("vault.wrapkey", 200), ("vault.unwrapkey", 200)} <= set(calls(lone_sandbox))


def test_an_identity_that_may_not_read_the_key_wraps_nothing_by_a_version_that_it_does_not_know(
    key: KeyVaultKey, lone_sandbox: Sandbox
) -> None:
    lone_sandbox.control.fault("vault.key", {"status": 403, "body": {"error": {"code": "Forbidden"}}}, times=None)
    with pytest.raises(errors.KeysUnavailable):
        key.wrap(DATA_KEY, deadline())


@pytest.mark.parametrize(
    ("where", "action"),
    [
        ("vault", {"reset": "before"}),
        ("vault", {"reset": "after"}),
        ("vault", {"cut": 10}),
        ("vault", {"status": 503}),
        ("vault", {"status": 429, "headers": {"Retry-After": "600"}}),
        ("vault", {"status": 403, "body": {"error": {"code": "Forbidden", "message": "secret-of-the-vault"}}}),
        ("vault", {"status": 404, "body": {"error": {"code": "KeyNotFound"}}}),
        ("vault", {"status": 200, "body": "nonsense"}),
        ("vault", {"status": 200, "body": {}}),
        ("vault", {"status": 401}),
        ("vault", {"status": 401, "headers": {"WWW-Authenticate": "Bearer"}}),
        ("vault", {"status": 302, "headers": {"Location": "http://127.0.0.1:9/"}}),
        ("vault.unwrapkey", {"status": 200, "body": {"kid": "x", "value": None}}),
        ("identity", {"status": 500, "body": {"statusCode": 500, "message": "secret-of-the-endpoint"}}),
        ("identity", {"status": 200, "body": "nonsense"}),
        ("identity", {"reset": "before"}),
    ],
)
def test_whatever_fails_means_that_keys_are_out_of_reach_at_once_and_nothing_of_it_is_told(
    where: str,
    action: dict[str, object],
    key_id: str,
    outbound: Outbound,
    lone_sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    wrapped = wrapped_anew(key_id, outbound)
    again = KeyVaultKey(key_id, managed_identity(IDENTITY_CLIENT_ID, outbound), outbound)
    lone_sandbox.control.reset()
    lone_sandbox.control.fault(where, action, times=None)
    with pytest.raises(errors.KeysUnavailable):
        again.unwrap(*wrapped, deadline())
    assert len(calls(lone_sandbox)) <= 4, "nothing is tried again in secret"
    said = [record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn")]
    assert json.loads(said[-1])["event"] == "key_vault_failed"
    assert not any("secret-of" in line or "canary" in line for line in said)


@pytest.mark.parametrize(
    ("where", "action"),
    [("vault", {"delay": 8}), ("vault", {"drip": 0.5}), ("vault", {"drip_headers": 0.5}), ("identity", {"drip": 0.5})],
)
def test_a_slow_vault_or_identity_ends_at_the_deadline(
    where: str, action: dict[str, object], key: KeyVaultKey, lone_sandbox: Sandbox
) -> None:
    lone_sandbox.control.fault(where, action, times=None)
    began = SystemClock().monotonic()
    with pytest.raises(errors.KeysUnavailable):
        key.wrap(DATA_KEY, deadline(1.0))
    assert SystemClock().monotonic() - began < 4


def test_a_key_ring_over_the_real_client_rotates_and_survives_the_vault_being_down(
    key: KeyVaultKey, key_id: str, outbound: Outbound, lone_sandbox: Sandbox
) -> None:
    store, clock = FakeStore(), SystemClock()
    expires = int(clock.now()) + 3600
    warm = Keyring(store, key, clock)
    sealing = warm.current(expires, deadline())
    lone_sandbox.control.new_key_version()
    lone_sandbox.control.fault("vault", {"status": 503}, times=None)
    asked = len(calls(lone_sandbox))
    assert warm.current(expires, deadline()) == warm.find(sealing.id, deadline()) == sealing
    assert len(calls(lone_sandbox)) == asked
    cold = Keyring(store, KeyVaultKey(key_id, managed_identity(IDENTITY_CLIENT_ID, outbound), outbound), clock)
    for _ in range(50):
        with pytest.raises(errors.KeysUnavailable):
            cold.find(sealing.id, deadline())
    assert len(calls(lone_sandbox)) <= asked + 3
    lone_sandbox.control.reset()
    restarted = Keyring(store, key, clock)
    assert restarted.find(sealing.id, deadline()) == sealing


# --- the identity's tokens


def test_tokens_are_kept_and_each_is_for_one_resource(identity: TokenCredential, lone_sandbox: Sandbox) -> None:
    clock = SystemClock()
    for _ in range(3):
        assert token_for(STORAGE, identity, deadline())
        assert client_assertion(identity, AUTHORITY, clock)()
    resources = [call["query"] for call in lone_sandbox.control.log(where="identity")]
    assert len(resources) == 2
    assert "resource=https://storage.azure.com" in resources[0]
    assert "resource=api://AzureADTokenExchange" in resources[1]


@pytest.mark.parametrize("action", [{"status": 500}, {"reset": "after"}, {"status": 200, "body": "nonsense"}])
def test_an_identity_that_gives_no_token_signs_nobody_out(
    action: dict[str, object], identity: TokenCredential, lone_sandbox: Sandbox
) -> None:
    lone_sandbox.control.fault("identity", action, times=None)
    with pytest.raises(NoToken):
        token_for(STORAGE, identity, deadline())
    with pytest.raises(errors.EntraUnavailable):
        client_assertion(identity, AUTHORITY, SystemClock())()


def test_another_identity_and_another_process_are_refused(outbound: Outbound, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = managed_identity("33333333-3333-4333-8333-333333333333", outbound)
    with pytest.raises(NoToken):
        token_for(STORAGE, stranger, deadline())
    monkeypatch.setenv("IDENTITY_HEADER", "guessed")
    with pytest.raises(NoToken):
        token_for(STORAGE, managed_identity(IDENTITY_CLIENT_ID, outbound), deadline())
