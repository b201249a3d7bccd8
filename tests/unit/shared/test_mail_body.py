"""What others write into a mail is shown, and nothing of it is even tried that would run or reach somebody."""

from __future__ import annotations

import re
import time

import pytest

from shared.html_tokens import End, Start, Text, tokens
from shared.mail_body import MAX_INLINE, MailBody, content_id, policy, text_as_html

ELSEWHERE = "http://elsewhere.example/x"
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def shown(html: str, pictures: dict[str, str] | None = None, *, remote: bool = False) -> str:
    """What becomes of the mail's own part of the document."""
    return MailBody(html, remote=remote).document(pictures or {}).partition("</head>")[2]


HARMLESS = [
    "<p>Hello <b>you</b> &amp; all</p>",
    '<table border="0" width="100%"><tr><td bgcolor="#eee" style="padding:1px">x</td></tr></table>',
    '<a href="#part" id="part">here</a>',
    "<style>p > a{color:red}</style>",
    f'<img src="{PIXEL}" alt="a &quot;dot&quot;" width="1">',
    '<html lang="ar" dir="rtl"><body bgcolor="red">x</body></html>',
    f'<td style="background:url(&quot;{PIXEL}&quot;)">x</td>',
]

HOSTILE = {
    "a script": "<script src={0}>a</script><p>rest",
    "an event handler": "<img src=x onerror=alert(1)><p onclick=alert(1) ONLOAD=x>rest",
    "vector graphics": "<svg onload=x><image href={0} /><use href={0}#a /><style>@import'{0}'</style></svg>rest",
    "formulas": "<math><mtext><table><mglyph><style><img src={0}></style></mglyph></table></mtext></math>rest",
    "a frame": "<iframe src={0} srcdoc='<script>alert(1)</script>'></iframe><frame src={0}>rest",
    "an object": "<object data={0}></object><embed src={0}><applet code={0}></applet>rest",
    "a refresh": "<meta http-equiv=refresh content='0;url={0}'>rest",
    "a base": "<base href={0} target=_top>rest",
    "links to fetch ahead": "<link rel=preconnect href={0}><link rel='dns-prefetch prefetch' href={0}>rest",
    "a style sheet elsewhere": "<link rel=stylesheet href={0}><style>@import url({0});@import '{0}'</style>rest",
    "pictures by another way": "<img srcset='{0} 2x'><picture><source srcset={0}><input type=image src={0}>rest",
    "media": "<video src={0} poster={0}></video><audio src={0}></audio><track src={0}>rest",
    "a form": "<form action={0}><button formaction={0}>b</button></form>rest",
    "a picture in a style": "<p style=\"background:url('{0}')\">a</p><style>p{{background:URL( {0} )}}</style>rest",
    "a font": "<style>@font-face{{font-family:a;src:url({0})}}</style>rest",
    "a beacon": '<a href="https://a.example" ping="{0}" attributionsrc="{0}">rest</a>',
    "a background": '<body background="{0}"><table background={0}><td background={0}>rest</table>',
    "a picture without its scheme": "<img src=//elsewhere.example/x><img src='\\\\elsewhere.example\\x'>rest",
    "a manifest": '<html manifest="{0}" xmlns="{0}"><body>rest',
    "what hides in a text box": "<textarea><img src={0}></textarea><noscript><img src={0}></noscript>rest",
    "an end tag made by cutting": "<style></sty@import x;le><link rel=preconnect href={0}></style>rest",
    "a comment that ends early": "<!--><img src={0}>--><img src={0} alt='-->'>rest",
    "an open quote": "rest<img src='{0}",
}


@pytest.mark.parametrize("html", HARMLESS)
def test_ordinary_mail_keeps_its_looks(html: str) -> None:
    assert shown(html) == html


@pytest.mark.parametrize("html", HOSTILE.values(), ids=HOSTILE)
def test_nothing_is_left_that_would_fetch_or_run(html: str) -> None:
    left = shown(html.format(ELSEWHERE))
    assert "elsewhere.example" not in re.sub(r"<style>.*</style>", "", left, flags=re.DOTALL)
    assert "rest" in left
    for token in tokens(left):
        if isinstance(token, Start):
            assert token.name not in {"script", "link", "meta", "base", "form", "iframe", "svg", "object"}
            assert not [name for name in token.attributes if name.startswith("on") or name in ("srcset", "ping")]


ADDRESSES = [
    ("https://a.example/?a=1&amp;copy=2", "https://a.example/?a=1&copy=2"),
    (" HTTPS://a.example/\n", "HTTPS://a.example/"),
    ("mailto:ada@example.com?subject=x", "mailto:ada@example.com?subject=x"),
    ("tel:+41", "tel:+41"),
    ("javascript:alert(1)", None),
    ("java\tscript:alert(1)", None),
    ("\x01javascript:alert(1)", None),
    ("&#106;avascript:alert(1)", None),
    ("data:text/html,x", None),
    ("vbscript:x", None),
    ("file:///etc/passwd", None),
    ("/auth/logout", None),
    ("auth/login", None),
    ("?a", None),
    ("//elsewhere.example", None),
    ("blob:https://a.example/1", None),
    ("cid:logo", None),
]


@pytest.mark.parametrize(("written", "leads_to"), ADDRESSES)
def test_links_open_elsewhere_with_no_way_back_and_lead_only_where_people_go(
    written: str, leads_to: str | None
) -> None:
    token = next(iter(tokens(shown(f'<a href="{written}" target="_top">x</a>'))))
    assert isinstance(token, Start)
    if leads_to is None:
        assert token.attributes == {}
    else:
        assert token.attributes == {"href": leads_to, "target": "_blank", "rel": "noopener noreferrer"}


def test_a_link_inside_the_mail_stays_inside() -> None:
    assert shown('<a href="#part">x</a>') == '<a href="#part">x</a>'


def test_pictures_that_lie_elsewhere_are_counted_once_each_and_kept_only_when_asked() -> None:
    html = (
        '<img src="https://a.example/1.png"><img src="https://a.example/1.png">'
        '<img src="//a.example/2.png"><table background="http://a.example/3.png"></table>'
        '<p style="background:url(https://a.example/4.png)">x</p><img src="cid:a"><img src="x.png">'
    )
    body, asked = MailBody(html), MailBody(html, remote=True)
    assert len(body.remote_pictures) == len(asked.remote_pictures) == 4
    assert "a.example" not in body.document({})
    assert asked.document({}).count("a.example") == 5


def test_the_policy_lets_remote_pictures_in_when_asked_and_nothing_else_ever() -> None:
    closed, opened = policy(remote=False), policy(remote=True)
    assert closed == (
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:; "
        "style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
    )
    assert opened == closed.replace("img-src data:", "img-src data: https: http:")


def test_the_messages_own_pictures_are_put_in_by_content_id_however_it_is_written() -> None:
    html = (
        '<p>Logo <img src="cid:image001.png@01DA"> <img src="CID:logo"> <img src="cid:gone@x" alt="gone">'
        '<img src="cid:a%2Bb"><td background="cid:logo">'
    )
    body = MailBody(html)
    assert body.content_ids == {"image001.png@01da", "logo", "gone@x", "a+b"}
    left = body.document({content_id("image001.png@01DA"): f"{PIXEL}1", content_id("<logo>"): PIXEL})
    assert f'<img src="{PIXEL}1"> <img src="{PIXEL}"> <img alt="gone"><img><td background="{PIXEL}">' in left
    assert "cid:" not in left.lower()


def test_a_picture_shown_a_thousand_times_does_not_make_the_document_endless() -> None:
    picture = "data:image/png;base64," + "A" * 1_000_000
    left = MailBody('<img src="cid:a">' * 1000).document({"a": picture})
    assert MAX_INLINE - len(picture) < len(left) < MAX_INLINE + 100_000
    assert left.endswith("<img>")


def test_a_newsletter_of_seven_million_characters_is_shown_whole() -> None:
    picture = '<img src="data:image/png;base64,' + "A" * 170_000 + '">'
    html = "<style>body{display:none}</style>First words" + picture * 40 + "<div>" * 30_000
    before = time.thread_time()
    left = shown(html)
    assert time.thread_time() - before < 5
    assert left.count("<div>") == 30_000 and left.count(picture) == 40 and "First words" in left


STYLES = [
    ("a{background:url(x.png)}", "a{background:none}"),
    ("a{background:url( 'http://e.example/a)b' ) red}", "a{background:none red}"),
    ("a{background:url('x", "a{background:"),
    ("a{b:url(x", "a{b:"),
    ("url(a)url(b)c", "nonenonec"),
    ('@import "a.css"; b', " b"),
    ('@IMPORT "a.css"', ""),
    ('a{b:url("data:image/png\\")") c}', 'a{b:none") c}'),
]


@pytest.mark.parametrize(("written", "left"), STYLES)
def test_a_style_sheet_loses_what_it_would_fetch(written: str, left: str) -> None:
    assert shown(f"<style>{written}</style>") == f"<style>{left}</style>"


@pytest.mark.parametrize("css", ["url(" * 200_000, 'url("' * 200_000, "@import" * 100_000, "url(a" + " " * 500_000])
def test_a_style_sheet_takes_no_longer_than_its_length_says(css: str) -> None:
    before = time.thread_time()
    shown(f"<style>{css}</style>")
    assert time.thread_time() - before < 5


def test_plain_text_is_shown_as_it_was_written() -> None:
    found = list(tokens(shown(text_as_html('a <b> & "c"\n  d'))))
    assert found == [Start("pre", {}), Text("a &lt;b&gt; &amp; &quot;c&quot;\n  d"), End("pre")]
