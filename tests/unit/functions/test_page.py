"""GET, HEAD / and assets/{name}: a static shell that may be asked for again but is never stale."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.site import NAVIGATION, Site

WEB = Path(__file__).resolve().parents[3] / "web"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
ASSETS = sorted(path.name for path in WEB.iterdir() if path.suffix in KINDS)


def test_the_page_is_the_same_for_everybody_and_asks_nobody() -> None:
    site = Site()
    signed_in = site.signed_in()
    site.store.calls.clear()
    asked = len(site.network.requests)
    answers = [site.browser().navigate("/"), signed_in.navigate("/")]
    assert {answer.body for answer in answers} == {(WEB / "index.html").read_bytes()}
    assert {(answer.status, answer.kind) for answer in answers} == {(200, "text/html")}
    assert site.store.calls == []
    assert len(site.network.requests) == asked


@pytest.mark.parametrize("name", ASSETS)
def test_every_file_of_the_page_is_served_with_its_type_and_a_strong_tag(name: str) -> None:
    answer = Site().ask("GET", f"/assets/{name}")
    assert (answer.status, answer.kind) == (200, KINDS[Path(name).suffix])
    assert answer.body == (WEB / name).read_bytes()
    tag = answer.header("ETag") or ""
    assert tag.startswith('"')
    assert tag.endswith('"')
    assert answer.header("Cache-Control") == "no-cache"


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', 'W/"other",W/{}'])
def test_an_unchanged_asset_is_304(form: str) -> None:
    site = Site()
    tag = site.ask("GET", "/assets/page.css").header("ETag") or ""
    answer = site.ask("GET", "/assets/page.css", {"if-none-match": form.format(tag)})
    assert (answer.status, answer.body, answer.header("ETag")) == (304, b"", tag)


def test_a_tag_of_another_version_gets_the_whole_file() -> None:
    assert Site().ask("GET", "/assets/page.css", {"if-none-match": '"other"'}).status == 200


@pytest.mark.parametrize("target", ["/", "/assets/page.css"])
def test_head_answers_like_get_without_a_body(target: str) -> None:
    site = Site()
    got, head = site.ask("GET", target, NAVIGATION), site.ask("HEAD", target, NAVIGATION)
    assert head.body == b""
    assert (head.status, head.kind) == (got.status, got.kind)
    assert dict(head.headers).keys() == dict(got.headers).keys()


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "index.html",
        "../host.json",
        "..%2fhost.json",
        "nothing.js",
        "page.css/",
        "PAGE.CSS",
        "page.css\x00",
    ],
)
def test_a_name_that_is_no_asset_is_404_of_ours(name: str) -> None:
    answer = Site().ask("GET", "/assets/x", NAVIGATION, name=name)
    assert (answer.status, answer.code) == (404, "not_found")
