"""Paths: dotnet/aspnetcore Kestrel PathDecoder.cs, UrlDecoder.cs, PathNormalizer.cs, PathString.cs."""

from __future__ import annotations

import pytest

from dev.host.paths import PathInvalid, decode, encode, with_decoded_slashes

DECODED = [
    (b"/", "/"),
    (b"/a/b", "/a/b"),
    (b"/a%20b", "/a b"),
    (b"/caf%C3%A9", "/café"),
    (b"/%E2%82%ACx", "/€x"),
    (b"/%F0%9F%93%AC", "/📬"),
    # %2F stays encoded; an encoded percent sign ends up the same (azure-functions-host issue 3998).
    (b"/a%2Fb", "/a%2Fb"),
    (b"/a%2fb", "/a%2fb"),
    (b"/a%252Fb", "/a%2Fb"),
    # What is no UTF-8 stays as it was written.
    (b"/%FF", "/%FF"),
    (b"/%C3", "/%C3"),
    (b"/%C3%28", "/%C3("),
    (b"/%ED%A0%80", "/%ED%A0%80"),  # a surrogate
    (b"/%C0%AF", "/%C0%AF"),  # an overlong slash
    (b"/%zz%4", "/%zz%4"),
    # Dot segments go after decoding.
    (b"/a/./b/../c", "/a/c"),
    (b"/a/%2E%2E/b", "/b"),
    (b"/../../x", "/x"),
    (b"/a/..", "/"),
    (b"/a/b/.", "/a/b/"),
    (b"/a/.b/..c", "/a/.b/..c"),
    (b"/a/..%2Fb", "/a/..%2Fb"),
    (b"/a//b", "/a//b"),
]

ENCODED = [
    ("/a/b", "/a/b"),
    ("/a b", "/a%20b"),
    ("/café", "/caf%C3%A9"),
    ("/a%2Fb", "/a%2Fb"),  # an escape in the text stays: lossy, as PathString.ToUriComponent is
    ("/100%", "/100%25"),
    ("/a?b#c", "/a%3Fb%23c"),
    ("/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@"),
    ('/"<>[]^`{|}\\', "/%22%3C%3E%5B%5D%5E%60%7B%7C%7D%5C"),
]


@pytest.mark.parametrize(("raw", "path"), DECODED)
def test_a_path_is_decoded_as_kestrel_decodes_it(raw: bytes, path: str) -> None:
    assert decode(raw) == path


@pytest.mark.parametrize("raw", [b"/a%00b", b"/caf\xc3\xa9"])
def test_a_path_with_a_nul_or_raw_bytes_is_refused(raw: bytes) -> None:
    with pytest.raises(PathInvalid):
        decode(raw)


@pytest.mark.parametrize(("path", "text"), ENCODED)
def test_the_url_of_a_path_is_encoded_as_pathstring_does(path: str, text: str) -> None:
    assert encode(path) == text


def test_the_front_end_decodes_slashes() -> None:
    """azure-functions-host issues 3998, 5619, 9290."""
    assert with_decoded_slashes(b"/a%2Fb%2fc%20d%252F") == b"/a/b/c%20d%252F"
