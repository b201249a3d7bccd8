"""Runs a program that must not outlive us: `python leash.py PROGRAM ...`.

Whoever starts it holds the other end of its standard input. When that closes, on purpose or because its holder was
killed, the program and all that it started are ended. It stands alone, on the standard library, and starts in 10 ms.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

PATIENCE = 5.0  # seconds between asking and forcing


def main(command: list[str]) -> int:
    """Exit code: the program's own; 128 + signal where one ended it, as in shells; 127 where it cannot be started."""
    try:
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=os.name != "nt")
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    threading.Thread(target=end_with_holder, args=(program,), daemon=True).start()
    code = program.wait()
    end_rest(program)
    return code if code >= 0 else 128 - code


def end_with_holder(program: subprocess.Popen[bytes]) -> None:
    """Waits until standard input closes, then asks the program to end, then makes it."""
    while os.read(sys.stdin.fileno(), 1024):  # not sys.stdin.read: its lock would break our own end, in another thread
        pass
    program.terminate()
    try:
        program.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        program.kill()


def end_rest(program: subprocess.Popen[bytes]) -> None:
    """Ends what the program has left behind in its process group."""
    if os.name != "nt":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(program.pid, signal.SIGKILL)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):  # the holder decides; it says so by closing the pipe
        signal.signal(number, lambda *_: None)  # not SIG_IGN, which the program would inherit
    sys.exit(main(sys.argv[1:]))
