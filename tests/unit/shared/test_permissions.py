"""When a permission is missing, and how its person is asked for it."""

from __future__ import annotations

import pytest

from shared import errors
from shared.permissions import names, needing
from tests.fakes.build import config

OPTIONAL = config(GRAPH_OPTIONAL_SCOPES="Mail.ReadWrite https://graph.microsoft.com/Calendars.Read")


@pytest.mark.parametrize(
    "granted",
    [
        ("User.Read", "Mail.ReadWrite"),
        ("https://graph.microsoft.com/mail.readwrite",),
        (".default", "MAIL.READWRITE"),
        ("Mail.Write",),
        (),
        ("https://graph.microsoft.com/.default", "openid"),
    ],
)
def test_any_of_the_permissions_is_enough_and_tokens_that_name_none_may_have_it(granted: tuple[str, ...]) -> None:
    done = []
    with needing(OPTIONAL, granted, ("Mail.ReadWrite", "Mail.Write")):
        done.append(granted)
    assert done


@pytest.mark.parametrize(
    ("one_of", "asked"),
    [
        (("Mail.ReadWrite",), "Mail.ReadWrite"),
        (("Calendars.Read", "Calendars.ReadWrite"), "https://graph.microsoft.com/Calendars.Read"),
        (("Mail.Send", "Mail.ReadWrite"), "Mail.ReadWrite"),
    ],
)
def test_the_first_one_that_the_settings_name_is_asked_for_and_nothing_is_done(
    one_of: tuple[str, ...], asked: str
) -> None:
    with pytest.raises(errors.ConsentRequired) as caught, needing(OPTIONAL, ("User.Read", "Mail.Read"), one_of):
        raise AssertionError("done all the same")
    assert caught.value.consent == asked
    assert caught.value.sign_in_again


def test_what_every_sign_in_asks_for_needs_no_consent_of_its_own() -> None:
    with pytest.raises(errors.ConsentRequired) as caught, needing(OPTIONAL, ("User.Read",), ("Mail.Read",)):
        raise AssertionError("done all the same")
    assert caught.value.consent is None
    assert caught.value.sign_in_again


def test_what_nobody_may_be_asked_for_is_named_and_signing_in_is_no_remedy() -> None:
    with pytest.raises(errors.ConsentRequired) as caught, needing(OPTIONAL, ("User.Read",), ("Contacts.Read",)):
        raise AssertionError("done all the same")
    assert not caught.value.sign_in_again
    assert "Contacts.Read" in caught.value.detail


def test_graphs_refusal_keeps_its_evidence() -> None:
    with pytest.raises(errors.ConsentRequired) as caught, needing(OPTIONAL, (), ("Mail.ReadWrite",)):
        raise errors.ConsentRequired(graph_code="ErrorAccessDenied", request_id="r-1")
    assert (caught.value.graph_code, caught.value.request_id) == ("ErrorAccessDenied", "r-1")
    assert caught.value.consent == "Mail.ReadWrite"


def test_permissions_are_compared_in_their_short_form_and_in_small_letters() -> None:
    assert names(["https://graph.microsoft.us/Mail.Read", "USER.READ"]) == {"mail.read", "user.read"}
