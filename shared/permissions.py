"""Permissions at Microsoft Graph: which a session's tokens carry, and how its person is asked for one more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from shared import errors
from shared.config import Config

NO_PERMISSION = {".default", "openid", "profile", "email", "offline_access"}
"""Scopes that Entra takes beside permissions; it may name them in an answer or leave them out."""


def names(scopes: Iterable[str]) -> frozenset[str]:
    """Permissions in their short form, in small letters: Entra writes them long or short, and in any case."""
    return frozenset(scope.rpartition("/")[2].lower() for scope in scopes)


@contextmanager
def needing(config: Config, granted: Iterable[str], one_of: tuple[str, ...]) -> Iterator[None]:
    """Do what needs any of these permissions.

    Raises errors.ConsentRequired, whose sign-in asks for exactly one of them: before anything is done where the tokens
    say that they have none, and where Graph refuses. Tokens that name no permission at all leave it to Graph.
    """
    held = names(granted) - NO_PERMISSION
    if held and not held & names(one_of):
        raise _wanting(config, errors.ConsentRequired(), one_of)
    try:
        yield
    except errors.ConsentRequired as refused:
        raise _wanting(config, refused, one_of) from None


def _wanting(config: Config, problem: errors.ConsentRequired, one_of: tuple[str, ...]) -> errors.ConsentRequired:
    """The refusal, with the first of these permissions that this app may ask for; with none, signing in is no help."""
    usual = names(config.scopes)
    for permission in one_of:
        offered = [scope for scope in config.optional_scopes if names([scope]) == names([permission])]
        if offered:
            problem.consent = offered[0]
            return problem
        if permission.lower() in usual:
            return problem
    problem.sign_in_again = False
    problem.detail = f"This needs the permission {one_of[0]}, for which this app is not set up to ask anybody."
    return problem
