"""What a resource or a policy demands of tokens, until the person has satisfied it: claims challenges.

https://learn.microsoft.com/entra/identity-platform/claims-challenge
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dev.sandbox.clock import SandboxClock
from dev.sandbox.entra.grants import AccessToken, RefreshToken

RESOURCES = ("graph", "graph.me", "graph.messages", "graph.message", "token")
STEP_UP: Mapping[str, Any] = {"access_token": {"acrs": {"essential": True, "value": "c1"}}}


@dataclass(frozen=True)
class Demand:
    """`person` None means everybody. `resource` is where it is made; "token": at every refresh.

    `error` is what Entra answers to a refresh; None where any token issued later than `since` will do.
    """

    person: str | None
    resource: str
    claims: Mapping[str, Any]
    error: str | None
    since: float

    @property
    def text(self) -> str:
        """The claims as JSON, as challenges and error bodies carry them."""
        return json.dumps(self.claims, separators=(",", ":"))


class Demands:
    """The demands that are made, oldest first."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._demands: list[Demand] = []

    def reset(self) -> None:
        """Demand nothing any more."""
        self._demands.clear()

    def revoke_access(self, person: str | None) -> None:
        """Continuous access evaluation: what was issued until now is good no more, however long it had to live."""
        now = self._clock.now()
        claims = {"access_token": {"nbf": {"essential": True, "value": str(int(now))}}}
        self._demands.append(Demand(person, "graph", claims, None, now))

    def step_up(self, person: str | None, resource: str, claims: Mapping[str, Any] | None, error: str) -> Demand:
        """The person has to bring these claims by signing in. Raises ValueError for a resource that is none."""
        if resource not in RESOURCES:
            raise ValueError(f"resource is one of {', '.join(RESOURCES)}")
        demand = Demand(person, resource, claims or STEP_UP, error, self._clock.now())
        self._demands.append(demand)
        return demand

    def of_graph(self, token: AccessToken, where: str) -> Demand | None:
        """What Graph demands instead of taking this token at this place."""
        for demand in self._demands:
            if demand.person in (None, token.person.key) and f"{where}.".startswith(f"{demand.resource}."):
                met = token.issued_at > demand.since if demand.error is None else covers(token.claims, demand.claims)
                if not met:
                    return demand
        return None

    def of_refresh(self, token: RefreshToken, claims: Mapping[str, Any]) -> Demand | None:
        """What the person must bring before Entra refreshes, where the request asks for it or a policy does."""
        for demand in self._demands:
            asked = demand.resource == "token" or covers(claims, demand.claims)
            concerned = demand.error is not None and demand.person in (None, token.sign_in.person.key)
            if asked and concerned and not covers(token.sign_in.claims, demand.claims):
                return demand
        return None


def parsed_claims(text: str | None) -> dict[str, Any]:
    """The claims parameter of a request, without what a client says of itself (xms_cc). Raises ValueError."""
    claims = json.loads(text or "{}")
    if not isinstance(claims, dict):
        raise ValueError("claims is not an object")
    token = claims.get("access_token")
    if isinstance(token, dict):
        token.pop("xms_cc", None)
    return {name: value for name, value in claims.items() if value}


def covers(given: Any, demanded: Any) -> bool:
    """Whether everything demanded is among what is given."""
    if isinstance(demanded, Mapping):
        return isinstance(given, Mapping) and all(
            name in given and covers(given[name], value) for name, value in demanded.items()
        )
    return bool(given == demanded)
