"""`python3 dev doctor`: checks this machine, a deployment from outside, or one from inside the subscription."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from dev.doctor import azure, deployed, local, registration
from dev.doctor.browsing import Browser
from dev.doctor.verdicts import Verdict, as_json, as_text, exit_code
from dev.host.settings import LocalSettingsInvalid, merged
from dev.launcher import start
from shared.clock import SystemClock
from shared.services import build

_URL = re.compile(r"https?://[^/?#\s]+")


def main(arguments: Sequence[str]) -> int:
    """0 all well, 1 something is wrong, 2 asked wrongly, 3 something could not be found out."""
    parser = argparse.ArgumentParser(prog="python3 dev doctor", description=__doc__)
    parser.add_argument("--url", metavar="URL", help="the address of a running app: scheme and host")
    parser.add_argument(
        "--azure", nargs=2, metavar=("GROUP", "SITE"), help="resource group and name, through the Azure CLI"
    )
    parser.add_argument("--print-registration", action="store_true", help="what the app registration must be")
    parser.add_argument("--ca", metavar="FILE", help="one more CA to trust, for --url")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    given = parser.parse_args(arguments)
    url = given.url.rstrip("/") if given.url else None
    if url and not _URL.fullmatch(url):
        parser.error("--url takes a scheme and a host, like https://mail.example.org")
    folder = Path(start.ROOT)
    if given.print_registration:
        try:
            print(registration.from_settings(merged(os.environ, folder), url))
        except LocalSettingsInvalid as problem:
            print(problem, file=sys.stderr)
            return 1
        return 0
    verdicts = list(_shown(_verdicts(url, given.azure, given.ca, folder), quiet=given.format == "json"))
    if given.format == "json":
        print(as_json(verdicts))
    return exit_code(verdicts)


def _verdicts(url: str | None, site: Sequence[str] | None, ca: str | None, folder: Path) -> Iterator[Verdict]:
    if url:
        yield from deployed.examine(url, Browser(ca))
    if site:
        yield from azure.examine(site[0], site[1], azure.az)
    if not url and not site:
        yield from local.examine(folder, os.environ, SystemClock(), Browser(local.ca_file(folder)), build)


def _shown(verdicts: Iterator[Verdict], *, quiet: bool) -> Iterator[Verdict]:
    """Print each as soon as it is known."""
    for verdict in verdicts:
        if not quiet:
            print(as_text([verdict]), flush=True)
        yield verdict


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
