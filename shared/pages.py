"""The few pages that the functions write themselves: an error in plain words, and the question before signing out."""

from __future__ import annotations

from html import escape
from string import Template

from shared import errors

_PAGE = Template(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
$links
</head>
<body class="plain">
<main class="notice">
<h1>$title</h1>
<p>$detail</p>
$actions
$reference
</main>
</body>
</html>
"""
)


_LINKS = """<link rel="icon" href="/assets/icon.svg">
<link rel="stylesheet" href="/assets/page.css">"""


def error_page(problem: errors.DrawbridgeError, login_url: str | None, trace: str) -> str:
    """What went wrong, a way on, and a reference that finds the log entry."""
    links = []
    if login_url:
        links.append(f'<a class="button primary" href="{escape(login_url)}">Sign in</a>')
        links.append(f'<a class="button" href="{escape(login_url)}&amp;prompt=select_account">Use another account</a>')
    links.append('<a class="button" href="/">To the inbox</a>')
    more = f" ({escape(problem.graph_code)})" if problem.graph_code else ""
    return _PAGE.substitute(
        # Without settings nothing is served, the style sheet included.
        links="" if isinstance(problem, errors.NotConfigured) else _LINKS,
        title=escape(problem.title),
        detail=escape(problem.detail),
        actions=f'<p class="actions">{" ".join(links)}</p>',
        reference=f'<p class="reference">Error <code>{problem.code}</code>{more}, reference <code>{trace}</code></p>',
    )


def framed_error_page(problem: errors.DrawbridgeError, trace: str) -> str:
    """The same for a frame without scripts, which can neither fetch our style sheet nor lead the page around it on."""
    return _PAGE.substitute(
        links="",
        title=escape(problem.title),
        detail=escape(problem.detail),
        actions="",
        reference=f'<p class="reference">Error <code>{problem.code}</code>, reference <code>{trace}</code></p>',
    )


def sign_out_page() -> str:
    """The question before signing out, for whoever comes to auth/logout by a link."""
    return _PAGE.substitute(
        links=_LINKS,
        title="Sign out?",
        detail="This ends your session here and then at Microsoft, in this browser.",
        actions=(
            '<form method="post" action="/auth/logout" class="actions">'
            '<button class="button primary" type="submit">Sign out</button> '
            '<a class="button" href="/">To the inbox</a></form>'
        ),
        reference="",
    )


def sign_out_incomplete_page(sign_out_url: str, until: str) -> str:
    """Signed out in this browser while the table is out of reach: what is left, until when, and what can be done."""
    return _PAGE.substitute(
        links=_LINKS,
        title="Signed out in this browser only",
        detail=(
            "The app's storage does not answer, so the session itself could not be deleted. "
            "This browser has forgotten it; a copy of its cookie, if anybody has one, "
            f"works until {escape(until)} at the latest."
        ),
        actions=(
            f'<p class="actions"><a class="button primary" href="{escape(sign_out_url)}">'
            "Sign out at Microsoft too</a></p>"
        ),
        reference='<p class="reference">Error <code>storage_unavailable</code></p>',
    )
