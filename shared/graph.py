"""Calls to Microsoft Graph. The only place that makes them; it is given an access token and never looks for one."""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, TypedDict
from urllib.parse import urlsplit

from shared import errors, graph_errors
from shared.challenges import claims_challenge
from shared.clock import Clock, Deadline
from shared.config import Config
from shared.outbound import Outbound, retry_after
from shared.secret import Secret
from shared.wire import Answer, OutboundError, TooLarge, TooSlow

SECONDS = 10.0
MAX_BYTES = 8 * 1024 * 1024
PER_MAILBOX = 4
"""Exchange's own limit of requests under way for one app and mailbox."""
WAIT_SECONDS = 2.0
_NO_MAILBOX = {
    "mailboxnotenabledforrestapi",
    "mailboxnotsupportedforrestapi",
    "resourcenotfound",
    "errornonexistentmailbox",
}
_WORD = re.compile(r"[A-Za-z0-9._-]{1,128}")
_MOST_LOCKS = 4096


class _Evidence(TypedDict):
    graph_code: str | None
    request_id: str | None


class TokenRejected(Exception):
    """Raised when Graph answers 401: the token it was given is not, or no longer, good.

    `claims` is what Graph demands of the next one, as JSON; None where it demands nothing in particular.
    """

    def __init__(self, claims: str | None = None) -> None:
        super().__init__()
        self.claims = claims


@dataclass(frozen=True)
class Access:
    """What a call is made with: the person's token, and the name of their mailbox for the limit of four at once."""

    token: Secret
    mailbox: str


class Graph:
    """The transport to Graph: turns for each mailbox, one retry of reads, and what refusals mean.

    Methods raise TokenRejected, Throttled, MailboxBusy, NoMailbox, ConsentRequired, GraphRefused, GraphBadAnswer,
    GraphUnavailable, GraphTimeout. They take the request's deadline, of which one call uses at most 10 s.
    """

    def __init__(self, config: Config, outbound: Outbound, clock: Clock) -> None:
        self.endpoint = config.graph_endpoint
        self._outbound = outbound
        self._clock = clock
        self._lock = threading.Lock()
        self._mailboxes: OrderedDict[str, threading.BoundedSemaphore] = OrderedDict()

    def get(
        self,
        url: str,
        access: Access,
        deadline: Deadline,
        *,
        prefer: str | None = None,
        missing: type[errors.DrawbridgeError] = graph_errors.MessageNotFound,
    ) -> dict[str, Any]:
        """The JSON object at a URL. `prefer` is the Prefer header; raises `missing` for what Graph does not know."""
        headers = {"Prefer": prefer} if prefer else {}
        answer = self.call("GET", url, access, deadline, headers=headers, missing=missing)
        if answer.status != 200:
            self._refused(answer, missing)
        return json_of(answer)

    def page(
        self,
        url: str,
        access: Access,
        deadline: Deadline,
        *,
        prefer: str | None = None,
        missing: type[errors.DrawbridgeError] = graph_errors.MessageNotFound,
    ) -> tuple[list[Any], str | None]:
        """A collection's page at a URL, and the link to the next one, which leads to this very mailbox."""
        found = self.get(url, access, deadline, prefer=prefer, missing=missing)
        entries, link = found.get("value"), found.get("@odata.nextLink")
        if not isinstance(entries, list):
            raise graph_errors.GraphBadAnswer
        if link is not None and not self.is_own(link):
            raise graph_errors.GraphBadAnswer
        return entries, link

    def call(
        self,
        method: str,
        url: str,
        access: Access,
        deadline: Deadline,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        max_bytes: int = MAX_BYTES,
        seconds: float = SECONDS,
        missing: type[errors.DrawbridgeError] = graph_errors.MessageNotFound,
    ) -> Answer:
        """One call and its answer of 200 to 299 within `seconds`; a GET is repeated once where that may help.

        An answer of more than `max_bytes` is a GraphTooLarge.
        """
        sent = {
            "Authorization": "Bearer " + access.token.reveal(),
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            **(headers or {}),
        }
        with self._turn(access.mailbox, deadline):
            answer = self._answer(method, url, sent, body, deadline.within(seconds), max_bytes)
        if not 200 <= answer.status < 300:
            self._refused(answer, missing)
        return answer

    def is_own(self, link: object) -> bool:
        """Whether a link leads to what belongs to the signed-in person on this very endpoint, and nowhere else."""
        if not isinstance(link, str) or len(link) > 8192 or not link.isascii() or re.search(r"[\s\\#]", link):
            return False
        base, _, path = self.endpoint.partition("//")[2].partition("/")
        try:
            parts = urlsplit(link)
        except ValueError:
            return False
        inside = parts.path.removeprefix(f"/{path}/")
        own = parts.scheme == urlsplit(self.endpoint).scheme and parts.netloc.lower() == base and inside != parts.path
        return own and inside.startswith("me/") and ".." not in inside and "%2e" not in inside.lower()

    def _answer(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, deadline: Deadline, most: int
    ) -> Answer:
        """One request; a GET is repeated once where the connection broke or Graph asks for a moment's patience."""
        for last in (method != "GET", True):
            try:
                answer = self._outbound.request(
                    method, url, headers=headers, body=body, deadline=deadline, max_bytes=most
                )
            except TooLarge:
                raise graph_errors.GraphTooLarge from None
            except TooSlow:
                raise graph_errors.GraphTimeout from None
            except OutboundError:
                if last or deadline.remaining() <= 0:
                    raise graph_errors.GraphUnavailable(retry_after=5) from None
                continue
            if answer.status == 503 and not last and "retry-after" not in answer.headers:
                continue
            return answer
        raise graph_errors.GraphUnavailable(retry_after=5)

    @contextmanager
    def _turn(self, mailbox: str, deadline: Deadline) -> Iterator[None]:
        with self._lock:
            turns = self._mailboxes.setdefault(mailbox, threading.BoundedSemaphore(PER_MAILBOX))
            self._mailboxes.move_to_end(mailbox)
            if len(self._mailboxes) > _MOST_LOCKS:
                self._mailboxes.popitem(last=False)
        if not turns.acquire(timeout=max(0.0, min(WAIT_SECONDS, deadline.remaining()))):
            raise graph_errors.MailboxBusy(retry_after=1)
        try:
            yield
        finally:
            turns.release()

    def _refused(self, answer: Answer, missing: type[errors.DrawbridgeError]) -> NoReturn:
        """What Graph's refusal means: by status first, then by its code."""
        if answer.status == 401:
            raise TokenRejected(claims_challenge(answer.headers.get("www-authenticate", "")))
        code = _code(answer)
        found = _Evidence(graph_code=code or None, request_id=_request_id(answer))
        wait = retry_after(answer, self._clock.now(), 5)
        if answer.status == 429:
            raise graph_errors.Throttled(retry_after=wait, **found)
        if answer.status == 403:
            raise errors.ConsentRequired(**found)
        if answer.status == 404 and code.lower() in _NO_MAILBOX:
            raise graph_errors.NoMailbox(**found)
        if answer.status in (404, 400) and code.lower() in ("erroritemnotfound", "errorinvalididmalformed"):
            raise missing(**found)
        if answer.status == 503:
            raise graph_errors.GraphUnavailable(retry_after=wait, **found)
        if answer.status == 504:
            raise graph_errors.GraphTimeout(**found)
        if answer.status >= 500 or 300 <= answer.status < 400:
            raise graph_errors.GraphBadAnswer(**found)
        raise graph_errors.GraphRefused(**found)


def json_of(answer: Answer) -> dict[str, Any]:
    try:
        body = json.loads(answer.body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise graph_errors.GraphBadAnswer(request_id=_request_id(answer)) from None
    if not isinstance(body, dict):
        raise graph_errors.GraphBadAnswer(request_id=_request_id(answer))
    return body


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _code(answer: Answer) -> str:
    try:
        found = json.loads(answer.body)["error"]["code"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""
    return found if isinstance(found, str) and _WORD.fullmatch(found) else ""


def _request_id(answer: Answer) -> str | None:
    found = answer.headers.get("request-id", "")
    if not found:
        try:
            found = json.loads(answer.body)["error"]["innerError"]["request-id"]
        except (ValueError, RecursionError, KeyError, TypeError):
            return None
    return found if isinstance(found, str) and _WORD.fullmatch(found) else None
