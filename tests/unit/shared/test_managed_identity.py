"""Tokens of the managed identity: for whom, how long one may take, and what a failure means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared import errors
from shared.clock import Deadline
from shared.managed_identity import NoToken, client_assertion, token_for
from shared.settings import TableAddress
from shared.token_store import STORAGE_SCOPE, TokenStore
from shared.wire import Answer
from tests.fakes.clock import FakeClock
from tests.fakes.network import FakeNetwork

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

TABLES = "https://contosostore.table.core.windows.net"


class FakeIdentity:
    """Gives tokens that name their scope, or fails."""

    def __init__(self) -> None:
        self.scopes: list[str] = []
        self.problem: Exception | None = None

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        from azure.core.credentials import AccessToken

        self.scopes += scopes
        if self.problem is not None:
            raise self.problem
        return AccessToken(f"token-for-{scopes[0]}", 2**31)


@pytest.mark.parametrize(
    ("authority", "audience"),
    [
        ("https://login.microsoftonline.com/common", "api://AzureADTokenExchange"),
        ("https://login.microsoftonline.us/common", "api://AzureADTokenExchangeUSGov"),
        ("https://login.partner.microsoftonline.cn/common", "api://AzureADTokenExchangeChina"),
        ("https://localhost:7443/common", "api://AzureADTokenExchange"),
    ],
)
def test_an_assertion_is_for_the_cloud_of_the_authority(authority: str, audience: str) -> None:
    identity = FakeIdentity()
    assert client_assertion(identity, authority, FakeClock())() == f"token-for-{audience}/.default"
    assert identity.scopes == [f"{audience}/.default"]


@pytest.mark.parametrize("problem", [OSError("no route"), ValueError("nonsense"), RuntimeError("whatever")])
def test_whatever_the_library_raises_is_no_token_and_its_text_goes_nowhere(
    problem: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    identity = FakeIdentity()
    identity.problem = problem
    with pytest.raises(NoToken):
        token_for(STORAGE_SCOPE, identity, Deadline(FakeClock(), 1.0))
    with pytest.raises(errors.EntraUnavailable):
        client_assertion(identity, "https://login.microsoftonline.com/common", FakeClock())()
    assert str(problem) not in caplog.text
    assert "managed_identity_failed" in caplog.text


def table(identity: FakeIdentity, network: FakeNetwork, clock: FakeClock) -> TokenStore:
    return TokenStore(TableAddress(TABLES, "contosostore", None), network, clock, identity)


def test_the_hot_read_carries_the_identitys_token_and_no_key() -> None:
    identity, network, clock = FakeIdentity(), FakeNetwork(), FakeClock()
    network.answer(TABLES, Answer(404, {}, b'{"odata.error":{"code":"ResourceNotFound"}}'))
    assert table(identity, network, clock).read("sessions", "a", "b", Deadline(clock, 4.0)) is None
    (request,) = network.sent(TABLES)
    assert request.headers["Authorization"] == f"Bearer token-for-{STORAGE_SCOPE}"


def test_a_hot_read_without_a_token_is_storage_out_of_reach_and_no_absent_row() -> None:
    identity, network, clock = FakeIdentity(), FakeNetwork(), FakeClock()
    identity.problem = OSError("no route")
    with pytest.raises(errors.StorageUnavailable):
        table(identity, network, clock).read("sessions", "a", "b", Deadline(clock, 4.0))
    assert network.sent() == []
