"""The log of a running app: one line of JSON for each event, with the trace of the request that it belongs to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.at_once import at_once, until
from tests.support.client import BrowserClient
from tests.support.signing_in import callback_of

if TYPE_CHECKING:
    from dev.sandbox.serving import Sandbox
    from tests.conftest import SignIn
    from tests.support.apps import App


def lines(app: App, event: str) -> list[dict[str, Any]]:
    written = (line[line.index("{") :] for line in app.log.splitlines() if f'{{"event": "{event}"' in line)
    return [json.loads(line) for line in written]


def test_requests_that_run_at_the_same_time_keep_their_traces_apart(
    app: App, sandbox: Sandbox, sign_in: SignIn
) -> None:
    sign_in(app)  # which makes the tables
    people = ["work", "personal", "guest"] * 4
    browsers = [BrowserClient(sandbox.ca_file) for _ in people]
    ready = [(one, callback_of(app, sandbox, one, person)) for one, person in zip(browsers, people, strict=True)]

    def finish() -> str:
        browser, callback = ready.pop()
        answer = browser.navigate(callback, site="cross-site")
        assert answer.status == 303
        return (answer.header("traceparent") or "").split("-")[1]

    traces = at_once(len(ready), finish)
    assert len(set(traces)) == len(people)
    until(lambda: set(traces) <= {line["trace"] for line in lines(app, "signed_in")})
    written = [line for line in lines(app, "signed_in") if line["trace"] in traces]
    assert len(written) == len(people)
    assert all(line["tenant"] and line["person"] for line in written)
