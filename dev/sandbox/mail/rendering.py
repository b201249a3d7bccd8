"""HTML of letters, notices, newsletters and meeting requests."""

from __future__ import annotations

import html
from collections.abc import Sequence

_NEWSLETTER_STYLE = (
    "<style>body{font-family:Georgia,serif;background:#f4f1ea}.box{width:600px;background:#fff;padding:24px}"
    "h1{color:#7a1f1f;font-size:28px}h2{font-size:18px;margin-bottom:0}.small{color:#777;font-size:12px}</style>"
)


def letter(text: str, signature: str, quoted: str | None) -> str:
    """Paragraphs and lists, a signature, and the letter that is being answered."""
    parts = [_paragraphs(text)]
    if signature:
        parts.append(f'<div id="Signature">{_lines(signature)}</div>')
    if quoted:
        parts.append(quoted)
    return "\r\n".join(parts)


def notice(*, subject: str, text: str, items: Sequence[Sequence[str]], sender: str) -> str:
    """What a machine sends."""
    return _paragraphs(text)


def newsletter(*, subject: str, text: str, items: Sequence[Sequence[str]], sender: str) -> str:
    """A table in a table, a picture that counts its readers, and a way out."""
    site = f"https://{sender.partition('@')[2]}"
    articles = "".join(
        f'<tr><td><h2><a href="{site}/read/{number}">{html.escape(title)}</a></h2><p>{html.escape(line)}</p></td></tr>'
        for number, (title, line) in enumerate(items, 1)
    )
    return (
        f'{_NEWSLETTER_STYLE}<table width="100%" bgcolor="#f4f1ea"><tr><td align="center"><table class="box">'
        f'<tr><td><img src="{site}/masthead.png" width="552" height="80" alt=""><h1>{html.escape(subject)}</h1></td>'
        f"</tr>{articles}"
        f'<tr><td class="small">You receive this letter because you asked for it. '
        f'<a href="{site}/unsubscribe">Unsubscribe</a></td></tr></table>'
        f'<img src="{site}/open.gif" width="1" height="1" alt=""></td></tr></table>'
    )


def meeting(*, subject: str, text: str, items: Sequence[Sequence[str]], sender: str) -> str:
    """An invitation."""
    return f'<div class="meeting"><h1>{html.escape(subject)}</h1>{_paragraphs(text)}</div>'


def _paragraphs(text: str) -> str:
    return "\r\n".join(_block(block) for block in text.split("\n\n"))


def _block(block: str) -> str:
    lines = block.split("\n")
    if all(line.startswith("- ") for line in lines):
        return f"<ul>{''.join(f'<li>{html.escape(line[2:])}</li>' for line in lines)}</ul>"
    return f'<p dir="auto">{_lines(block)}</p>'


def _lines(text: str) -> str:
    return "<br>\r\n".join(html.escape(line) for line in text.split("\n"))
