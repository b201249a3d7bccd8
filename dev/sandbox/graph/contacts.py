"""Answers of the imitation of Graph about the address book, and about the mailbox's own settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request

import dev.sandbox.mail
from dev.sandbox.entra.grants import AccessToken
from dev.sandbox.graph import errors
from dev.sandbox.graph.asking import base_of, mailbox_of, next_link
from dev.sandbox.graph.mailbox import encode
from dev.sandbox.graph.query import parse_page, parse_select
from dev.sandbox.world import World

_READ = ("Contacts.Read", "Contacts.ReadWrite")
_PROPERTIES = frozenset({"id", "displayName", "emailAddresses", "businessPhones", "companyName", "jobTitle"})
_SETTINGS = {
    "timeZone": "W. Europe Standard Time",
    "dateFormat": "dd.MM.yyyy",
    "timeFormat": "HH:mm",
    "language": {"locale": "en-GB", "displayName": "English (United Kingdom)"},
    "automaticRepliesSetting": {"status": "disabled", "externalAudience": "none"},
    "workingHours": {
        "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
        "startTime": "08:00:00.0000000",
        "endTime": "16:00:00.0000000",
        "timeZone": {"name": "W. Europe Standard Time"},
    },
}


def list_contacts(world: World, token: AccessToken, request: Request) -> bytes:
    """Everybody who writes to this mailbox."""
    mailbox_of(world, token, *_READ)
    contacts = _contacts(str(token.person.mailbox))
    raw_query = request.scope["query_string"].decode("ascii", "replace")
    page = parse_page(raw_query)
    select = parse_select(request.query_params.get("$select"), _PROPERTIES, "contact")
    base, end = base_of(world, request), page.skip + page.top
    document: dict[str, Any] = {
        "@odata.context": f"{base}/$metadata#users('{quote(str(token.person.claims.get('oid')))}')/contacts",
        "value": [_selected(contact, select) for contact in contacts[page.skip : end]],
    }
    link = next_link(base, request, raw_query, end if end < len(contacts) else None, "$skip")
    return encode(document | ({"@odata.nextLink": link} if link else {}))


def one_contact(world: World, token: AccessToken, request: Request, contact_id: str) -> bytes:
    """One of them by its id."""
    mailbox_of(world, token, *_READ)
    select = parse_select(request.query_params.get("$select"), _PROPERTIES, "contact")
    for contact in _contacts(str(token.person.mailbox)):
        if contact["id"] == contact_id:
            oid = quote(str(token.person.claims.get("oid")))
            context = f"{base_of(world, request)}/$metadata#users('{oid}')/contacts/$entity"
            return encode({"@odata.context": context} | _selected(contact, select))
    raise errors.item_not_found() if len(contact_id) >= 40 else errors.malformed_id()


def mailbox_settings(world: World, token: AccessToken, request: Request) -> bytes:
    """Time zone, language and the like: the same for everybody."""
    mailbox_of(world, token, "MailboxSettings.Read", "MailboxSettings.ReadWrite")
    select = parse_select(request.query_params.get("$select"), frozenset(_SETTINGS), "mailboxSettings")
    oid = quote(str(token.person.claims.get("oid")))
    context = {"@odata.context": f"{base_of(world, request)}/$metadata#users('{oid}')/mailboxSettings"}
    return encode(context | {name: _SETTINGS[name] for name in select or _SETTINGS})


def _contacts(mailbox: str) -> list[dict[str, Any]]:
    data = json.loads((Path(dev.sandbox.mail.__file__).parent / f"{mailbox}.json").read_text("utf-8"))
    return [
        {
            "id": f"AAMkADcontact{key}".ljust(100, "A") + "/+AAA=",
            "displayName": person.get("name", ""),
            "emailAddresses": [{"name": person.get("name", ""), "address": person["address"]}],
            "businessPhones": [],
            "companyName": None,
            "jobTitle": None,
        }
        for key, person in data["correspondents"].items()
    ]


def _selected(contact: dict[str, Any], select: tuple[str, ...] | None) -> dict[str, Any]:
    return contact if select is None else {name: contact[name] for name in dict.fromkeys(("id", *select))}
