"""`Set-Cookie` as ASP.NET prints it from the worker's RpcHttpCookie.

Sources: Azure/azure-functions-host GrpcMessageExtensionUtilities.cs; dotnet/aspnetcore
src/Http/Http/src/Internal/ResponseCookies.cs, src/Http/Headers/src/SetCookieHeaderValue.cs,
src/Http/Http.Features/src/CookieOptions.cs.
"""

from __future__ import annotations

import re
from email.utils import formatdate
from urllib.parse import quote

from dev.host.messages import RpcHttpCookie, SameSite

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_SAME_SITE = {SameSite.Lax: "lax", SameSite.Strict: "strict", SameSite.ExplicitNone: "none"}


class CookieInvalid(ValueError):
    """A cookie that ASP.NET refuses to print; the response becomes a 500."""


def set_cookie(cookie: RpcHttpCookie) -> str:
    """The value of one Set-Cookie header.

    Raises CookieInvalid for a name that is no token or a negative or endless max-age.

    Domain None prints nothing while "" prints `domain=`; Path None prints `path=/`. The value is percent-encoded
    (Uri.EscapeDataString).
    """
    if not _TOKEN.fullmatch(cookie.name):
        raise CookieInvalid(f"the cookie name {cookie.name!r} is not a token")
    text = f"{cookie.name}={quote(cookie.value, safe='')}"
    if cookie.expires is not None:
        text += "; expires=" + formatdate(cookie.expires.value.seconds, usegmt=True)
    if cookie.max_age is not None:
        text += f"; max-age={_whole_seconds(cookie.max_age.value)}"
    if cookie.domain is not None:
        text += "; domain=" + cookie.domain.value
    text += "; path=" + ("/" if cookie.path is None else cookie.path.value)
    if cookie.secure is not None and cookie.secure.value:
        text += "; secure"
    if cookie.same_site in _SAME_SITE:
        text += "; samesite=" + _SAME_SITE[cookie.same_site]
    if cookie.http_only is not None and cookie.http_only.value:
        text += "; httponly"
    return text


def _whole_seconds(max_age: float) -> int:
    try:
        seconds = int(max_age)
    except (ValueError, OverflowError) as error:
        raise CookieInvalid("max-age is not a number of seconds") from error
    if seconds < 0:
        raise CookieInvalid("max-age is negative")
    return seconds
