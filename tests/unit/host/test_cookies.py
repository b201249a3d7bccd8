"""Set-Cookie on the wire: dotnet/aspnetcore SetCookieHeaderValue.cs, ResponseCookies.cs; azure-functions-host
GrpcMessageExtensionUtilities.cs."""

from __future__ import annotations

import pytest

from dev.host.cookies import CookieInvalid, set_cookie
from dev.host.messages import Nullable, RpcHttpCookie, SameSite, Timestamp


def test_attributes_are_lower_case_in_aspnets_order() -> None:
    """SetCookieHeaderValue.cs AppendToStringBuilder."""
    cookie = RpcHttpCookie(
        name="a",
        value="b",
        domain=Nullable("example.org"),
        path=Nullable("/x"),
        expires=Nullable(Timestamp(0)),
        secure=Nullable(True),
        http_only=Nullable(True),
        same_site=SameSite.Strict,
        max_age=Nullable(60.0),
    )
    assert set_cookie(cookie) == (
        "a=b; expires=Thu, 01 Jan 1970 00:00:00 GMT; max-age=60; domain=example.org; path=/x; secure; samesite=strict;"
        " httponly"
    )


def test_an_empty_domain_is_printed_and_none_is_not() -> None:
    """The worker sends "" where there is none (azure-functions-python-worker issue 1902)."""
    assert set_cookie(RpcHttpCookie("a", "b", Nullable(""), Nullable("/"))) == "a=b; domain=; path=/"
    assert set_cookie(RpcHttpCookie("a", "b", None, Nullable("/"))) == "a=b; path=/"


def test_an_empty_path_is_printed_and_none_means_the_root() -> None:
    """CookieOptions.cs: Path is "/" unless set."""
    assert set_cookie(RpcHttpCookie("a", "b", path=Nullable(""))) == "a=b; path="
    assert set_cookie(RpcHttpCookie("a", "b")) == "a=b; path=/"


def test_the_value_is_percent_encoded() -> None:
    """ResponseCookies.cs: Uri.EscapeDataString (azure-functions-python-worker issue 1794)."""
    assert set_cookie(RpcHttpCookie("a", "Az09-_.~")) == "a=Az09-_.~; path=/"
    assert set_cookie(RpcHttpCookie("a", "=/+|% é%20")) == "a=%3D%2F%2B%7C%25%20%C3%A9%2520; path=/"


@pytest.mark.parametrize("name", ["a:b", "a b", "", "é", "a=b"])
def test_a_name_that_is_no_token_is_refused(name: str) -> None:
    """SetCookieHeaderValue.cs throws."""
    with pytest.raises(CookieInvalid):
        set_cookie(RpcHttpCookie(name, "x"))


@pytest.mark.parametrize(
    ("same_site", "printed"),
    [
        (0, ""),
        (SameSite.Lax, "; samesite=lax"),
        (SameSite.Strict, "; samesite=strict"),
        (SameSite.ExplicitNone, "; samesite=none"),
    ],
)
def test_same_site_is_printed_unless_unspecified(same_site: int, printed: str) -> None:
    """GrpcMessageExtensionUtilities.cs; SameSite=None without Secure is sent all the same (ResponseCookies.cs)."""
    assert set_cookie(RpcHttpCookie("a", "b", same_site=same_site)) == "a=b; path=/" + printed


@pytest.mark.parametrize(("max_age", "printed"), [(0.0, 0), (1.9, 1), (3600.0, 3600), (-0.5, 0)])
def test_max_age_is_cut_to_whole_seconds(max_age: float, printed: int) -> None:
    """SetCookieHeaderValue.cs: (long)MaxAge.TotalSeconds."""
    assert set_cookie(RpcHttpCookie("a", "b", max_age=Nullable(max_age))) == f"a=b; max-age={printed}; path=/"


@pytest.mark.parametrize("max_age", [-1.0, float("nan"), float("inf")])
def test_a_negative_or_endless_max_age_is_refused(max_age: float) -> None:
    """HeaderUtilities.FormatNonNegativeInt64 and TimeSpan.FromSeconds throw."""
    with pytest.raises(CookieInvalid):
        set_cookie(RpcHttpCookie("a", "b", max_age=Nullable(max_age)))
