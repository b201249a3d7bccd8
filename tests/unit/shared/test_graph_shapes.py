"""Which paths, options and headers of a caller reach Graph: those of the listed shapes, rebuilt, and no other."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared import errors
from shared.graph_shapes import SHAPES, Shape, forwarded, query_of, returned, shape_of
from shared.mail import WELL_KNOWN_FOLDERS

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
ID = "AAMkAGI2THVSAAA/x+y-_AAAAAAAAAAAAAAAAAA=="
WRITES = {
    ("PATCH", "me/messages/{id}"),
    ("DELETE", "me/messages/{id}"),
    ("POST", "me/messages/{id}/move"),
    ("POST", "me/messages/{id}/reply"),
    ("POST", "me/sendMail"),
}


def ours(graph_id: str) -> str:
    return base64.urlsafe_b64encode(graph_id.encode()).rstrip(b"=").decode()


def filled(path: str, value: str) -> str:
    return path.replace("{id}", value).replace("{folder}", value)


def spellings(segment: str) -> Iterator[str]:
    """Other ways to write one segment, or to hang something on it."""
    yield from (segment.upper(), segment.swapcase(), segment + ".", segment + " ", segment + "%20", "." + segment)
    yield from (
        f"{segment}{end}" for end in (";", ";a=b", "()", "('id')", "(id='x')", "\x00", "%00", "\t", "\n", "%0d%0a")
    )
    yield from (
        f"{segment}{end}" for end in ("?", "#", "%3f", "%23", "%253F", "?$select=id", "%3F$expand=x", ":/x", "@x", "$")
    )
    yield from (f"{cut}{segment}" for cut in ("..", "../", "..%2f", "%2e%2e/", "%2e%2e%2f", "%252e%252e%252f", "..\\"))
    yield from (
        f"{segment}{cut}" for cut in ("/..", "/.", "%2f", "%2F..", "%5c", "\\", "%255c", "/%2e%2e", "/%252e", "//")
    )
    yield from (
        f"{segment}/{more}" for more in ("$ref", "$value", "$count", "$batch", "microsoft.graph.sendMail", "%24ref")
    )
    yield from (
        f"microsoft.graph.{segment}",
        f"%{ord(segment[0]):02x}{segment[1:]}",
        f"%25{ord(segment[0]):02x}{segment[1:]}",
    )
    yield from (
        "",
        ".",
        "..",
        "...",
        "%2e",
        "%2e%2e",
        "%252e%252e",
        "%c0%ae",
        "\uff0e\uff0e",
        "\u2024\u2024",
        "*",
        "{id}",
        "{folder}",
    )
    yield from (
        "$batch",
        "%24batch",
        "$metadata",
        "users",
        "users('x')",
        "groups",
        "me@x",
        "https:",
        "//evil.example",
        "\\\\x",
    )
    yield from (
        "delta",
        "delta()",
        "$count",
        "microsoft.graph.delta",
        "microsoft.graph.delta()",
        "id\u200b",
        "ＭＥ",
        "ſendMail",
    )
    yield from (
        "createReply",
        "forward",
        "send",
        "permanentDelete",
        "messageRules",
        "inferenceClassification",
        "translateExchangeIds",
    )


def hostile_ids() -> Iterator[str]:
    """Ids that are well-formed base64url of what must be no id of Graph's."""
    inside = (
        "..",
        ".",
        "../..",
        "../../users",
        "delta",
        "$count",
        "$ref",
        "microsoft.graph.delta()",
        "a?b",
        "a#b",
        "a b",
    )
    yield from (ours(text) for text in inside)
    yield from (
        ours(ID + text)
        for text in ("/../x", "?x=1", "#x", "%2e%2e", "\r\nX: y", "\x00", "\\..", ";x", "('x')", "/$value", ".", "é")
    )
    yield from (ours(ID) + text for text in ("=", "==", ".", "%3D", " ", "/", "\n", "é"))
    yield ours("A" * 3000)
    yield base64.urlsafe_b64encode(b"\xff\xfe" * 20).decode()


def variants() -> list[str]:
    """Every listed path, and each of its segments replaced in every way."""
    found: dict[str, None] = {}
    for path in {shape.path for shape in SHAPES}:
        segments = filled(path, ours(ID)).split("/")
        whole = "/".join(segments)
        for end in ("", "/", "//", "/.", "?", "#", "%2f", "%5c", "/..", "/../..", "/x", "/$value", "/$ref", "/$count"):
            found[whole + end] = found["/" + whole + end] = found["v1.0/" + whole + end] = None
        for place in range(len(segments)):
            for spelling in itertools.chain(spellings(segments[place]), hostile_ids(), WELL_KNOWN_FOLDERS):
                found["/".join([*segments[:place], spelling, *segments[place + 1 :]])] = None
    return list(found)


def is_listed(method: str, rebuilt: str) -> bool:
    """Whether a path for Graph is, word for word, one of the shapes with an id in its place."""
    for shape in SHAPES:
        words, segments = shape.path.split("/"), rebuilt.split("/")
        alike = shape.method == method and len(words) == len(segments)
        if alike and all(_fits(word, segment) for word, segment in zip(words, segments, strict=True)):
            return True
    return False


def _fits(word: str, segment: str) -> bool:
    if not word.startswith("{"):
        return word == segment
    if word == "{folder}" and segment in WELL_KNOWN_FOLDERS:
        return True
    inside = unquote(segment)
    return len(inside) >= 20 and all(
        character.isascii() and (character.isalnum() or character in "+/=_-") for character in inside
    )


def test_thousands_of_spellings_with_nine_methods_lead_to_listed_paths_or_nowhere() -> None:
    tried = variants()
    assert len(tried) >= 5000
    passed = set()
    for method in METHODS:
        for path in tried:
            try:
                _, rebuilt = shape_of(method, path)
            except errors.NotFound:
                continue
            assert is_listed(method, rebuilt), (method, path, rebuilt)
            passed.add((method, path))
    listed = {(shape.method, filled(shape.path, ours(ID))) for shape in SHAPES}
    named = {
        (shape.method, shape.path.replace("{folder}", name))
        for shape in SHAPES
        for name in WELL_KNOWN_FOLDERS
        if "{folder}" in shape.path
    }
    # Some variants of one shape are another one, as me/messages/{id} is of me/contacts/{id}; no third kind passes.
    assert passed == listed | named


@given(method=st.sampled_from(METHODS), path=st.text(max_size=200))
@example(method="GET", path="me/messages")
@settings(max_examples=500)
def test_any_text_at_all_leads_to_listed_paths_or_nowhere(method: str, path: str) -> None:
    try:
        _, rebuilt = shape_of(method, path)
    except errors.NotFound:
        return
    assert is_listed(method, rebuilt)


def test_reading_and_five_writes_are_all_there_is() -> None:
    assert {(shape.method, shape.path) for shape in SHAPES if shape.method != "GET"} == WRITES
    assert all(shape.path.split("/")[0] == "me" for shape in SHAPES)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.method} {shape.path}")
def test_an_id_is_decoded_once_and_stays_one_segment(shape: Shape) -> None:
    found, rebuilt = shape_of(shape.method, filled(shape.path, ours(ID)))
    assert found is shape
    assert rebuilt == filled(shape.path, "AAMkAGI2THVSAAA%2Fx%2By-_AAAAAAAAAAAAAAAAAA%3D%3D")


def test_options_are_encoded_anew() -> None:
    assert query_of({}) == ""
    given = {"$filter": "subject eq 'a&b#c+d%2e'", "$top": "5"}
    assert query_of(given) == "?$filter=subject%20eq%20%27a%26b%23c%2Bd%252e%27&$top=5"


@pytest.mark.parametrize(
    ("prefer", "sent"),
    [
        ('outlook.body-content-type="text"', 'outlook.body-content-type="text"'),
        ('IdType="ImmutableId", odata.maxpagesize=50', 'IdType="ImmutableId", odata.maxpagesize=50'),
        ('outlook.timezone="W. Europe Standard Time"', 'outlook.timezone="W. Europe Standard Time"'),
        ("outlook.allow-unsafe-html", None),
        ('outlook.body-content-type="html", outlook.allow-unsafe-html', 'outlook.body-content-type="html"'),
        ("OUTLOOK.ALLOW-UNSAFE-HTML", None),
        ('outlook.timezone="UTC\r\nX-Evil: 1"', None),
        ("return=minimal\r\nAuthorization: x", None),
        ("respond-async", None),
        ("odata.maxpagesize=99999999", None),
        ("", None),
    ],
)
def test_known_preferences_go_to_graph_and_all_others_stay_here(prefer: str, sent: str | None) -> None:
    assert forwarded({"prefer": prefer}, body=False).get("Prefer") == sent


def test_no_other_header_of_a_request_goes_to_graph() -> None:
    names = [
        "cookie",
        "authorization",
        "host",
        "x-forwarded-for",
        "x-ms-client",
        "x_ms_client",
        "content_type",
        "prefer_",
    ]
    names += [
        "connection",
        "te",
        "transfer-encoding",
        "content-length",
        "expect",
        "upgrade",
        "accept",
        "origin",
        "referer",
    ]
    names += ["if-match", "client-request-id", "proxy-authorization", "content-encoding", "x-http-method-override"]
    assert forwarded(dict.fromkeys(names, "evil"), body=False) == {}
    assert forwarded({"content-type": "text/plain"}, body=True) == {"Content-Type": "application/json"}


def test_of_an_answers_headers_two_come_back_where_they_are_plain() -> None:
    dropped = [
        "set-cookie",
        "location",
        "refresh",
        "content-security-policy",
        "access-control-allow-origin",
        "link",
        "server",
    ]
    answer = {**dict.fromkeys(dropped, "x"), "request-id": "r-1", "preference-applied": "return=minimal"}
    assert returned(answer) == {"Preference-Applied": "return=minimal", "Request-Id": "r-1"}
    assert returned({"request-id": "a\r\nSet-Cookie: x", "preference-applied": "é"}) == {}
