"""`python -m dev.host`: serve a Functions app on this machine."""

from __future__ import annotations

import sys

from dev.host import listening, options, processes, server


def main(arguments: list[str]) -> int:
    """Serve until stopped; returns the exit code: 0 stopped, 2 could not start."""
    asked = options.parse(arguments)
    try:
        listeners = listening.bind(asked.port, asked.processes)
    except listening.PortTaken as error:
        print(error, file=sys.stderr)
        return server.REFUSED
    port = listeners[0].getsockname()[1]

    def announce() -> None:
        print(f"Listening on {asked.scheme}://localhost:{port}", flush=True)

    if asked.processes == 1:
        return server.serve(asked, listeners[0], announce)
    return processes.serve(asked, listeners, announce)


if __name__ == "__main__":
    processes.leave(main(sys.argv[1:]))
