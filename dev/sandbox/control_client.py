"""The control endpoint from the other side: one method per call, for tests."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit


class ControlError(Exception):
    """The control endpoint refused: the status and what it said."""


class Control:
    """Speaks to a running sandbox. Each call uses a connection of its own and may be made from any thread."""

    def __init__(self, http_url: str, token: str) -> None:
        self._address = urlsplit(http_url).netloc
        self._token = token

    def reset(self) -> None:
        """Everything back to the start; issued tokens stay valid."""
        self._call("POST", "/_control/reset")

    def fault(
        self, where: str, action: dict[str, Any], *, times: int | None = 1, match: dict[str, str] | None = None
    ) -> int:
        """Script a fault; the result is its id. `times` None: until it is removed."""
        document = {"where": where, "times": times, "match": match or {}, "action": action}
        return int(self._call("POST", "/_control/faults", document)["id"])

    def remove_fault(self, fault_id: int) -> None:
        """Remove a scripted fault."""
        self._call("DELETE", f"/_control/faults/{fault_id}")

    def log(self, since: int = 0, where: str | None = None) -> list[dict[str, Any]]:
        """The calls after number `since`; with `where`, those to one place ("graph" means all of Graph)."""
        calls: list[dict[str, Any]] = self._call("GET", f"/_control/log?since={since}")
        return [call for call in calls if where is None or f"{call['where']}.".startswith(f"{where}.")]

    def stats(self) -> dict[str, Any]:
        """{"calls", "token" (per grant_type), "connections" (per listener), "graph_at_once" (per person)}."""
        answer: dict[str, Any] = self._call("GET", "/_control/stats")
        return answer

    def canaries(self) -> list[str]:
        """Every code, access token, refresh token and id_token ever issued."""
        answer: list[str] = self._call("GET", "/_control/canaries")
        return answer

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change settings by name; the result is all of them."""
        answer: dict[str, Any] = self._call("POST", "/_control/settings", changes)
        return answer

    def clock(self, offset: float) -> None:
        """Move the sandbox's clock so many seconds ahead of the machine's."""
        self._call("POST", "/_control/clock", {"offset": offset})

    def app_clock(self, offset: float) -> None:
        """Move the clock of the app so many seconds ahead of the machine's."""
        self._call("POST", "/_control/app-clock", {"offset": offset})

    def person(self, key: str, **claims: Any) -> dict[str, Any]:
        """Change a person's claims, None removes; an unknown key makes one more work account."""
        answer: dict[str, Any] = self._call("POST", f"/_control/people/{key}", claims)
        return answer

    def mailbox(self, person: str, messages: Sequence[dict[str, Any]], next_link: str | None = None) -> None:
        """Put these messages into a mailbox, as they are and in this order."""
        self._call("POST", f"/_control/mailbox/{person}", {"messages": list(messages), "next_link": next_link})

    def enlarge_mailbox(self, person: str, copies: int) -> None:
        """A mailbox of so many messages, copies of the generated ones."""
        self._call("POST", f"/_control/mailbox/{person}", {"copies": copies})

    def expire(self, person: str | None = None) -> None:
        """Graph refuses every access token issued so far."""
        self._call("POST", "/_control/expire", {"person": person})

    def revoke(self, person: str | None = None) -> None:
        """Entra refuses every refresh token issued so far."""
        self._call("POST", "/_control/revoke", {"person": person})

    def revoke_access(self, person: str | None = None) -> None:
        """Graph answers every access token issued so far with a claims challenge; one that is issued later, by a
        refresh too, will do."""
        self._call("POST", "/_control/revoke-access", {"person": person})

    def demand_step_up(
        self,
        person: str | None = None,
        resource: str = "graph",
        claims: dict[str, Any] | None = None,
        error: str = "invalid_grant",
    ) -> dict[str, Any]:
        """Challenge a person (None: everybody) until a sign-in brought these claims; the result is the claims.

        `resource` is "graph", one part of it ("graph.me", "graph.messages" for lists, "graph.message" for one) or
        "token": then every refresh is refused, without Graph being asked. A refresh that asks for the claims is
        refused with `error` ("invalid_grant" or "interaction_required"), suberror basic_action and the claims. On
        Entra's page the person chooses the account and presses Approve ("Verify your identity"); `sign_in` does both.
        """
        document = {"person": person, "resource": resource, "claims": claims, "error": error}
        answer: dict[str, Any] = self._call("POST", "/_control/demand-step-up", document)
        return answer

    def new_key_version(self) -> str:
        """Rotate the vault's key; the id of its new version."""
        return str(self._call("POST", "/_control/vault/new-version")["key_id"])

    def sign_in(self, authorize_url: str, person: str = "work") -> str:
        """Choose an account, approve what is to be proved, and accept: the redirect, which nobody has followed yet."""
        answer = self._call("POST", "/_control/sign-in", {"authorize_url": authorize_url, "person": person})
        return str(answer["location"])

    def _call(self, method: str, path: str, document: dict[str, Any] | None = None) -> Any:
        connection = http.client.HTTPConnection(self._address, timeout=30)
        try:
            body = json.dumps(document) if document is not None else None
            connection.request(method, path, body, {"Authorization": f"Bearer {self._token}"})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= 300:
            raise ControlError(f"{method} {path}: {answer.status} {text}")
        return json.loads(text) if text else None
