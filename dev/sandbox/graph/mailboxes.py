"""The mailboxes, by the name that Person.mailbox gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dev.sandbox.clock import SandboxClock
from dev.sandbox.graph.mailbox import Item, Mailbox
from dev.sandbox.mail.generator import generate
from dev.sandbox.people import Person


class Mailboxes:
    """Generated on first use, relative to the clock; a test may put other messages in their place."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._mailboxes: dict[str, Mailbox] = {}

    def reset(self) -> None:
        """Generate anew what a test replaced."""
        self._mailboxes.clear()

    def of(self, person: Person) -> Mailbox | None:
        """The mailbox of a person; guests have none."""
        if person.key in self._mailboxes:
            return self._mailboxes[person.key]
        if person.mailbox is None:
            return None
        if person.mailbox not in self._mailboxes:
            self._mailboxes[person.mailbox] = Mailbox(generate(person.mailbox, self._clock.now()))
        return self._mailboxes[person.mailbox]

    def replace(self, person: Person, messages: Sequence[dict[str, Any]], next_link: str | None) -> None:
        """Put these messages, of whatever shape, into a person's mailbox, in this order, all in the inbox."""
        self._mailboxes[person.key] = Mailbox([Item(message) for message in messages], next_link)

    def enlarge(self, person: Person, size: int) -> None:
        """A mailbox of so many messages: the generated ones again and again, with ids of their own."""
        generated = [item for item in generate(person.mailbox or "work", self._clock.now()) if not item.hidden]
        items = []
        for number in range(size):
            item = generated[number % len(generated)]
            message = dict(item.message) | {"id": f"{item.message['id'][:-8]}{number:07d}="}
            items.append(Item(message))
        self._mailboxes[person.key] = Mailbox(items)
