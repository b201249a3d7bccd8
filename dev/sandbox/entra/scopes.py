"""Scopes: which exist, what they say to a person, and how the token endpoint echoes them."""

from __future__ import annotations

from collections.abc import Iterable

from dev.sandbox.entra.errors import EntraError

GRAPH = "https://graph.microsoft.com/"
OIDC_SCOPES = ("openid", "profile", "email", "offline_access")
PERMISSIONS = {
    "User.Read": ("Sign you in and read your profile", "Your name, e-mail address and job title."),
    "Mail.Read": ("Read your mail", "Every message in your mailbox. It cannot change or send any."),
    "Mail.ReadWrite": ("Read and write access to your mail", "Read, update, create and delete your messages."),
    "Mail.Send": ("Send mail as you", "Messages that look as if you had written them."),
    "MailboxSettings.Read": ("Read your mailbox settings", "Time zone, language and automatic replies."),
    "Calendars.Read": ("Read your calendars", "Every event in your calendars."),
    "Calendars.ReadWrite": ("Have full access to your calendars", "Read, update, create and delete your events."),
    "Contacts.Read": ("Read your contacts", "Everybody in your address book."),
    "offline_access": ("Maintain access to data you have given it access to", "Even when you are not using the app."),
}
# What the application registration lists: the meaning of ".default".
REGISTERED = ("User.Read", "Mail.Read")


def parse_scopes(scope: str) -> tuple[str, ...]:
    """The scopes of a request, Graph's in their short form; ".default" becomes what the registration lists.

    Raises EntraError: 900144 for none, 650053 for a scope that Graph does not have, 70011 for ".default" with others.
    """
    asked = tuple(dict.fromkeys(scope.split()))
    if not asked:
        raise EntraError(900144, "invalid_request", "The request body must contain the following parameter: 'scope'.")
    short = tuple(name.removeprefix(GRAPH) for name in asked)
    known = {name.lower(): name for name in (*PERMISSIONS, *OIDC_SCOPES)}
    if ".default" in short:
        if len([name for name in short if name not in OIDC_SCOPES]) > 1:
            text = f"The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
            raise EntraError(70011, "invalid_scope", text)
        short = tuple(name for name in short if name != ".default") + REGISTERED
    for name in short:
        if name.lower() not in known:
            text = (
                f"The application 'Drawbridge' asked for scope '{name}' that doesn't exist on the resource "
                "'00000003-0000-0000-c000-000000000000'. Contact the app vendor."
            )
            raise EntraError(650053, "invalid_client", text)
    return tuple(known[name.lower()] for name in short)


def graph_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """Without those of OpenID Connect."""
    return frozenset(scopes) - frozenset(OIDC_SCOPES)


def echo_scope(asked: str, granted: Iterable[str]) -> str:
    """The `scope` of a token answer: another order, no offline_access, fully qualified where the request was."""
    granted = set(granted)
    qualified = GRAPH in asked
    resource = sorted(graph_scopes(granted), key=str.lower)
    names = [f"{GRAPH}{name}" if qualified else name for name in resource]
    names += [name for name in ("openid", "profile", "email") if name in granted]
    if f"{GRAPH}.default" in asked:
        names.append(f"{GRAPH}.default")
    return " ".join(names)
