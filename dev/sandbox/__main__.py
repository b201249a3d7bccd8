"""`python -m dev.sandbox`: see --help."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from dev.sandbox.options import SandboxOptions
from dev.sandbox.serving import SandboxServer


def main() -> int:
    """Serve until a signal comes. 1: a port is taken."""
    options = _options()
    try:
        sandbox = SandboxServer(options)
    except OSError as error:
        ports = f"{options.http_port} and {options.https_port}"
        print(f"the sandbox cannot listen on ports {ports}: {error}", file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sandbox.stop())
    sandbox.run(lambda: print("ready", flush=True))
    return 0


def _options() -> SandboxOptions:
    parser = argparse.ArgumentParser(prog="python -m dev.sandbox", description="An imitation of Entra ID and Graph.")
    parser.add_argument("--http-port", type=int, required=True, help="pages and Graph, plain http")
    parser.add_argument("--https-port", type=int, required=True, help="discovery, tokens and Graph, https")
    parser.add_argument("--ca-folder", type=Path, required=True, help="where the development CA is kept")
    parser.add_argument("--redirect-uri", action="append", default=[], help="a registered redirect URI; repeatable")
    parser.add_argument("--post-logout-uri", action="append", default=[], help="where signing out may lead; repeatable")
    parser.add_argument(
        "--front-channel-logout-uri", action="append", default=[], help="told of a sign-out in a frame; repeatable"
    )
    parser.add_argument("--control-token", required=True, help="bearer token of the control endpoint")
    parser.add_argument("--clock", type=Path, help="file that shifts the app's clock")
    given = parser.parse_args()
    return SandboxOptions(
        ca_folder=given.ca_folder,
        redirect_uris=tuple(given.redirect_uri),
        post_logout_uris=tuple(given.post_logout_uri),
        front_channel_logout_uris=tuple(given.front_channel_logout_uri),
        http_port=given.http_port,
        https_port=given.https_port,
        control_token=given.control_token,
        clock_file=given.clock,
    )


if __name__ == "__main__":
    sys.exit(main())
