"""Where a person is signed in: the list, and what ends one of the sessions, all of them, or those over the cap.

A session whose row is missing is skipped and its index rows stay: a sign-in under way may be about to write it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared import device
from shared.clock import Deadline
from shared.session_index import Entry, SessionIndex, number, user_pk
from shared.session_rows import Identity, Session
from shared.sessions import Ending, Sessions
from shared.token_store import Row, TokenStore

MOST = 20
"""Sessions that one person may have at once."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One living session as the person sees it. Times are in seconds since 1970."""

    number: str
    device: str
    created: int
    last_seen: int
    current: bool


class SignedIn:
    """All sessions of one person. Every method takes the request's deadline and raises errors.StorageUnavailable."""

    def __init__(self, store: TokenStore, index: SessionIndex, sessions: Sessions) -> None:
        self._store = store
        self._index = index
        self._sessions = sessions

    def listed(self, session: Session, deadline: Deadline) -> list[Listed]:
        """The living sessions of this one's person, newest first."""
        own, entries = number(session.row.key), self._index.of_person(user_pk(session.identity), deadline)
        found = [
            Listed(
                entry.number,
                entry.device or device.UNKNOWN,
                entry.created,
                int(row.properties["seen"]),
                entry.number == own,
            )
            for entry, row in self._rows(entries, deadline)
            if self._sessions.in_time(row)
        ]
        return sorted(found, key=lambda one: (one.created, one.number), reverse=True)

    def end_one(self, session: Session, name: str, deadline: Deadline) -> bool:
        """End the session of this number; False where this one's person has none such."""
        entry = self._index.find(user_pk(session.identity), name, deadline)
        return bool(entry and self._ended([entry], "ended_elsewhere", deadline))

    def end_all(self, session: Session, deadline: Deadline) -> int:
        """End all sessions of this one's person, and every sign-in under way; gives back how many there were.

        This one goes last, so that where storage fails half-way the person can ask again.
        """
        person = user_pk(session.identity)
        self._index.new_epoch(person, deadline)
        own = number(session.row.key)
        others = [entry for entry in self._index.of_person(person, deadline) if entry.number != own]
        ended = self._ended(others, "everywhere", deadline)
        self._sessions.end_row(session.row, deadline, "everywhere")
        return ended + 1

    def end_sid(self, sid: str, tenant_id: str | None, deadline: Deadline) -> int:
        """End what was begun in one session at Entra, of this tenant where one is named; gives back how many."""
        entries = self._index.of_sid(sid, deadline)
        own = [entry for entry in entries if tenant_id in (None, entry.tenant_id)]
        return self._ended(own, "front_channel", deadline)

    def keep_to_cap(self, identity: Identity, newest: str, deadline: Deadline) -> None:
        """End what a person has beyond MOST: the dead first, then the oldest, and never `newest` ("partition/key")."""
        entries = self._index.of_person(user_pk(identity), deadline)
        if len(entries) <= MOST:
            return
        found = [(entry, row) for entry, row in self._rows(entries, deadline) if "/".join(entry.place) != newest]
        found.sort(key=lambda pair: (self._sessions.in_time(pair[1]), pair[0].created, pair[0].number))
        over = max(0, len(found) - (MOST - 1))
        self._ended([entry for entry, _ in found[:over]], "cap", deadline)

    def _rows(self, entries: Iterable[Entry], deadline: Deadline) -> list[tuple[Entry, Row]]:
        rows = [(entry, self._store.read("sessions", *entry.place, deadline)) for entry in entries]
        return [(entry, row) for entry, row in rows if row is not None]

    def _ended(self, entries: Iterable[Entry], reason: Ending, deadline: Deadline) -> int:
        rows = self._rows(entries, deadline)
        for _, row in rows:
            self._sessions.end_row(row, deadline, reason)
        return len(rows)
