"""How much one session may hold, whatever the emulator would take."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from tests.support.client import BrowserClient
from tests.support.rows import new_rows, session_rows
from tests.support.signing_in import SESSION, callback_of

if TYPE_CHECKING:
    from typing import Any

    from dev.azurite.serving import Azurite
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App

MOST = 65536


def padded(sandbox: Sandbox, characters: int) -> None:
    """The next id_token carries so much of a claim that nobody needs."""
    sandbox.control.fault("token", {"id_token": {"pad": secrets.token_urlsafe(characters)[:characters]}})


def check_row(row: dict[str, Any]) -> None:
    assert len(row) < 252
    assert all(len(value) <= MOST for value in row.values() if isinstance(value, bytes | str))


def test_a_large_id_token_takes_no_more_room_than_a_small_one(
    app: App, azurite: Azurite, sandbox: Sandbox, sign_in: SignIn
) -> None:
    before = session_rows(azurite)
    sandbox.control.settings(expires_in=60)
    padded(sandbox, 150_000)
    browser = sign_in(app)
    sizes = []
    for round_number, characters in enumerate((100, 150_000), 1):
        assert browser.fetch(f"{app.url}/api/messages").status == 200
        sandbox.control.app_clock(61 * round_number)
        padded(sandbox, characters)
        assert browser.fetch(f"{app.url}/api/messages").status == 200
        (row,) = new_rows(azurite, before).values()
        check_row(row)
        sizes.append(sum(len(value) for value in row.values() if isinstance(value, bytes)))
    assert abs(sizes[0] - sizes[1]) < 200


def test_an_answer_beyond_all_measure_is_refused_and_leaves_no_row(
    app: App, azurite: Azurite, sandbox: Sandbox
) -> None:
    before = session_rows(azurite)
    browser = BrowserClient()
    url = callback_of(app, sandbox, browser)
    padded(sandbox, 1_300_000)
    answer = browser.request("GET", url, {"Accept": "application/json"})
    assert (answer.status, answer.json()["code"]) == (502, "entra_bad_answer")
    assert SESSION not in browser.cookies(app.url)
    assert new_rows(azurite, before) == {}


def test_tokens_too_large_for_one_row_are_refused_by_name(app: App, azurite: Azurite, sandbox: Sandbox) -> None:
    before = session_rows(azurite)
    browser = BrowserClient()
    url = callback_of(app, sandbox, browser)
    sandbox.control.fault("token", {"change": {"refresh_token": "r" * 70_000}})
    answer = browser.request("GET", url, {"Accept": "application/json"})
    assert (answer.status, answer.json()["code"]) == (502, "session_too_large")
    assert SESSION not in browser.cookies(app.url)
    assert new_rows(azurite, before) == {}
