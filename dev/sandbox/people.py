"""The people of the sandbox. All names are made up; all domains are reserved ones (RFC 2606)."""

from __future__ import annotations

import copy
import re
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from dev.sandbox.merge_patch import merge_patch

PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
TENANT_ID = "7d3f4c1e-2b8a-4f6d-9c05-1a2b3c4d5e6f"
TENANT_DOMAIN = "fjordlight.example"
TENANT_NAME = "Fjordlight Instruments"
GUEST_HOME_TENANT = "c41b9a52-0f7e-4d33-8a6b-5e6f7a8b9c0d"

Kind = Literal["work", "guest", "personal"]
_NEW_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass
class Person:
    """Somebody who can sign in. `claims` are those of the id_token that belong to the person and not to the sign-in."""

    key: str
    kind: Kind
    description: str
    claims: dict[str, Any]
    home_object_id: str
    home_tenant_id: str
    mailbox: str | None
    profile: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the sign-in page shows."""
        return str(self.claims.get("name") or self.key)

    @property
    def username(self) -> str:
        """What the person types; guests type their address at home."""
        return str(self.claims.get("preferred_username") or self.key)

    def answers_to(self, hint: str) -> bool:
        """Whether a login_hint or logout_hint means this person."""
        known = {self.key, self.username, str(self.claims.get("login_hint")), str(self.claims.get("email"))}
        return hint.lower() in {value.lower() for value in known}


class People:
    """Everybody who can sign in, by key. Further work accounts appear when they are first patched."""

    def __init__(self) -> None:
        self._people = {person.key: person for person in _the_three()}

    def __iter__(self) -> Any:
        return iter(self._people.values())

    def __getitem__(self, key: str) -> Person:
        return self._people[key]

    def reset(self) -> None:
        """Forget every change and every added account."""
        self._people = {person.key: person for person in _the_three()}

    def patch(self, key: str, claims_patch: dict[str, Any]) -> Person:
        """Merge-patch a person's claims; an unknown key becomes one more work account with an object id of its own.

        Raises KeyError for a key that is no name.
        """
        if key not in self._people:
            if not _NEW_NAME.fullmatch(key):
                raise KeyError(key)
            self._people[key] = _one_more_work_account(key)
        person = self._people[key]
        person.claims = merge_patch(person.claims, claims_patch)
        return person


def _the_three() -> list[Person]:
    return [_work(), _guest(), _personal()]


def _work() -> Person:
    object_id = "5b0c1f6e-88a3-4e57-b7d1-3f2a9c4e7d10"
    username = f"maren.solberg@{TENANT_DOMAIN}"
    return Person(
        key="work",
        kind="work",
        description=f"Work account at {TENANT_NAME}",
        claims={
            "name": "Maren Solberg",
            "preferred_username": username,
            "email": username,
            "oid": object_id,
            "tid": TENANT_ID,
            "sub": "kQ3vY0pWm8T1xGd7RzJ5bLh2NcUeFs6AaVoXiKtPq9E",
            "login_hint": "O.CiQ1YjBjMWY2ZS04OGEzLTRlNTctYjdkMS0zZjJhOWM0ZTdkMTASJDdkM2Y0YzFl",
        },
        home_object_id=object_id,
        home_tenant_id=TENANT_ID,
        mailbox="work",
        profile={
            "givenName": "Maren",
            "surname": "Solberg",
            "jobTitle": "Head of Calibration",
            "mobilePhone": "+47 55 55 01 42",
            "officeLocation": "Bergen, 3rd floor",
            "businessPhones": ["+47 55 55 01 40"],
            "preferredLanguage": "en-GB",
        },
    )


def _guest() -> Person:
    return Person(
        key="guest",
        kind="guest",
        description=f"Guest at {TENANT_NAME}, without a mailbox here",
        claims={
            "name": "Tomás Ferreira",
            "preferred_username": "tomas.ferreira@quintaviva.example",
            "email": "tomas.ferreira@quintaviva.example",
            "oid": "e2a94d70-16bc-4f0a-93c8-7b5d2e8f4a61",
            "tid": TENANT_ID,
            "sub": "Zp7dN2hKc5WqXy0RtGvB8mLs4EjUoIa1FfTnHrDx6Ck",
            "login_hint": "O.CiRlMmE5NGQ3MC0xNmJjLTRmMGEtOTNjOC03YjVkMmU4ZjRhNjESJGM0MWI5YTUy",
            "idp": f"https://sts.windows.net/{GUEST_HOME_TENANT}/",
        },
        home_object_id="90c7e1d4-5a2b-4c68-8f13-6d0e9b7a2c35",
        home_tenant_id=GUEST_HOME_TENANT,
        mailbox=None,
        profile={
            "givenName": "Tomás",
            "surname": "Ferreira",
            "userPrincipalName": f"tomas.ferreira_quintaviva.example#EXT#@{TENANT_DOMAIN}",
        },
    )


def _personal() -> Person:
    object_id = "00000000-0000-0000-4f6a-1c9d3e7b5a20"
    return Person(
        key="personal",
        kind="personal",
        description="Personal account",
        claims={
            "name": "Inés Okafor",
            "preferred_username": "ines.okafor@postbox.example",
            "email": "ines.okafor@postbox.example",
            "oid": object_id,
            "tid": PERSONAL_TENANT,
            "sub": "AAAAAAAAAAAAAAAAAAAAAFw3Jc9Qm5Tz8KdXrVbN1yE",
            "login_hint": "O.CiQwMDAwMDAwMC0wMDAwLTAwMDAtNGY2YS0xYzlkM2U3YjVhMjASJDkxODgwNDBk",
        },
        home_object_id=object_id,
        home_tenant_id=PERSONAL_TENANT,
        mailbox="personal",
        # Graph knows personal accounts by sixteen hexadecimal digits, not by the object id of the id_token.
        profile={"id": "4f6a1c9d3e7b5a20", "givenName": "Inés", "surname": "Okafor", "preferredLanguage": "es-ES"},
    )


def _one_more_work_account(key: str) -> Person:
    person = copy.deepcopy(_work())
    object_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://{TENANT_DOMAIN}/{key}"))
    username = f"{key}@{TENANT_DOMAIN}"
    person.key = key
    person.description = f"One more work account at {TENANT_NAME}"
    person.home_object_id = object_id
    person.claims.update(
        name=key,
        preferred_username=username,
        email=username,
        oid=object_id,
        sub=uuid.uuid5(uuid.NAMESPACE_URL, object_id).hex,
        login_hint=f"O.{key}",
    )
    return person
