"""What the README's tables and the example of the local settings name."""

from __future__ import annotations

import json
import re


def first_column(readme: str, heading: str) -> list[str]:
    """The names in backticks that open the rows of the tables below `## heading`, up to the next such heading."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", readme, re.MULTILINE | re.DOTALL)
    return re.findall(r"^\| *`([^`]+)`", section[1], re.MULTILINE) if section else []


def example_values(text: str) -> list[str]:
    """The names under "Values" of local.settings.json.example."""
    return list(json.loads(text)["Values"])


def differences(documented: list[str], real: set[str]) -> list[str]:
    """One sentence for each name that is missing, unknown or documented twice."""
    missing = [f"{name} is not documented" for name in sorted(real - set(documented))]
    unknown = [f"{name} is documented but does not exist" for name in sorted(set(documented) - real)]
    twice = [f"{name} is documented twice" for name in sorted(set(documented)) if documented.count(name) > 1]
    return missing + unknown + twice
