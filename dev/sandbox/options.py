"""What a sandbox is started with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

CLIENT_ID = "11111111-1111-4111-8111-111111111111"
CLIENT_SECRET = "sandbox-secret"
IDENTITY_CLIENT_ID = "22222222-2222-4222-8222-222222222222"
IDENTITY_HEADER = "sandbox-identity-header"


@dataclass(frozen=True)
class SandboxOptions:
    """Ports of 0 mean any free one. Redirect URIs are compared character by character, as Entra does (AADSTS50011)."""

    ca_folder: Path
    redirect_uris: Sequence[str] = ()
    post_logout_uris: Sequence[str] = ()
    front_channel_logout_uris: Sequence[str] = ()
    http_port: int = 0
    https_port: int = 0
    control_token: str = field(default="sandbox-control", repr=False)
    clock_file: Path | None = None
