"""The mailboxes, by the name that Person.mailbox gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dev.sandbox.clock import SandboxClock
from dev.sandbox.graph.mailbox import Item, Mailbox
from dev.sandbox.mail.generator import generate
from dev.sandbox.people import Person

STAYS_FRESH = 600.0


class Mailboxes:
    """Generated on first use, relative to the clock; a test may put other messages in their place."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._generated: dict[str, tuple[float, Mailbox]] = {}
        self._replaced: dict[str, Mailbox] = {}

    def reset(self) -> None:
        """Forget what a test put there; generate anew what was changed or has grown old."""
        self._replaced.clear()
        now = self._clock.now()
        self._generated = {
            name: (made, mailbox)
            for name, (made, mailbox) in self._generated.items()
            if abs(now - made) < STAYS_FRESH and not mailbox.changed
        }

    def of(self, person: Person) -> Mailbox | None:
        """The mailbox of a person; guests have none."""
        if person.key in self._replaced or person.mailbox is None:
            return self._replaced.get(person.key)
        if person.mailbox not in self._generated:
            now = self._clock.now()
            self._generated[person.mailbox] = now, Mailbox(generate(person.mailbox, now))
        return self._generated[person.mailbox][1]

    def replace(self, person: Person, messages: Sequence[dict[str, Any]], next_link: str | None) -> None:
        """Put these messages, of whatever shape, into a person's mailbox, in this order, all in the inbox.

        `attachments` in a message are those it has; Graph gives them by a call of their own.
        """
        items = [
            Item(
                {name: value for name, value in message.items() if name != "attachments"},
                attachments=message.get("attachments", ()),
            )
            for message in messages
        ]
        self._replaced[person.key] = Mailbox(items, next_link)

    def enlarge(self, person: Person, size: int) -> None:
        """A mailbox of so many messages: the generated ones again and again, with ids of their own."""
        generated = [item for item in generate(person.mailbox or "work", self._clock.now()) if not item.hidden]
        items = []
        for number in range(size):
            item = generated[number % len(generated)]
            message = dict(item.message) | {"id": f"{item.message['id'][:-8]}{number:07d}="}
            items.append(Item(message))
        self._replaced[person.key] = Mailbox(items)
