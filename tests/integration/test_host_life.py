"""Starting, failing, several processes and stopping of the local host."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dev.certificates import ca_file
from dev.host.listening import bind
from dev.host.serving import NotStarted, RunningHost, serve
from tests.integration.host_wire import APPS, ask, options

SETTINGS = {"GREETING": "hello", "FAREWELL": "bye"}


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(process: int) -> bool:
    """Whether it runs; one that has ended but was not yet waited for does not, as far as the system tells."""
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(") ")[2]
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # it has just gone, or this system has no /proc
        return not Path("/proc/self").exists()
    return not state.startswith("Z")


def serving_processes(host: RunningHost, count: int) -> set[int]:
    """The processes that answer, once `count` different ones have."""
    seen: set[int] = set()

    def all_seen() -> bool:
        seen.add(ask(host.port, "/echo").json["process"])
        return len(seen) >= count

    eventually(all_seen)
    return seen


def test_an_app_that_cannot_be_imported_answers_404_and_the_log_says_why() -> None:
    """azure-functions-host GrpcWorkerChannel.cs, WorkerFunctionMetadataProvider.cs: no functions, a running host."""
    with serve(options("broken")) as host:
        assert ask(host.port, "/ping").status == 404
        assert ask(host.port, "/").status == 200
        assert "every route answers 404: ImportError: no such wheel: on purpose" in host.log
        assert '    raise ImportError("no such wheel: on purpose")' in host.log


def test_a_host_json_of_another_version_answers_503() -> None:
    """azure-functions-host WebJobsScriptHostService.cs, HostAvailabilityCheckMiddleware.cs."""
    with serve(options("old_version")) as host:
        answer = ask(host.port, "/anything")
        assert (answer.status, answer.content) == (503, b"Function host is not running.")
        assert 'host.json must have "version": "2.0"' in host.log


def test_the_home_page_can_be_switched_off() -> None:
    """azure-functions-host HomepageMiddleware.cs."""
    with serve(options("http", environment={"AzureWebJobsDisableHomepage": "true"})) as host:
        assert ask(host.port, "/").status == 204


def test_the_body_limit_is_a_setting() -> None:
    """azure-functions-host HttpRequestBodySizeMiddleware.cs: above it the read fails, which is a 500."""
    with serve(options("http", environment={"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "10"})) as host:
        assert ask(host.port, "/echo", method="POST", body=b"x" * 10).status == 200
        assert ask(host.port, "/echo", method="POST", body=b"x" * 11).status == 500


def test_the_front_end_decodes_slashes_and_says_who_called() -> None:
    """azure-functions-host issue 3998, AppServiceHeaderFixupMiddleware.cs."""
    with serve(options("http", front_end=True)) as host:
        assert ask(host.port, "/echo/a%2Fb").status == 404
        assert ask(host.port, "/files/a%2Fb").json == {"path": "a/b"}
        seen = ask(host.port, "/echo/a%252Fb", "X-Forwarded-Proto: https", "DISGUISED-HOST: app.example.org").json
        assert seen["route_params"] == {"id": "a%2Fb"}
        assert seen["url"] == "https://app.example.org/echo/a%2Fb"
        assert seen["headers"]["x-forwarded-for"].startswith("127.0.0.1:")


def test_a_taken_port_is_one_line_and_exit_code_2() -> None:
    (taken,) = bind(0, 1)
    with taken:
        port = taken.getsockname()[1]
        with pytest.raises(NotStarted) as refused, serve(options("http", port=port)):
            pass
    assert refused.value.exit_code == 2
    assert str(refused.value).splitlines() == [f"Port {port} on 127.0.0.1 cannot be used: Address already in use."]


@pytest.mark.parametrize("processes", [1, 2])
def test_wrong_settings_are_listed_together_and_nothing_is_served(processes: int) -> None:
    with pytest.raises(NotStarted) as refused, serve(options("with_settings", processes=processes)):
        pass
    assert refused.value.exit_code == 2
    assert str(refused.value).splitlines() == [
        "Settings are wrong (2); not started:",
        "  GREETING is required",
        "  FAREWELL is required",
    ]


def test_wrong_settings_are_served_when_asked_for() -> None:
    """As in Azure, where nobody checks before the first request."""
    with serve(options("with_settings", check_settings=False)) as host:
        assert ask(host.port, "/services").status == 500


def test_the_app_is_given_its_clock_and_ca(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_bytes(struct.pack("<d", 1e9))
    chosen = options("with_settings", environment=SETTINGS, ca_file=tmp_path / "ca.pem", clock_file=clock)
    with serve(chosen) as host:
        greeting, now, ca = ask(host.port, "/services").content.decode().split()
    assert (greeting, ca) == ("hello", str(tmp_path / "ca.pem"))
    assert abs(float(now) - time.time() - 1e9) < 60


def copied_app(folder: Path, values: dict[str, object]) -> Path:
    for name in ("function_app.py", "host.json"):
        (folder / name).write_bytes((APPS / "http" / name).read_bytes())
    (folder / "local.settings.json").write_text(json.dumps({"Values": values}), encoding="utf-8")
    return folder


def test_local_settings_fill_what_the_environment_leaves_open(tmp_path: Path) -> None:
    folder = copied_app(tmp_path, {"AzureWebJobsDisableHomepage": "true", "AzureWebJobs.echo.Disabled": "true"})
    with serve(options(str(folder), environment={"AzureWebJobsDisableHomepage": "false"})) as host:
        assert ask(host.port, "/").status == 200
        assert ask(host.port, "/echo").status == 404


def test_broken_local_settings_are_one_line_and_exit_code_2(tmp_path: Path) -> None:
    with pytest.raises(NotStarted) as refused, serve(options(str(copied_app(tmp_path, {"NUMBER": 1})))):
        pass
    assert refused.value.exit_code == 2
    assert str(refused.value).splitlines() == ["local.settings.json: not a string: NUMBER"]


def test_https_uses_the_certificate_of_the_local_ca(tmp_path: Path) -> None:
    with serve(options("http", certificate_folder=tmp_path)) as host:
        assert host.url == f"https://localhost:{host.port}"
        context = ssl.create_default_context(cafile=ca_file(tmp_path))
        with (
            socket.create_connection(("127.0.0.1", host.port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            connection.sendall(b"GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            received = b""
            while part := connection.recv(65536):
                received += part
    assert b'"url": "https://localhost/echo"' in received


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_host_at_once_without_a_traceback(number: signal.Signals) -> None:
    with serve(options("http")) as host:
        host.process.send_signal(number)
        assert host.process.wait(20) == 0
        with pytest.raises(ConnectionRefusedError):
            ask(host.port, "/echo")
    assert host.log.endswith(f"Listening on http://localhost:{host.port}\n")


def test_a_function_that_runs_long_does_not_hold_up_the_stop() -> None:
    with serve(options("http")) as host:
        waiting = threading.Thread(target=lambda: _ask_until_closed(host.port, "/slow"))
        waiting.start()
        eventually(lambda: ask(host.port, "/async").status == 200)
        started = time.monotonic()
        host.stop()
        assert time.monotonic() - started < 15
        waiting.join()


def _ask_until_closed(port: int, target: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        connection.recv(1)


def test_several_processes_share_the_port_and_all_stop() -> None:
    with serve(options("http", processes=3)) as host:
        processes = serving_processes(host, 3)
        assert len(processes) == 3
        host.process.terminate()
        assert host.process.wait(20) == 0
        assert not any(map(is_running, processes))
        assert "Traceback" not in host.log


def test_a_process_that_dies_is_replaced() -> None:
    with serve(options("http", processes=2)) as host:
        before = serving_processes(host, 2)
        killed = before.pop()
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: not is_running(killed))
        after = serving_processes(host, 2)
        assert killed not in after
        assert before < after
        assert f"Process {killed} ended (-9); starting another." in host.log


def test_no_process_outlives_a_killed_host() -> None:
    with serve(options("http", processes=2)) as host:
        processes = serving_processes(host, 2)
        host.process.kill()
        eventually(lambda: not any(map(is_running, processes)))


def test_connections_are_kept_alive() -> None:
    """Kestrel keeps an idle connection for 130 seconds (KestrelServerLimits.KeepAliveTimeout)."""
    with serve(options("http")) as host, socket.create_connection(("127.0.0.1", host.port), timeout=20) as connection:
        for _ in range(2):
            connection.sendall(b"GET /async HTTP/1.1\r\nHost: localhost\r\n\r\n")
            received = b""
            while not received.endswith(b"0\r\n\r\n"):
                received += connection.recv(65536)
            assert received.startswith(b"HTTP/1.1 200")


def test_an_unread_body_does_not_disturb_the_next_request() -> None:
    """A body that the host does not hand to the function still belongs to its request."""
    with serve(options("http")) as host, socket.create_connection(("127.0.0.1", host.port), timeout=20) as connection:
        connection.sendall(
            b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nGET /x H"
            b"GET /async HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        received = b""
        while part := connection.recv(65536):
            received += part
    assert received.count(b"HTTP/1.1 ") == 2
    assert b"from a coroutine" in received
