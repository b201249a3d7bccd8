"""`python3 dev settings`: writes local.settings.json, for `func start` and `python3 dev host`."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from dev.launcher import settings, start

FILE = Path(start.ROOT) / "local.settings.json"
EXAMPLE = Path(start.ROOT) / "local.settings.json.example"
_SEVERAL = ("common", "organizations", "consumers")
_NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|common|organizations|consumers|[\w.-]+\.[\w.-]+", re.I)


def main(arguments: Sequence[str], file: Path = FILE) -> int:
    """0 where the file was written, 1 where it is there already, 2 asked wrongly."""
    parser = argparse.ArgumentParser(prog="python3 dev settings", description=__doc__)
    parser.add_argument(
        "--tenant", metavar="ID", help="a real tenant: its id or domain, or organizations, common, consumers"
    )
    parser.add_argument("--client-id", metavar="ID", help="the app registration's client id")
    parser.add_argument("--port", type=int, default=7071, help="where the app answers (default 7071)")
    parser.add_argument("--force", action="store_true", help="overwrite the file that is there")
    given = parser.parse_args(arguments)
    if bool(given.tenant) != bool(given.client_id):
        parser.error("--tenant and --client-id go together; without both, the sandbox plays Entra and Graph")
    if given.tenant and not (_NAME.fullmatch(given.tenant) and _NAME.fullmatch(given.client_id)):
        parser.error("--tenant and --client-id are ids, like 11111111-2222-4333-8444-555555555555")
    if file.exists() and not given.force:
        print(f"{file.name} is there already, and was left as it is: --force overwrites it.", file=sys.stderr)
        return 1
    values = json.loads(EXAMPLE.read_text("utf-8"))["Values"] | _chosen(given.tenant, given.client_id, given.port)
    _write(file, {"IsEncrypted": False, "Values": values, "Host": {"LocalHttpPort": given.port}})
    print(f"Wrote {file.name}.\n\n{_next_steps(given.tenant, given.port)}")
    return 0


def _chosen(tenant: str | None, client_id: str | None, port: int) -> dict[str, str]:
    """What differs from the example, whose upstreams are the sandbox's."""
    values = {"SEALING_KEY": settings.new_sealing_key(), "PUBLIC_URL": f"http://localhost:{port}"}
    if tenant and client_id:
        values |= {
            "ENTRA_CLIENT_ID": client_id,
            "ENTRA_CLIENT_SECRET": "",
            "ENTRA_AUTHORITY": f"https://login.microsoftonline.com/{tenant}",
            "ENTRA_ALLOWED_TENANTS": "",  # where the authority takes several, whoever runs the app must say which
            "GRAPH_ENDPOINT": "https://graph.microsoft.com/v1.0",
            "LOCAL_CA_FILE": "",
        }
    return values


def _write(file: Path, content: object) -> None:
    """For this person's eyes: the file holds a key, and maybe a secret."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as made:
        json.dump(content, made, indent=2)
        made.write("\n")


def _next_steps(tenant: str | None, port: int) -> str:
    if tenant is None:
        return (
            "In one terminal:   python3 dev run --no-app     (Azurite and the sandbox)\n"
            f"In another one:    func start                   or: python3 dev host --port {port}"
        )
    several = tenant.lower() in _SEVERAL
    return (
        f"Register http://localhost:{port}/auth/callback as a redirect URI of platform Web, and put a client secret\n"
        "into ENTRA_CLIENT_SECRET in that file (python3 dev doctor --print-registration says what else it must be).\n"
        + ("Say in ENTRA_ALLOWED_TENANTS which tenants may sign in; * lets in all of them.\n" if several else "")
        + f"Then Azurite for the tables (npx azurite), and: func start, or python3 dev host --port {port}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
