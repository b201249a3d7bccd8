"""Microsoft Graph. The only place that calls it; it is given an access token and never looks for one."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn, TypedDict
from urllib.parse import quote, urlsplit

from shared import errors
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
LIST_FIELDS = "id,subject,from,sender,receivedDateTime,isRead,isDraft,hasAttachments,bodyPreview,importance,flag"
MESSAGE_FIELDS = LIST_FIELDS + ",toRecipients,ccRecipients,body"
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


class Graph:
    """Mail of the person to whom the access token belongs. `mailbox` names that person for the limit of four at once.

    Methods raise TokenRejected, Throttled, MailboxBusy, NoMailbox, ConsentRequired, GraphRefused, GraphBadAnswer,
    GraphUnavailable, GraphTimeout. They take the request's deadline, of which one call uses at most 10 s.
    """

    def __init__(self, config: Config, outbound: Outbound, clock: Clock) -> None:
        self._endpoint = config.graph_endpoint
        self._outbound = outbound
        self._clock = clock
        self._lock = threading.Lock()
        self._mailboxes: OrderedDict[str, threading.BoundedSemaphore] = OrderedDict()

    def list_messages(self, token: Secret, mailbox: str, top: int, deadline: Deadline) -> tuple[list[Any], str | None]:
        """The newest messages of the inbox, and the link to the next page. `top` from 1 to 50."""
        path = f"/me/mailFolders/inbox/messages?$top={top}&$select={LIST_FIELDS}&$orderby=receivedDateTime%20desc"
        return self._page(self._get(self._endpoint + path, token, mailbox, {}, deadline))

    def next_messages(
        self, token: Secret, mailbox: str, next_link: str, deadline: Deadline
    ) -> tuple[list[Any], str | None]:
        """The page that an earlier one named, by its link to the letter."""
        return self._page(self._get(next_link, token, mailbox, {}, deadline))

    def message(self, token: Secret, mailbox: str, message_id: str, deadline: Deadline) -> dict[str, Any]:
        """One message with its body as text. Raises MessageNotFound too."""
        url = f"{self._endpoint}/me/messages/{quote(message_id, safe='')}?$select={MESSAGE_FIELDS}"
        found = self._get(url, token, mailbox, {"Prefer": 'outlook.body-content-type="text"'}, deadline)
        if not isinstance(found.get("id"), str):
            raise errors.GraphBadAnswer
        return found

    def _page(self, found: dict[str, Any]) -> tuple[list[Any], str | None]:
        messages, link = found.get("value"), found.get("@odata.nextLink")
        if not isinstance(messages, list):
            raise errors.GraphBadAnswer
        if link is not None and not self.is_own(link):
            raise errors.GraphBadAnswer
        return messages, link

    def is_own(self, link: object) -> bool:
        """Whether a link leads to messages of the signed-in person on this very endpoint, and nowhere else."""
        if not isinstance(link, str) or len(link) > 8192 or not link.isascii() or re.search(r"[\s\\#]", link):
            return False
        base, _, path = self._endpoint.partition("//")[2].partition("/")
        try:
            parts = urlsplit(link)
        except ValueError:
            return False
        inside = parts.path.removeprefix(f"/{path}/")
        own = parts.scheme == urlsplit(self._endpoint).scheme and parts.netloc.lower() == base and inside != parts.path
        return own and inside.startswith("me/") and ".." not in inside and "%2e" not in inside.lower()

    def _get(
        self, url: str, token: Secret, mailbox: str, headers: Mapping[str, str], deadline: Deadline
    ) -> dict[str, Any]:
        sent = {
            "Authorization": "Bearer " + token.reveal(),
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            **headers,
        }
        with self._turn(mailbox, deadline):
            answer = self._answer(url, sent, deadline.within(SECONDS))
        return _object(answer) if answer.status == 200 else self._refused(answer)

    def _answer(self, url: str, headers: Mapping[str, str], deadline: Deadline) -> Answer:
        """One GET, repeated once where the connection broke or Graph asks for a moment's patience."""
        for last in (False, True):
            try:
                answer = self._outbound.request("GET", url, headers=headers, deadline=deadline, max_bytes=MAX_BYTES)
            except TooLarge:
                raise errors.GraphBadAnswer from None
            except TooSlow:
                raise errors.GraphTimeout from None
            except OutboundError:
                if last or deadline.remaining() <= 0:
                    raise errors.GraphUnavailable(retry_after=5) from None
                continue
            if answer.status == 503 and not last and "retry-after" not in answer.headers:
                continue
            return answer
        raise errors.GraphUnavailable(retry_after=5)

    @contextmanager
    def _turn(self, mailbox: str, deadline: Deadline) -> Iterator[None]:
        with self._lock:
            turns = self._mailboxes.setdefault(mailbox, threading.BoundedSemaphore(PER_MAILBOX))
            self._mailboxes.move_to_end(mailbox)
            if len(self._mailboxes) > _MOST_LOCKS:
                self._mailboxes.popitem(last=False)
        if not turns.acquire(timeout=max(0.0, min(WAIT_SECONDS, deadline.remaining()))):
            raise errors.MailboxBusy(retry_after=1)
        try:
            yield
        finally:
            turns.release()

    def _refused(self, answer: Answer) -> NoReturn:
        """What Graph's refusal means: by status first, then by its code."""
        if answer.status == 401:
            raise TokenRejected(claims_challenge(answer.headers.get("www-authenticate", "")))
        code = _code(answer)
        found = _Evidence(graph_code=code or None, request_id=_request_id(answer))
        wait = retry_after(answer, self._clock.now(), 5)
        if answer.status == 429:
            raise errors.Throttled(retry_after=wait, **found)
        if answer.status == 403:
            raise errors.ConsentRequired(**found)
        if answer.status == 404 and code.lower() in _NO_MAILBOX:
            raise errors.NoMailbox(**found)
        if answer.status in (404, 400) and code.lower() in ("erroritemnotfound", "errorinvalididmalformed"):
            raise errors.MessageNotFound(**found)
        if answer.status == 503:
            raise errors.GraphUnavailable(retry_after=wait, **found)
        if answer.status == 504:
            raise errors.GraphTimeout(**found)
        if answer.status >= 500 or 300 <= answer.status < 400:
            raise errors.GraphBadAnswer(**found)
        raise errors.GraphRefused(**found)


def public_id(graph_id: str) -> str:
    """Graph's id as base64url, for our own URLs: Azure's front end decodes %2F before it chooses a route."""
    return base64.urlsafe_b64encode(graph_id.encode("utf-8", "surrogatepass")).rstrip(b"=").decode()


def graph_id(public: str) -> str:
    """Graph's id out of one of ours. Raises errors.MessageNotFound for what is none."""
    try:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,2048}", public):
            raise ValueError
        found = base64.b64decode(public + "=" * (-len(public) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        raise errors.MessageNotFound from None
    if found in (".", "..") or not found.isprintable():
        raise errors.MessageNotFound
    return found


def _object(answer: Answer) -> dict[str, Any]:
    try:
        body = json.loads(answer.body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise errors.GraphBadAnswer(request_id=_request_id(answer)) from None
    if not isinstance(body, dict):
        raise errors.GraphBadAnswer(request_id=_request_id(answer))
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
