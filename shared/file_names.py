"""Names of files that others chose, for the one header that carries them."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

LONGEST = 120
"""Characters of a name, its ending included."""
LONGEST_ENDING = 20

_UNSAFE = re.compile(r'[\\/:*?"<>|%\ufffd]')
_DEVICE = re.compile(
    r"(con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$)(?=\.|$)", re.IGNORECASE
)
_ATTRIBUTE_CHARACTERS = "!#$&+^`|"
"""What `ext-value` carries unescaped besides letters, digits and `-._~` (RFC 8187 section 3.2.1)."""


def safe_name(name: str | None) -> str:
    """A name that every file system takes and that looks like what it is; "attachment" where nothing is left of it.

    No separators, no control or formatting characters (an override of the writing direction shows `exe.gpj` as
    something else), no device of Windows, no dot or space at its edges, at most 120 characters, the ending kept.
    """
    text = (name or "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = "".join(_visible(character) for character in unicodedata.normalize("NFC", text))
    text = " ".join(_UNSAFE.sub("_", text).split()).strip(". ")
    text = _DEVICE.sub(r"_\1", text, count=1) if _DEVICE.match(text) else text
    if len(text) > LONGEST:
        stem, dot, ending = text.rpartition(".")
        ending = dot + ending if stem and len(ending) <= LONGEST_ENDING else ""
        text = text[: LONGEST - len(ending)].rstrip(". ") + ending
    return text or "attachment"


def content_disposition(name: str) -> str:
    """`attachment` with a safe name: in ASCII for the old, and in full for the others (RFC 6266 section 4.3)."""
    letters = (letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    plain = safe_name("".join(letter if letter.isascii() else "_" for letter in letters))
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_ATTRIBUTE_CHARACTERS)}"


def _visible(character: str) -> str:
    """Spaces for what separates, nothing for what controls or formats, anything else as it is."""
    category = unicodedata.category(character)
    if category in ("Zs", "Zl", "Zp") or character in "\t\n\r":
        return " "
    return "" if category in ("Cc", "Cf", "Cs") else character
