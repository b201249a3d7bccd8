"""Our cookies out, through the platform's own worker library, and ours found again among other people's."""

from __future__ import annotations

import time

import pytest
from azure_functions_runtime.bindings.datumdef import parse_to_rpc_http_cookie_list

from dev.host.cookies import set_cookie
from dev.host.messages import protos
from shared.cookies import Cookie, HostOnlyHeaders, Jar
from tests.fakes import build

CONFIG = build.config()
LOCAL = build.config(PUBLIC_URL="http://localhost:7071")
VALUE = "20260108.k-_3"
OURS = f"{CONFIG.session_cookie_name}={VALUE}"
STATE = "Gbg2bTKQwYHDzzA366jzVw"

NEIGHBOURS = [
    'prefs={"theme": "dark", "n": [1, 2]}',
    'json={"a": "x; y"}',
    "path=/old",
    "domain=.example.org",
    "expires=Wed",
    "max-age=0",
    "secure",
    "HttpOnly",
    "$Version=1",
    "$Path=/",
    "a b=c d",
    "=x",
    "=",
    "",
    " ",
    'q="un;closed',
    'quoted="a\\"b"',
    "caf\xe9=\xe9",
    "emoji=\xf0\x9f\x8d\x8b",
    "emoji=\N{LEMON}",
    "tab=\t1",
    "nul=\x00",
    "comma=1,2, 3",
    "deep=[[[[((({{{<<<",
    "equals===a=b=",
    "percent=%3B%20%zz",
    "long=" + "x" * 4000,
    "control=\x01\x02\x1f\x7f",
    f"{CONFIG.session_cookie_name}x=y",
    f"x{CONFIG.session_cookie_name}=y",
]


def on_the_wire(cookie: Cookie) -> str:
    """The Set-Cookie line as a browser gets it: worker library, then the host's printing."""
    headers = HostOnlyHeaders()
    headers.add("Set-Cookie", cookie.header())
    (sent,) = parse_to_rpc_http_cookie_list(headers.get_all("Set-Cookie"), protos)
    return set_cookie(sent)


def attributes(line: str) -> set[str]:
    return {part.strip().lower() for part in line.split(";")[1:]}


def test_the_session_cookie_reaches_the_browser_as_designed_and_with_no_domain_not_even_an_empty_one() -> None:
    line = on_the_wire(Jar("", CONFIG).session(VALUE))
    assert line.startswith(f"__Host-Http-session={VALUE};")
    assert attributes(line) == {"path=/", "secure", "httponly", "samesite=strict"}


def test_the_pending_cookie_travels_back_from_entra_and_lives_ten_minutes() -> None:
    line = on_the_wire(Jar("", CONFIG).pending(STATE, 1767225600, "abc"))
    assert line.startswith(f"__Host-drawbridge-sign-in-1767225600-{STATE}=abc;")
    assert attributes(line) == {"path=/", "secure", "httponly", "samesite=lax", "max-age=600"}


def test_a_cookie_is_deleted_by_the_attributes_it_was_set_with_and_max_age_alone() -> None:
    jar = Jar("", CONFIG)
    assert attributes(on_the_wire(jar.end_session())) == {
        "path=/", "secure", "httponly", "samesite=strict", "max-age=0",
    }  # fmt: skip
    assert attributes(on_the_wire(jar.end_pending(STATE, 1767225600))) == {
        "path=/", "secure", "httponly", "samesite=lax", "max-age=0",
    }  # fmt: skip


def test_on_http_which_is_loopback_alone_cookies_are_not_secure_and_have_no_prefix() -> None:
    line = on_the_wire(Jar("", LOCAL).session(VALUE))
    assert line.startswith(f"drawbridge-session={VALUE};")
    assert "secure" not in attributes(line)
    assert not on_the_wire(Jar("", LOCAL).pending(STATE, 1767225600, "abc")).startswith("__")


def test_two_cookies_of_one_answer_both_reach_the_browser() -> None:
    jar, headers = Jar("", CONFIG), HostOnlyHeaders()
    for cookie in (jar.session(VALUE), jar.end_pending(STATE, 1767225600)):
        headers.add("Set-Cookie", cookie.header())
    sent = parse_to_rpc_http_cookie_list(headers.get_all("set-cookie"), protos)
    assert [cookie.name for cookie in sent] == [
        "__Host-Http-session",
        f"__Host-drawbridge-sign-in-1767225600-{STATE}",
    ]


def test_headers_that_are_no_cookies_come_out_as_they_went_in() -> None:
    headers = HostOnlyHeaders()
    headers["Location"] = "/a;b=c"
    assert headers.get_all("Location") == ["/a;b=c"]


@pytest.mark.parametrize("neighbour", NEIGHBOURS, ids=range(len(NEIGHBOURS)))
def test_a_neighbours_cookie_never_hides_or_damages_ours_wherever_it_stands(neighbour: str) -> None:
    for header in (f"{neighbour}; {OURS}", f"{OURS}; {neighbour}", f"{neighbour}; {OURS}; {neighbour}"):
        assert Jar(header, CONFIG).session_values() == [VALUE]


def test_all_neighbours_together_do_not_hide_ours_first_in_the_middle_or_last() -> None:
    pending = f"__Host-drawbridge-sign-in-1767225600-{STATE}=abc"
    for place in (0, len(NEIGHBOURS) // 2, len(NEIGHBOURS)):
        cookies = [*NEIGHBOURS[:place], OURS, pending, *NEIGHBOURS[place:]]
        jar = Jar("; ".join(cookies), CONFIG)
        assert jar.session_values() == [VALUE]
        assert jar.pendings() == [(1767225600, STATE, "abc")]


def test_of_several_cookies_by_our_name_two_are_tried_and_no_more() -> None:
    name = CONFIG.session_cookie_name
    header = "; ".join(f"{name}=planted{number}" for number in range(50))
    assert Jar(header, CONFIG).session_values() == ["planted0", "planted1"]


def test_values_that_cannot_be_ours_do_not_count_among_the_two() -> None:
    name = CONFIG.session_cookie_name
    odd = ["", '"', "a b", "a,b", "%41", "é", "<script>", "x" * 4001]
    header = "; ".join([*(f"{name}={value}" for value in odd), OURS])
    assert Jar(header, CONFIG).session_values() == [VALUE]


def test_cookie_names_are_compared_to_the_letter() -> None:
    assert Jar(f"__host-http-session={VALUE}; __HOST-HTTP-SESSION={VALUE}", CONFIG).session_values() == []


@pytest.mark.parametrize(
    "header",
    [
        'x="' + "\\" * 16384,
        "\\" * 16384,
        '"' * 16384,
        'a="\\";' * 5000,
        ";" * 32000,
        " " * 32000,
        "=" * 32000,
        "; ".join(f"c{number}={number}" for number in range(1000)),
        "a" * 10_000_000,
    ],
    ids=["backslashes", "bare backslashes", "quotes", "escaped quotes", "empty", "spaces", "=", "1000", "10 MB"],
)
def test_a_hostile_cookie_header_costs_no_more_than_a_moment(header: str) -> None:
    began = time.process_time()
    jar = Jar(header, CONFIG)
    assert jar.session_values() == []
    assert jar.pendings() == []
    assert time.process_time() - began < 0.5  # it is a few milliseconds; a quadratic parser needs many seconds


def test_a_header_larger_than_any_front_end_lets_through_is_not_read() -> None:
    assert Jar(f"{OURS}; a=" + "x" * 32768, CONFIG).session_values() == []
    assert Jar(f"{OURS}; a=" + "x" * 32000, CONFIG).session_values() == [VALUE]


def test_a_thousand_cookies_around_it_do_not_hide_ours() -> None:
    crowd = "; ".join(f"c{number}={number}" for number in range(500))
    assert Jar(f"{crowd}; {OURS}; {crowd}", CONFIG).session_values() == [VALUE]


@pytest.mark.parametrize(
    "name",
    [
        "1767225600",
        f"1767225600-{'s' * 15}",
        f"1767225600-{'s' * 65}",
        f"x-{STATE}",
        f"-{STATE}",
        f"17672256001234-{STATE}",
    ],
)
def test_names_that_are_no_pending_sign_in_are_passed_over(name: str) -> None:
    assert Jar(f"__Host-drawbridge-sign-in-{name}=abc", CONFIG).pendings() == []


def test_pending_sign_ins_come_oldest_first_in_whatever_order_the_browser_sends_them() -> None:
    prefix = "__Host-drawbridge-sign-in-"
    header = "; ".join(f"{prefix}{issued}-{STATE}{issued}=v{issued}" for issued in (1767225603, 1767225601, 1767225602))
    assert [issued for issued, _, _ in Jar(header, CONFIG).pendings()] == [1767225601, 1767225602, 1767225603]
