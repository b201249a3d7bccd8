"""Where a person is signed in, over HTTP: the list, ending one session or all, and the cap, in several processes."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.at_once import at_once, until
from tests.support.client import BrowserClient
from tests.support.rows import index_rows, new_rows, session_rows
from tests.support.signing_in import SESSION, callback_of, is_signed_in
from tests.support.storage_proxy import Refusal

if TYPE_CHECKING:
    from dev.azurite.serving import Azurite
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App, Apps
    from tests.support.storage_proxy import StorageProxy

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


def listed(app: App, browser: BrowserClient) -> list[dict[str, Any]]:
    answer = browser.fetch(f"{app.url}/auth/sessions")
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["sessions"]
    return found


def own_number(app: App, browser: BrowserClient) -> str:
    (number,) = [str(one["number"]) for one in listed(app, browser) if one["current"]]
    return number


def test_a_person_sees_their_sessions_and_ends_one_of_them_in_another_process(apps: Apps, sign_in: SignIn) -> None:
    app = apps.get(processes=2)
    here, there = sign_in(app), sign_in(app)
    copied = there.cookies(app.url)[SESSION]
    assert sorted(one["current"] for one in listed(app, here)) == [False, True]
    answer = here.fetch(f"{app.url}/auth/sessions/{own_number(app, there)}", "DELETE")
    assert (answer.status, answer.body) == (204, b"")
    there.cookies(app.url)[SESSION] = copied
    answers = at_once(8, lambda: there.fetch(f"{app.url}/auth/me"))
    assert {answer.status for answer in answers} == {401}, "in no process does a copied cookie work"
    assert [one["current"] for one in listed(app, here)] == [True]


def test_a_session_is_named_after_the_browser_that_began_it(app: App, sandbox: Sandbox) -> None:
    browser = BrowserClient(sandbox.ca_file)
    callback = callback_of(app, sandbox, browser)
    assert browser.navigate(callback, site="cross-site", headers={"User-Agent": FIREFOX}).status == 303
    assert [one["device"] for one in listed(app, browser)] == ["Firefox on Linux"]


def test_ending_this_very_session_takes_the_cookie_and_an_unknown_number_is_404(app: App, sign_in: SignIn) -> None:
    browser = sign_in(app)
    answer = browser.fetch(f"{app.url}/auth/sessions/AAAAAAAAAAAAAAAAAAAAAA", "DELETE")
    assert (answer.status, answer.json()["code"]) == (404, "session_not_found")
    assert browser.fetch(f"{app.url}/auth/sessions/{own_number(app, browser)}", "DELETE").status == 204
    assert SESSION not in browser.cookies(app.url)


def test_identity_is_tenant_and_object_id(app: App, sandbox: Sandbox, sign_in: SignIn) -> None:
    name = sandbox.control.person("work")["preferred_username"]
    sandbox.control.person("namesake", preferred_username=name, email=name)
    one, other = sign_in(app), sign_in(app, "namesake")
    assert [len(listed(app, browser)) for browser in (one, other)] == [1, 1]
    assert other.fetch(f"{app.url}/auth/sessions", "DELETE").status == 200
    assert (is_signed_in(app, one), is_signed_in(app, other)) == (True, False)


def test_sign_out_everywhere_leaves_nobody(apps: Apps, azurite: Azurite, sandbox: Sandbox, sign_in: SignIn) -> None:
    """Twelve sessions, four processes, some signing in and some renewing their tokens while one person says: all."""
    app = apps.get(processes=4)
    before = session_rows(azurite)
    sandbox.control.settings(expires_in=60)
    browsers = [sign_in(app) for _ in range(12)]
    me = browsers[0].fetch(f"{app.url}/auth/me").json()
    person = f"user.{me['tenant_id']}.{me['object_id']}"
    late = [BrowserClient(sandbox.ca_file) for _ in range(3)]
    callbacks = [callback_of(app, sandbox, browser) for browser in late]
    sandbox.control.app_clock(61)
    sandbox.control.settings(token_delay=0.5, mailbox_concurrency=None)
    mail = f"{app.url}/api/messages?top=1"
    renewing = [threading.Thread(target=browser.fetch, args=(mail,)) for browser in browsers[:4]]
    coming = [
        threading.Thread(target=browser.navigate, args=(callback, "cross-site"))
        for browser, callback in zip(late, callbacks, strict=True)
    ]
    for thread in renewing + coming:
        thread.start()
    answer = browsers[11].fetch(f"{app.url}/auth/sessions", "DELETE")
    for thread in renewing + coming:
        thread.join()
    assert answer.status == 200, answer.text
    assert "/oauth2/v2.0/logout?" in answer.json()["location"]
    assert not any(is_signed_in(app, browser) for browser in browsers)
    # Who came back from Entra before it is out; who came after it has signed in anew, and can be found.
    living = [browser for browser in late if is_signed_in(app, browser)]
    numbers = [row["number"] for row in new_rows(azurite, before).values()]
    assert len(numbers) == len(living)
    assert {number for partition, number in index_rows(azurite) if partition == person} == {*numbers, "epoch"}


def test_a_sign_in_that_entra_has_answered_when_the_person_signs_out_everywhere_fails(
    own_apps: Apps, proxy: StorageProxy, azurite: Azurite, sandbox: Sandbox, sign_in: SignIn
) -> None:
    app = own_apps.get(SESSION_STORE=proxy.connection_string)
    here, late = sign_in(app), BrowserClient(sandbox.ca_file)
    callback, before = callback_of(app, sandbox, late), session_rows(azurite)
    proxy.fault(r"^POST .*/sessions(\?|$)", hang=1.0, times=1)  # its row is written at the second try
    answers: list[Any] = []
    coming = threading.Thread(target=lambda: answers.append(late.navigate(callback, site="cross-site")))
    coming.start()
    until(lambda: any(seen.method == "POST" and re.search(r"/sessions(\?|$)", seen.path) for seen in proxy.seen))
    assert here.fetch(f"{app.url}/auth/sessions", "DELETE").status == 200
    coming.join()
    (answer,) = answers
    assert answer.status == 400
    assert "signed out everywhere" in answer.text
    assert SESSION not in late.cookies(app.url)
    assert new_rows(azurite, before) == {}


@pytest.mark.parametrize("nth", [1, 2], ids=["the person's row", "the sid's row"])
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"refusal": Refusal(403, "AuthorizationPermissionMismatch")}, 503),
        ({"refusal": Refusal(503, "ServerBusy"), "times": 2}, 503),
        ({"refusal": Refusal(503, "ServerBusy"), "times": 1}, 303),
        ({"reset": "after", "times": 1}, 303),
    ],
    ids=["refused", "busy twice", "busy once", "answer lost"],
)
def test_a_session_begins_only_once_both_of_its_index_rows_are_written(
    own_apps: Apps,
    proxy: StorageProxy,
    azurite: Azurite,
    sandbox: Sandbox,
    fault: dict[str, Any],
    status: int,
    nth: int,
) -> None:
    app, browser = own_apps.get(SESSION_STORE=proxy.connection_string), BrowserClient(sandbox.ca_file)
    before, callback = session_rows(azurite), callback_of(app, sandbox, browser)
    if nth == 2:
        proxy.fault(r"^POST .*/sessionindex(\?|$)", times=1)
    proxy.fault(r"^POST .*/sessionindex(\?|$)", **fault)
    assert browser.navigate(callback, site="cross-site").status == status
    assert (SESSION in browser.cookies(app.url)) == (status == 303)
    assert len(new_rows(azurite, before)) == (status == 303)


@pytest.mark.parametrize("what", ["auth/sessions", "auth/logout"])
def test_ended_sessions_leave_no_row_behind_in_either_table(
    app: App, azurite: Azurite, sign_in: SignIn, what: str
) -> None:
    sessions, index = session_rows(azurite), index_rows(azurite)
    browser = sign_in(app)
    assert len(new_rows(azurite, sessions)) == 1
    assert len(index_rows(azurite).keys() - index.keys()) == 2
    method = "POST" if what == "auth/logout" else "DELETE"
    assert browser.fetch(f"{app.url}/{what}", method).status == 200
    assert new_rows(azurite, sessions) == {}
    assert {key for _, key in index_rows(azurite).keys() - index.keys()} <= {"epoch"}


def test_sessions_per_person_are_capped(app: App, azurite: Azurite, sign_in: SignIn) -> None:
    before = session_rows(azurite)
    browsers = [sign_in(app) for _ in range(22)]
    assert len(new_rows(azurite, before)) == 20
    assert is_signed_in(app, browsers[-1])
    assert sum(is_signed_in(app, browser) for browser in browsers) == 20
    assert len(listed(app, browsers[-1])) == 20
    assert app.log.count('"reason": "cap"') >= 2
