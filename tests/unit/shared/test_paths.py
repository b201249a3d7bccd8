"""Where a sign-in may lead afterwards. Each refused path is one that some software has followed to another origin."""

from __future__ import annotations

import time
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.paths import MOST_BYTES, safe_return_path

ORIGIN = "https://mail.example.org"

ACCEPTED = [
    "/",
    "/inbox",
    "/inbox/",
    "/inbox?message=AAMkAD-_1",
    "/a/b/c?d=e&f=g",
    "/inbox?q=caf%C3%A9%20au%20lait",
    "/caf%C3%A9",
    "/~ada/file.name-1_2",
    "/mail;v=1,2",
    "/(a)!$&'*+=:@",
    "/authors",  # only begins like an endpoint of ours
    "/inbox/auth/login",  # a page below /inbox
    "/inbox?next=//evil.example",  # a query is data; whoever reads it must check it
    "/inbox?a=%2F%2Fevil.example%5C",
    "/?",
    "/...",
    "/.well-known/x",
    "/" + "a" * (MOST_BYTES - 1),
]

REFUSED = [
    ("", "nothing"),
    ("inbox", "relative: depends on where it is followed from"),
    ("?a=b", "relative"),
    ("#a", "relative"),
    (".", "relative"),
    ("https://evil.example", "another origin"),
    ("https://mail.example.org/inbox", "a whole address, even our own: only paths are understood"),
    ("HTTPS://evil.example", "schemes have no case"),
    ("https:evil.example", "browsers add the slashes"),
    ("https:/evil.example", "browsers add the missing slash"),
    ("http:///evil.example", "browsers drop the third slash"),
    ("javascript:alert(1)", "runs in our origin"),
    ("data:text/html,<script>", "a page of somebody else's"),
    ("//evil.example", "takes over the scheme"),
    ("//evil.example/inbox", "takes over the scheme"),
    ("///evil.example", "browsers take any number of slashes for two"),
    ("////evil.example", "browsers take any number of slashes for two"),
    ("//", "a host that is empty"),
    ("//user@evil.example", "another host with a user name"),
    ("//mail.example.org@evil.example", "our name as the user name"),
    ("/\\evil.example", "browsers read a backslash as a slash"),
    ("\\\\evil.example", "browsers read a backslash as a slash"),
    ("\\/evil.example", "browsers read a backslash as a slash"),
    ("/a\\..\\..\\evil.example", "backslash further on"),
    ("/\t/evil.example", "browsers drop tabs, which leaves //"),
    ("/\n/evil.example", "browsers drop line feeds"),
    ("/\r/evil.example", "browsers drop carriage returns"),
    ("\t//evil.example", "browsers drop leading white space"),
    (" //evil.example", "browsers drop leading spaces"),
    (" /inbox", "a leading space"),
    ("/inbox ", "a trailing space"),
    ("/in box", "a space"),
    ("/\x00/evil.example", "NUL cuts the text in some parsers"),
    ("/inbox\x00", "NUL at the end"),
    ("/inbox\x7f", "DEL"),
    ("/inbox\r\nSet-Cookie: a=b", "a header of its own"),
    ("/inbox\nSet-Cookie: a=b", "a header of its own"),
    ("/inbox\n", "`$` in a pattern stops before a last line feed"),
    ("/inbox?a=b\n", "a line feed at the end of the query"),
    ("/inbox%0d%0aSet-Cookie:%20a=b", "a header once somebody decodes it"),
    ("/inbox?a=%0d%0aSet-Cookie:%20a=b", "a header once somebody decodes it"),
    ("/inbox?a=%00", "an encoded NUL"),
    ("/%09/evil.example", "an encoded tab"),
    ("/%00", "an encoded NUL"),
    ("/%7f", "an encoded DEL"),
    ("/%2fevil.example", "// once decoded; Azure's front end decodes before routing"),
    ("/%2Fevil.example", "the same in upper case"),
    ("%2f%2fevil.example", "// with both encoded"),
    ("/a/%2f/b", "an encoded slash further on"),
    ("/%5cevil.example", "/\\ once decoded"),
    ("/%5Cevil.example", "/\\ once decoded"),
    ("/%252fevil.example", "decoded twice, //"),
    ("/%25", "an encoded percent sign begins double encoding"),
    ("/a//b", "an empty segment: /a/..//evil.example is one step away"),
    ("/inbox//", "an empty segment at the end"),
    ("/..//evil.example", "// after the dots are resolved"),
    ("/.//evil.example", "// after the dot is resolved"),
    ("/a/../auth/login", "an endpoint of ours after the dots are resolved"),
    ("/..", "dots"),
    ("/.", "a dot"),
    ("/a/.", "a dot at the end"),
    ("/a/..", "dots at the end"),
    ("/%2e%2e/auth/login", "browsers resolve encoded dots too"),
    ("/.%2E/", "half of the dots encoded"),
    ("/%2e", "an encoded dot"),
    ("/%", "half an escape"),
    ("/%4", "half an escape"),
    ("/%zz", "no escape"),
    ("/a?b=%zz", "no escape in the query"),
    ("/%u002f", "an escape that only old servers know"),
    ("/inbox#part", "a fragment, which may carry anything"),
    ("/#//evil.example", "a fragment"),
    ("/<script>", "markup"),
    ('/"onmouseover="alert(1)', "leaves an attribute"),
    ("/`", "old browsers close attributes with it"),
    ("/{a}", "not allowed in a path"),
    ("/a|b", "not allowed in a path"),
    ("/a^b", "not allowed in a path"),
    ("/[a]", "not allowed in a path"),
    ("/inbox?a=<script>", "markup in the query"),
    ("/inbox?a[]=1", "not allowed in a query"),
    ("/café", "not ASCII"),
    ("/\uff0fevil.example", "a full-width solidus, which normalisation turns into /"),
    ("/\u2215evil.example", "a division slash"),
    ("\uff0f\uff0fevil.example", "full-width solidi"),
    ("/\u3002evil", "an ideographic full stop"),
    ("/\u202egnp", "reversed text"),
    ("/\ufeffinbox", "a byte order mark"),
    ("/\ud800", "half a surrogate pair"),
    ("/" + "a" * MOST_BYTES, "one byte too long"),
    ("/inbox?" + "a" * 1900, "much too long"),
    ("/auth", "an endpoint of ours"),
    ("/auth/login", "would begin another sign-in at once, for ever"),
    ("/auth/logout", "would lead a fresh sign-in out again"),
    ("/AUTH/login", "routes have no case"),
    ("/%61uth/login", "the same endpoint, one letter encoded"),
    ("/%41%55%54%48/login", "the same endpoint, all letters encoded"),
    ("/auth?a=b", "an endpoint of ours with a query"),
    ("/api/messages", "JSON is not a page"),
    ("/graph/v1.0/me", "JSON is not a page"),
    ("/assets/page.js", "a file is not a page"),
    ("/health/ready", "not a page"),
    ("/admin/host/keys", "belongs to the host"),
    ("/runtime/webhooks", "belongs to the host"),
    ("/.auth/login/aad", "belongs to the platform"),
]


@pytest.mark.parametrize("path", ACCEPTED)
def test_the_path_of_a_page_here_is_kept_to_the_letter(path: str) -> None:
    assert safe_return_path(path) == path


@pytest.mark.parametrize(("path", "why"), REFUSED, ids=[f"{number}: {why}" for number, (_, why) in enumerate(REFUSED)])
def test_anything_else_leads_to_the_inbox(path: str, why: str) -> None:
    assert safe_return_path(path) == "/", why


PIECES = [
    "/",
    "//",
    "\\",
    ".",
    "..",
    "%2f",
    "%5c",
    "%2e",
    "%",
    "?",
    "#",
    "@",
    ":",
    ";",
    "\t",
    "\n",
    "\0",
    " ",
    "a",
    "é",
]


@given(st.one_of(st.text(max_size=300), st.lists(st.sampled_from(PIECES), max_size=20).map("".join)))
@example("/\\evil.example")
@example("/a?//evil.example")
def test_whatever_is_asked_for_the_result_stays_on_the_origin(text: str) -> None:
    result = safe_return_path(text)
    assert result in ("/", text)
    assert result.startswith("/")
    assert result[1:2] not in ("/", "\\")
    assert all(" " < character < "\x7f" for character in result)
    joined = urlsplit(urljoin(f"{ORIGIN}/auth/callback?code=x", result))
    assert f"{joined.scheme}://{joined.netloc}" == ORIGIN
    assert safe_return_path(result) == result


@pytest.mark.parametrize(
    "path",
    [
        "/" + "%41" * 80 + "\x00",
        "/" + "a" * 250 + "\n",
        "/" + "a/" * 120 + "\\",
        "/?" + "%41" * 80 + "%",
        "/" + "." * 250 + "<",
        "/" * 256,
        "/" + "a" * 10_000_000,
    ],
    ids=["escapes", "letters", "segments", "query", "dots", "slashes", "ten megabytes"],
)
def test_no_path_takes_longer_than_a_moment_to_refuse(path: str) -> None:
    began = time.process_time()
    assert safe_return_path(path) == "/"
    # A pattern that tries twice for each character would need longer than the universe has existed.
    assert time.process_time() - began < 1.0
