"""The pages that the functions write themselves."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from shared import errors, graph_errors, pages

TRACE = "ab" * 16
LOGIN = "https://mail.example.org/auth/login?return_to=/"


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> _Elements:
    parser = _Elements()
    parser.feed(html)
    return parser


def every_page() -> list[str]:
    kinds = [kind for kind in errors.DrawbridgeError.__subclasses__() if kind.code != "not_configured"]
    shown = [pages.error_page(kind(), LOGIN, TRACE) for kind in kinds]
    return [*shown, pages.sign_out_page(), pages.sign_out_incomplete_page(LOGIN, "2026-01-08T00:00:00Z")]


def test_a_page_about_missing_settings_asks_for_no_file_since_none_is_served() -> None:
    elements = read(pages.error_page(errors.NotConfigured(["PUBLIC_URL is required"]), None, TRACE)).found
    assert "link" not in {tag for tag, _ in elements}


def test_no_page_has_script_style_or_anything_that_its_policy_would_refuse() -> None:
    for html in every_page():
        elements = read(html).found
        assert not {"script", "style", "iframe", "object", "base"} & {tag for tag, _ in elements}
        names = {name for _, attributes in elements for name in attributes}
        assert "style" not in names
        assert not any(name.startswith("on") for name in names)


def test_every_page_has_a_language_a_title_one_heading_and_a_main_part() -> None:
    for html in every_page():
        tags = [tag for tag, _ in read(html).found]
        assert html.startswith("<!doctype html>")
        assert ("html", {"lang": "en"}) in read(html).found
        assert [tags.count(tag) for tag in ("title", "h1", "main")] == [1, 1, 1]


def test_an_error_page_offers_sign_in_another_account_and_the_inbox() -> None:
    links = [
        attributes["href"]
        for tag, attributes in read(pages.error_page(errors.NotSignedIn(), LOGIN, TRACE)).found
        if tag == "a"
    ]
    assert links == [LOGIN, LOGIN + "&prompt=select_account", "/"]


def test_where_signing_in_is_no_remedy_only_the_inbox_is_offered() -> None:
    elements = read(pages.error_page(errors.AppRegistrationRefused(), None, TRACE)).found
    assert [attributes["href"] for tag, attributes in elements if tag == "a"] == ["/"]


def test_an_error_page_shows_code_and_reference() -> None:
    text = read(pages.error_page(graph_errors.GraphTimeout(graph_code="UnknownError"), None, TRACE)).text
    assert f"Error graph_timeout (UnknownError), reference {TRACE}" in text


@pytest.mark.parametrize("hostile", ["<img src=x onerror=alert(1)>", '"><script>', "</title>", "$detail ${x}", "&amp;"])
def test_whatever_is_put_in_is_shown_as_text(hostile: str) -> None:
    html = pages.error_page(graph_errors.GraphRefused(hostile, graph_code=hostile), LOGIN + hostile, TRACE)
    plain = [tag for tag, _ in read(pages.error_page(graph_errors.GraphRefused("x"), LOGIN, TRACE)).found]
    assert [tag for tag, _ in read(html).found] == plain
    assert read(html).text.count(hostile) == 2
    links = [attributes.get("href") for tag, attributes in read(html).found if tag == "a"]
    assert links[0] == LOGIN + hostile


def test_the_question_posts_to_this_origin() -> None:
    forms = [attributes for tag, attributes in read(pages.sign_out_page()).found if tag == "form"]
    assert [(form["method"], form["action"]) for form in forms] == [("post", "/auth/logout")]


def test_an_incomplete_sign_out_says_until_when_and_leads_to_entra() -> None:
    shown = read(pages.sign_out_incomplete_page("https://entra.example/logout?a=1&b=2", "2026-01-08T00:00:00Z"))
    assert "2026-01-08T00:00:00Z" in shown.text
    assert [found["href"] for tag, found in shown.found if tag == "a"] == ["https://entra.example/logout?a=1&b=2"]
