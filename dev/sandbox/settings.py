"""What the control endpoint can change about how the sandbox behaves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Settings:
    """Durations are in seconds."""

    expires_in: int | None = None
    """Life of access tokens; None draws it as Entra does: 60 to 90 minutes, 20 to 28 hours for a client with CP1."""
    expires_in_as_string: bool = False
    issue_refresh_token: bool = True
    one_use_refresh_tokens: bool = False
    logout_redirects: bool = True
    """False: the sign-out page does not lead back, as with personal accounts."""
    idle_reset_seconds: float | None = None
    """Connections that were idle for so long are reset (TCP RST), as load balancers do."""
    graph_delay: float = 0.0
    token_delay: float = 0.0
    mailbox_concurrency: int | None = 4
    """Requests at once per mailbox before Graph answers 429; None for no limit."""

    def update(self, changes: dict[str, object]) -> None:
        """Change some. Raises ValueError for a name that is no setting."""
        unknown = sorted(set(changes) - set(vars(self)))
        if unknown:
            raise ValueError(f"no such setting: {', '.join(unknown)}")
        for name, value in changes.items():
            setattr(self, name, value)
