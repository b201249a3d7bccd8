"""One page of ten messages as Graph sends it, about 11 KB, the same in every run."""

from __future__ import annotations

import json
import random
from typing import Any

_TEXT = (
    "agenda archive attached before board budget chapter client committee contract corridor customer deadline delivery "
    "draft engineer estimate figures Friday handover harbour invoice kitchen ledger library machine meeting minutes "
    "Monday network notes office order partner please policy printer project proposal quarter question receipt release "
    "report review revised room schedule season server shipment station supplier survey table ticket timetable travel "
    "update version visit volume warehouse weather week window workshop yesterday"
)
_WORDS = _TEXT.split()


def page(next_link: str) -> bytes:
    """The JSON of the page, whose second one is at `next_link`."""
    words = random.Random(1)  # noqa: S311 - text, not secrets; a seed makes every run's page the same
    body = {
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users('me')/mailFolders('inbox')/messages",
        "value": [_message(number, words) for number in range(10)],
        "@odata.nextLink": next_link,
    }
    return json.dumps(body, separators=(",", ":")).encode()


def _message(number: int, words: random.Random) -> dict[str, Any]:
    name = " ".join(words.choices(_WORDS, k=2)).title()
    person = {"emailAddress": {"name": name, "address": name.lower().replace(" ", ".") + "@contoso.example"}}
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return {
        "@odata.etag": f'W/"CQAAABYAAAB{"".join(words.choices(letters, k=26))}"',
        "id": "AAMkAGI2TG93AAA=" + "".join(words.choices(letters, k=136)),
        "receivedDateTime": f"2026-03-{28 - number:02d}T08:15:42Z",
        "hasAttachments": number % 3 == 0,
        "subject": " ".join(words.choices(_WORDS, k=30)).capitalize(),
        "bodyPreview": " ".join(words.choices(_WORDS, k=60))[:255],
        "importance": "normal",
        "isRead": number % 2 == 0,
        "isDraft": False,
        "sender": person,
        "from": person,
        "flag": {"flagStatus": "notFlagged"},
    }
