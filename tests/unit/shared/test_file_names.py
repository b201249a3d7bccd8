"""A file keeps the name it came with as far as no file system and no reader is deceived."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from shared.file_names import content_disposition, safe_name

NAMES = [
    ("minutes.docx", "minutes.docx"),
    ("Protokoll März.pdf", "Protokoll März.pdf"),
    ("Protokoll Ma\u0308rz.pdf", "Protokoll März.pdf"),
    ("議事録.pdf", "議事録.pdf"),
    ("👩🏽.png", "👩🏽.png"),
    ("../../etc/passwd", "_.._etc_passwd"),
    ("..\\..\\boot.ini", "_.._boot.ini"),
    ("C:\\a.txt", "C__a.txt"),
    ("/etc/passwd", "_etc_passwd"),
    ("a\r\nSet-Cookie: x=1", "a Set-Cookie_ x=1"),
    ("a\x00b\x1b[31m.txt", "ab[31m.txt"),
    ('a"; filename="b.exe', "a_; filename=_b.exe"),
    ("100%41.txt", "100_41.txt"),
    ("\u202egnp.exe", "gnp.exe"),
    ("a\u2066b\u2069\u200b\ufeff.txt", "ab.txt"),
    ("a\u2028b\u00a0 c.txt", "a b c.txt"),
    (".htaccess", "htaccess"),
    ("name. . .", "name"),
    ("CON", "_CON"),
    ("con.txt", "_con.txt"),
    ("console.txt", "console.txt"),
    ("COM1.log", "_COM1.log"),
    ("a?b*c|d<e>f.txt", "a_b_c_d_e_f.txt"),
    ("\ud83d\ude00.txt", "😀.txt"),
    ("a\ud800.txt", "a_.txt"),
    ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
    ("x" * 300, "x" * 120),
    ("x." + "y" * 300, "x." + "y" * 118),
    ("." + "y" * 300, "y" * 120),
    ("", "attachment"),
    (None, "attachment"),
    (" . ", "attachment"),
    ("\u202e\x00", "attachment"),
]


@pytest.mark.parametrize(("given", "safe"), NAMES)
def test_a_name_is_made_safe(given: str | None, safe: str) -> None:
    assert safe_name(given) == safe
    assert safe_name(safe) == safe


HEADERS = [
    ("a.txt", "attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt"),
    ("März 1.pdf", "attachment; filename=\"Marz 1.pdf\"; filename*=UTF-8''M%C3%A4rz%201.pdf"),
    ("議事録.pdf", "attachment; filename=\"___.pdf\"; filename*=UTF-8''%E8%AD%B0%E4%BA%8B%E9%8C%B2.pdf"),
    ("it's (1).txt", "attachment; filename=\"it's (1).txt\"; filename*=UTF-8''it%27s%20%281%29.txt"),
    (
        "／＂ＣＯＮ.txt",
        "attachment; filename=\"__CON.txt\"; filename*=UTF-8''%EF%BC%8F%EF%BC%82%EF%BC%A3%EF%BC%AF%EF%BC%AE.txt",
    ),
]


@pytest.mark.parametrize(("name", "header"), HEADERS)
def test_the_header_has_the_name_in_ascii_and_in_full(name: str, header: str) -> None:
    assert content_disposition(name) == header


@pytest.mark.parametrize("given", [name for name, _ in NAMES])
def test_whatever_the_name_the_header_is_one_line_of_ascii_with_one_name(given: str | None) -> None:
    header = content_disposition(safe_name(given))
    assert header.isascii() and header.isprintable()
    plain, _, full = header.removeprefix('attachment; filename="').partition("\"; filename*=UTF-8''")
    assert '"' not in plain and "\\" not in plain and "%" not in plain and plain.strip(". ") == plain != ""
    assert unquote(full) == safe_name(given)
