"""Access tokens that expire: one grant whoever asks, in however many processes; and sign-out wins over all of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.at_once import at_once, until
from tests.support.rows import new_rows, session_rows

if TYPE_CHECKING:
    from dev.azurite.serving import Azurite
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App, Apps
    from tests.support.client import Answer, BrowserClient

LIFE = 60
OLD = LIFE + 1


def grants(sandbox: Sandbox) -> int:
    """Refresh grants that have reached Entra."""
    return int(sandbox.control.stats()["token"].get("refresh_token", 0))


def expire(sandbox: Sandbox, times: int = 1) -> None:
    """Move the app's clock past the life of the newest access token, still within what id_tokens may differ by."""
    sandbox.control.app_clock(OLD * times)


@pytest.fixture(autouse=True)
def short_lives(sandbox: Sandbox) -> None:
    sandbox.control.settings(expires_in=LIFE)


@pytest.mark.parametrize("person", ["work", "personal"])
def test_mail_goes_on_after_the_access_token_has_expired(
    app: App, sandbox: Sandbox, sign_in: SignIn, person: str
) -> None:
    browser = sign_in(app, person)
    for round_number in (1, 2, 3):
        expire(sandbox, round_number)
        assert browser.fetch(f"{app.url}/api/messages").status == 200
        assert browser.fetch(f"{app.url}/api/messages").status == 200
        assert grants(sandbox) == round_number


def test_a_token_that_graph_no_longer_takes_is_renewed_once(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    sandbox.control.expire()
    assert browser.fetch(f"{app.url}/api/messages").status == 200
    assert (grants(sandbox), len(sandbox.control.log(where="graph"))) == (1, 2)


def test_thirty_two_requests_in_two_processes_cost_one_grant(apps: Apps, sandbox: Sandbox, sign_in: SignIn) -> None:
    app = apps.get(processes=2)
    browser = sign_in(app)
    sandbox.control.settings(mailbox_concurrency=None, token_delay=0.3)
    for round_number in (1, 2, 3):
        expire(sandbox, round_number)
        answers = at_once(32, lambda: browser.fetch(f"{app.url}/api/messages?top=1"))
        assert [answer.status for answer in answers] == [200] * 32
        assert grants(sandbox) == round_number


def test_people_whose_tokens_expire_together_get_their_own(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    names = [f"person-{number}" for number in range(6)]
    for name in names:
        sandbox.control.person(name)
        sandbox.control.mailbox(name, [{"id": f"only-{name}", "subject": name}])
    browsers = {name: sign_in(app, name) for name in names}
    expire(sandbox)
    waiting = list(names)
    lock = threading.Lock()

    def one() -> tuple[str, str]:
        with lock:
            name = waiting.pop()
        return name, str(browsers[name].fetch(f"{app.url}/api/messages").json()["messages"][0]["subject"])

    assert sorted(at_once(len(names), one)) == [(name, name) for name in names]
    assert grants(sandbox) == len(names)


def test_a_session_signed_out_while_its_tokens_are_renewed_stays_dead(
    app: App, azurite: Azurite, sandbox: Sandbox, sign_in: SignIn
) -> None:
    before = session_rows(azurite)
    browser = sign_in(app)
    copied = dict(browser.cookies(app.url))
    sandbox.control.settings(token_delay=1.5)
    expire(sandbox)
    late: list[Answer] = []
    reading = threading.Thread(target=lambda: late.append(browser.fetch(f"{app.url}/api/messages")))
    reading.start()
    until(lambda: grants(sandbox))
    assert browser.fetch(f"{app.url}/auth/logout", "POST").status == 200
    reading.join()
    assert [answer.status for answer in late] == [401]
    browser.cookies(app.url).update(copied)
    assert browser.fetch(f"{app.url}/api/messages").status == 401
    assert new_rows(azurite, before) == {}
    assert grants(sandbox) == 1


def test_a_session_signed_out_under_mail_requests_stays_dead(
    app: App, azurite: Azurite, sandbox: Sandbox, sign_in: SignIn
) -> None:
    before = session_rows(azurite)
    browser = sign_in(app)
    copied = dict(browser.cookies(app.url))
    sandbox.control.settings(graph_delay=1.0)
    late: list[list[Answer]] = []
    reading = threading.Thread(target=lambda: late.append(at_once(4, lambda: browser.fetch(f"{app.url}/api/messages"))))
    reading.start()
    until(lambda: len(sandbox.control.log(where="graph")) == 4)
    assert browser.fetch(f"{app.url}/auth/logout", "POST").status == 200
    reading.join()
    browser.cookies(app.url).update(copied)
    assert browser.fetch(f"{app.url}/api/messages").status == 401
    assert new_rows(azurite, before) == {}


def test_a_session_without_a_refresh_token_ends_with_its_access_token(
    app: App, sandbox: Sandbox, sign_in: SignIn
) -> None:
    sandbox.control.settings(issue_refresh_token=False)
    browser = sign_in(app)
    assert browser.fetch(f"{app.url}/api/messages").status == 200
    expire(sandbox)
    for path in ("/api/messages", "/auth/me", "/api/messages"):
        answer = browser.fetch(app.url + path)
        assert (answer.status, answer.json()["code"]) == (401, "not_signed_in")
    assert grants(sandbox) == 0


def test_a_dead_grant_ends_the_session_and_is_not_tried_again(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    browser = sign_in(app)
    sandbox.control.revoke()
    expire(sandbox)
    answers = [browser.fetch(f"{app.url}/api/messages") for _ in range(3)] + [browser.fetch(f"{app.url}/auth/me")]
    assert [answer.json()["code"] for answer in answers] == ["not_signed_in"] * 4
    assert all("login_url" in answer.json() for answer in answers)
    assert grants(sandbox) == 1


@pytest.mark.parametrize("ahead", [240, -240])
def test_clocks_that_differ_by_four_minutes_cost_no_refresh(
    app: App, sandbox: Sandbox, sign_in: SignIn, ahead: int
) -> None:
    sandbox.control.settings(expires_in=3600, expires_in_as_string=ahead > 0)
    # The id_tokens of the sandbox say that they were issued 300 s ago; undo that where its clock is to run ahead.
    sandbox.control.clock(ahead + 300 if ahead > 0 else ahead)
    browser = sign_in(app)
    assert [browser.fetch(f"{app.url}/api/messages").status for _ in range(2)] == [200, 200]
    assert sandbox.control.stats()["calls"]["token"] == 1


def test_a_clock_that_is_a_day_ahead_is_named_and_leaves_no_session(
    app: App, azurite: Azurite, sandbox: Sandbox, browser_client: BrowserClient
) -> None:
    before = session_rows(azurite)
    sandbox.control.clock(26 * 3600)
    begun = browser_client.navigate(f"{app.url}/auth/login")
    answer = browser_client.navigate(sandbox.control.sign_in(begun.location), site="cross-site")
    assert answer.status == 400
    assert "clock" in answer.text
    assert "drawbridge-session" not in browser_client.cookies(app.url)
    assert new_rows(azurite, before) == {}
    assert "Traceback" not in app.log
