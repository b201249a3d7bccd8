"""The checker itself: each rule finds a planted violation, and nothing in honest code."""

from __future__ import annotations

import pytest

from tests.architecture import rules


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("shared.config", "from shared import services"),
        ("shared.config", "from shared.services import Services"),
        ("shared.config", "import shared.outbound"),
        ("shared.sealing", "def late() -> None:\n    from shared import sessions"),
        ("shared.errors", "if TYPE_CHECKING:\n    from shared.clock import Clock"),
        ("shared.auth", "from shared import graph"),
        ("functions.login", "from functions import callback"),
        ("functions.login", "from functions.callback import callback"),
        ("functions.login", "from . import callback"),
        ("shared.graph", "import function_app"),
    ],
)
def test_an_import_that_runs_upwards_or_sideways_is_found(module: str, source: str) -> None:
    assert list(rules.direction_faults({module: source}))


def test_a_module_without_a_place_is_found() -> None:
    assert list(rules.direction_faults({"shared.utilities": ""})) == ["shared.utilities has no place in the layers"]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("shared.sessions", "import msal"),
        ("functions.login", "from msal import ConfidentialClientApplication"),
        ("shared.sessions", "from azure.data.tables import TableClient"),
        ("shared.sessions", "from azure import data"),
        ("shared.graph", "import requests.adapters"),
        ("shared.entra", "def ask() -> None:\n    import urllib3"),
        ("shared.graph", "if TYPE_CHECKING:\n    from requests import Response"),
        ("shared.token_store", "from azure.identity import ManagedIdentityCredential"),
        ("shared.sessions", "from cryptography.hazmat.primitives import hashes"),
        ("functions.callback", "from http import cookies"),
        ("shared.http", "from werkzeug.http import parse_cookie"),
        ("shared.sessions", "import os\nos.environ['X']"),
        ("shared.sessions", "from os import environ"),
        ("shared.sessions", "import os\nos.getenv('X')"),
        ("shared.sessions", "import time"),
        ("shared.sessions", "from time import monotonic"),
        ("shared.sessions", "from datetime import datetime\nnow = datetime.now()"),
        ("shared.sessions", "import datetime\nnow = datetime.datetime.now(datetime.UTC)"),
        ("shared.sessions", "import random"),
        ("function_app", "from dev.sandbox import options"),
        ("shared.sessions", "from tests import fakes"),
    ],
)
def test_a_library_behind_another_modules_door_is_found(module: str, source: str) -> None:
    assert list(rules.door_faults({module: source}))


def test_a_function_of_41_lines_and_a_module_of_301_are_found() -> None:
    function = "def long() -> None:\n" + "    pass\n" * 40
    assert list(rules.size_faults({"dev.a": function})) == ["dev.a:1 long has 41 lines; at most 40"]
    assert list(rules.size_faults({"dev.a": "a = 1\n" * 301})) == ["dev.a has 301 lines; at most 300"]


def test_honest_code_has_no_fault() -> None:
    sources = {
        "function_app": "import azure.functions\nfrom functions import login\nfrom shared.services import Services",
        "functions.login": "from shared import errors, http\nfrom shared.auth import Auth",
        "shared.auth": "import msal\nfrom shared.sessions import Session",
        "shared.config": "import os\nCONFIG = os.environ",
        "shared.clock": "import time\nfrom datetime import datetime\nNOW = datetime.now()",
        "shared.sessions": "import os\nfrom datetime import datetime\nKEY = os.urandom(32)\nNOW = self.clock.now()",
        "shared.secret": "def short() -> None:\n" + "    pass\n" * 39,
    }
    for faults in (rules.direction_faults, rules.door_faults, rules.size_faults):
        assert list(faults(sources)) == []
