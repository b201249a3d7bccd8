"""The app with one thing wrong, each by a class put in the place of the right one."""

from __future__ import annotations

from dataclasses import replace

from shared import errors
from shared.clock import Deadline
from shared.session_index import SessionIndex
from shared.session_rows import Identity, Session, Tokens
from shared.sessions import Sessions
from shared.token_store import Row, Table
from tests.explorer.table import ActorStore


class Unconditional(ActorStore):
    """An update that goes through whatever the row's ETag is."""

    def merged(self, table: Table, row: Row, deadline: Deadline) -> None:
        known = self._model.table.rows.get((table, row.partition, row.key))
        super().merged(table, replace(row, etag=known.etag) if known else row, deadline)


class Upserting(ActorStore):
    """An update that writes the row where there is none."""

    def merged(self, table: Table, row: Row, deadline: Deadline) -> None:
        try:
            super().merged(table, row, deadline)
        except errors.RowGone:
            self._model.table.insert(table, row, deadline)


class Overwriting(ActorStore):
    """An insert that replaces what is there."""

    def inserted(self, table: Table, row: Row, deadline: Deadline) -> None:
        self._model.table.rows.pop((table, row.partition, row.key), None)
        super().inserted(table, row, deadline)


class Unprolonged(ActorStore):
    """A data key whose row never says that it is needed for longer."""

    def merge(self, table: Table, row: Row, deadline: Deadline) -> str:
        return row.etag if table == "keyring" else super().merge(table, row, deadline)


class Unleased(Sessions):
    """Everybody takes himself for the one who renews."""

    def set_lease(self, session: Session, lease_id: str, deadline: Deadline) -> Session:
        properties = {**session.row.properties, "lease_id": lease_id}
        return replace(session, row=replace(session.row, properties=properties))


class Generationless(Sessions):
    """Whoever reads the row again takes its tokens for those that he knows."""

    def reread(self, session: Session, deadline: Deadline) -> Session:
        found = super().reread(session, deadline)
        properties = {**found.row.properties, "generation": session.generation}
        return replace(found, row=replace(found.row, properties=properties))


class Credulous(Sessions):
    """A write that was refused or not answered was not made, and its tokens are dropped."""

    def set_tokens(self, session: Session, tokens: Tokens, deadline: Deadline) -> Session:
        try:
            return super().set_tokens(session, tokens, deadline)
        except (errors.RowChanged, errors.OutcomeUnknown):
            raise errors.SessionBusy from None


class Ruthless(Sessions):
    """A dead grant ends the session, though others may have renewed it since."""

    def end_row(
        self,
        row: Row,
        deadline: Deadline,
        reason: str = "signed_out",
        *,
        unchanged: bool = False,
    ) -> None:
        super().end_row(row, deadline)


class Unentered(SessionIndex):
    """A session is not in the index before it is in the table."""

    def enter(
        self, identity: Identity, place: tuple[str, str], created: int, expires: int, device: str, deadline: Deadline
    ) -> None:
        return


class Epochless(SessionIndex):
    """A sign-in does not see that its person has signed out everywhere."""

    def epoch(self, person: str, deadline: Deadline) -> str:
        super().epoch(person, deadline)
        return ""
