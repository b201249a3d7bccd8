"""HTML is cut where a browser cuts it, and in a time that its length bounds."""

from __future__ import annotations

import time

import pytest

from shared.html_tokens import End, Start, Text, tokens

CUT = [
    ("<p>a</p>", [Start("p", {}), Text("a"), End("p")]),
    ("<P CLASS=x ID='y' Title=\"z\">", [Start("p", {"class": "x", "id": "y", "title": "z"})]),
    ("<p a a=1 a=2>", [Start("p", {"a": ""})]),  # the first of a name counts
    ("<p =x=1>", [Start("p", {"=x": "1"})]),
    ("<p/a/b = c>", [Start("p", {"a": "", "b": "c"})]),
    ("<p a=b/>", [Start("p", {"a": "b/"})]),
    ('<p a=b"c>', [Start("p", {"a": 'b"c'})]),
    ('<p title="a>b">c', [Start("p", {"title": "a>b"}), Text("c")]),
    ('<p "a>b', [Start("p", {'"a': ""}), Text("b")]),
    ("<br/><hr />", [Start("br", {}), Start("hr", {})]),
    ("a < b <3 <<", [Text("a &lt; b &lt;3 &lt;&lt;")]),
    ("a</>b</ x>c", [Text("a"), Text("b"), Text("c")]),
    ("a<!doctype html>b<?x?>c<![CDATA[d]]>", [Text("a"), Text("b"), Text("c")]),
    ("a<!-- <p> -->b", [Text("a"), Text("b")]),
    ("a<!-->b<!--->c<!-- --!>d", [Text("a"), Text("b"), Text("c"), Text("d")]),
    ("a<!-- b", [Text("a")]),
    ('a<p title="b', [Text("a")]),
    ("a<p b", [Text("a")]),
    ("<style>a<p>b</styles></STYLE >c", [Start("style", {}, "a<p>b</styles>"), Text("c")]),
    ("<script>'</p>'</script><p>", [Start("script", {}, "'</p>'"), Start("p", {})]),
    ("<textarea><img></textarea>", [Start("textarea", {}, "<img>")]),
    ("<title><p>", [Start("title", {}, "<p>")]),
    ("<title><p></title a='", [Start("title", {}, "<p>")]),
    ("&lt;p&gt; &amp; &nbsp;", [Text("&lt;p&gt; &amp; &nbsp;")]),
    ("<o:p>&nbsp;</o:p>", [Start("o:p", {}), Text("&nbsp;"), End("o:p")]),
    ("", []),
]

VALUES = [
    ("a&amp;b", "a&b"),
    ("&#106;ava&#x53;cript&colon;x", "javaScript:x"),
    ("?a=1&copy=2&section=3&lang=en", "?a=1&copy=2&section=3&lang=en"),
    ("?a=1&copy;=2", "?a=1©=2"),
    ("&copy", "©"),
    ("&copyx", "&copyx"),
    ("&nosuch; & &;", "&nosuch; & &;"),
    ("&#0;&#xD800;&#99999999;", "\ufffd\ufffd\ufffd"),
]

ENDLESS = [
    "<" * 500_000,
    "<a " * 200_000,
    "</" * 500_000,
    "<!--" * 500_000,
    "<!" * 500_000,
    '<p a="' * 200_000,
    "<p a='b" + "=" * 500_000,
    "<p " + " " * 1_000_000,
    "<style>" * 300_000,
    "<style></style" * 200_000,
    "<p a=&" + "&amp" * 300_000,
    "<p " + "a=b " * 200_000 + ">",
]


@pytest.mark.parametrize(("html", "expected"), CUT)
def test_html_is_cut_where_a_browser_cuts_it(html: str, expected: list[object]) -> None:
    assert list(tokens(html)) == expected


@pytest.mark.parametrize(("written", "meant"), VALUES)
def test_an_attribute_means_what_it_means_to_a_browser(written: str, meant: str) -> None:
    assert list(tokens(f'<a href="{written}">')) == [Start("a", {"href": meant})]


@pytest.mark.parametrize("html", ENDLESS, ids=lambda html: html[:12])
def test_nothing_takes_longer_than_its_length_says(html: str) -> None:
    before = time.thread_time()
    for _ in tokens(html):
        pass
    assert time.thread_time() - before < 5, "seconds; going over it again and again would take hours"
