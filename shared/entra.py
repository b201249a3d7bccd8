"""What auth.py needs of Entra on the wire: the discovery document, and the HTTP client that MSAL is given."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from shared import errors, log
from shared.clock import Clock, Deadline
from shared.outbound import Outbound, retry_after
from shared.settings import is_loopback
from shared.wire import Answer, OutboundError, TooLarge

MAX_BYTES = 256 * 1024
KEEP_SECONDS = 24 * 3600.0
RETRY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Discovery:
    """The fields that we use. `issuer` may hold `{tenantid}`; `document` is the whole text, for MSAL."""

    issuer: str
    end_session_endpoint: str
    document: str


class DiscoveryReader:
    """Reads the authority's discovery document, keeps it a day, and goes on with the old one while Entra is down."""

    def __init__(self, authority: str, outbound: Outbound, clock: Clock) -> None:
        self._authority = authority
        self._outbound = outbound
        self._clock = clock
        self._lock = threading.Lock()
        self._known: Discovery | None = None
        self._failed = False
        self._read_again = float("-inf")

    def read(self, deadline: Deadline) -> Discovery:
        """Raises EntraUnavailable, EntraBadAnswer, AppRegistrationRefused where there is no document yet.

        While one asks, others wait for that only where there is none yet, and Entra is not known to fail.
        """
        if self._known is not None and self._clock.monotonic() < self._read_again:
            return self._known
        patience = 0.0 if self._known is not None or self._failed else max(0.0, deadline.remaining())
        if not self._lock.acquire(timeout=patience):
            if self._known is None:
                raise errors.EntraUnavailable
            return self._known
        try:
            return self._read(deadline)
        finally:
            self._lock.release()

    def _read(self, deadline: Deadline) -> Discovery:
        if self._known is not None and self._clock.monotonic() < self._read_again:
            return self._known
        try:
            self._known = self._fetched(deadline)
            self._read_again = self._clock.monotonic() + KEEP_SECONDS
        except errors.DrawbridgeError as problem:
            log.event("discovery_failed", code=problem.code)
            self._failed = True
            if self._known is None:
                raise
            self._read_again = self._clock.monotonic() + RETRY_SECONDS
        return self._known

    def _fetched(self, deadline: Deadline) -> Discovery:
        url = self._authority + "/v2.0/.well-known/openid-configuration"
        try:
            answer = self._outbound.request(
                "GET", url, deadline=deadline, max_bytes=MAX_BYTES, headers={"Accept": "application/json"}
            )
        except TooLarge:
            raise errors.EntraBadAnswer from None
        except OutboundError:
            raise errors.EntraUnavailable from None
        if answer.status == 429 or answer.status >= 500:
            raise _unavailable(answer, self._clock)
        if 400 <= answer.status < 500:
            remedy = "ENTRA_AUTHORITY must name an existing tenant"
            log.event("authority_refused", logging.ERROR, status=answer.status, remedy=remedy)
            raise errors.AppRegistrationRefused
        return self._checked(json_object(answer))

    def _checked(self, document: Mapping[str, Any]) -> Discovery:
        for name in ("authorization_endpoint", "token_endpoint", "end_session_endpoint"):
            if not self._own(document.get(name)):
                raise errors.EntraBadAnswer
        issuer = document.get("issuer")
        if not isinstance(issuer, str) or not issuer.startswith("https://"):
            raise errors.EntraBadAnswer
        return Discovery(issuer, document["end_session_endpoint"], json.dumps(document))

    def _own(self, url: object) -> bool:
        """Endpoints are https on the authority's own host. An authority on loopback may name any loopback address."""
        if not isinstance(url, str):
            return False
        try:
            parts, own = urlsplit(url), urlsplit(self._authority)
        except ValueError:
            return False
        if is_loopback(own.hostname):
            return is_loopback(parts.hostname)
        return parts.scheme == "https" and parts.netloc.lower() == own.netloc


def json_object(answer: Answer) -> dict[str, Any]:
    """The answer's body as a JSON object. Raises errors.EntraBadAnswer for anything else."""
    if not 200 <= answer.status < 300 and answer.status not in (400, 401, 403):
        raise errors.EntraBadAnswer
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise errors.EntraBadAnswer from None
    if not isinstance(body, dict):
        raise errors.EntraBadAnswer
    return body


def _unavailable(answer: Answer, clock: Clock) -> errors.EntraUnavailable:
    told = answer.status == 429 or "retry-after" in answer.headers
    return errors.EntraUnavailable(retry_after=retry_after(answer, clock.now(), 5) if told else None)


@dataclass(frozen=True, slots=True)
class MsalResponse:
    """An answer in the shape that MSAL reads."""

    status_code: int
    text: str
    headers: Mapping[str, str]

    def raise_for_status(self) -> None:
        """Nothing to raise: statuses that are no protocol answer were refused before MSAL saw them."""


class MsalHttp:
    """The http_client that MSAL is given. It refuses what is no protocol answer, for MSAL logs such bodies whole."""

    def __init__(self, discovery: Discovery, outbound: Outbound, clock: Clock) -> None:
        self._discovery = discovery
        self._outbound = outbound
        self._clock = clock
        self._thread = threading.local()
        self._throttled_until = float("-inf")

    @contextmanager
    def under(self, deadline: Deadline) -> Iterator[None]:
        """Put what MSAL sends in this thread under the deadline."""
        self._thread.deadline = deadline
        try:
            yield
        finally:
            del self._thread.deadline

    def get(self, url: str, **_: object) -> MsalResponse:
        """The one thing that MSAL gets is the discovery document, which is here already."""
        return MsalResponse(200, self._discovery.document, {})

    def post(self, url: str, *, data: Mapping[str, str], headers: Mapping[str, str], **_: object) -> MsalResponse:
        """A token request. Raises EntraUnavailable, EntraBadAnswer; throttling is remembered while it lasts."""
        wait = self._throttled_until - self._clock.monotonic()
        if wait > 0:
            raise errors.EntraUnavailable(retry_after=int(wait) + 1)
        sent = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        form = {name: value for name, value in data.items() if value is not None}
        try:
            answer = self._outbound.request(
                "POST",
                url,
                headers=sent,
                body=urlencode(form).encode(),
                deadline=self._thread.deadline,
                max_bytes=MAX_BYTES,
            )
        except TooLarge:
            raise errors.EntraBadAnswer from None
        except OutboundError:
            raise errors.EntraUnavailable from None
        if answer.status == 429 or answer.status >= 500:
            problem = _unavailable(answer, self._clock)
            if answer.status == 429:
                self._throttled_until = self._clock.monotonic() + (problem.retry_after or 0)
            raise problem
        json_object(answer)
        return MsalResponse(answer.status, answer.body.decode("utf-8", "replace"), answer.headers)

    def close(self) -> None:
        """MSAL may close its client; the pool is not its own."""
