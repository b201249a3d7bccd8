"""The control endpoint: who may use it, and what it does besides faults."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from dev.sandbox.control_client import Control, ControlError
from dev.sandbox.options import SandboxOptions
from dev.sandbox.serving import Sandbox, serve
from tests.support.sandbox_client import REDIRECT_URI, Client, fetch, query_of

AUTHORIZED = {"Authorization": "Bearer sandbox-control"}


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("path", ["/_control/log", "/_control/nothing", "/_control"])
def test_control_needs_the_token(lone_sandbox: Sandbox, scheme: str, path: str) -> None:
    base = lone_sandbox.http_url if scheme == "http" else lone_sandbox.https_url
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic sandbox-control"}):
        assert fetch(f"{base}{path}", headers=headers, ca_file=lone_sandbox.ca_file).status == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost", "localhost:1", "127.0.0.1.evil.example:80", "169.254.1.1"]
)
def test_control_refuses_a_foreign_host_even_with_the_token(lone_sandbox: Sandbox, host: str) -> None:
    headers = AUTHORIZED | {"Host": host}
    assert fetch(f"{lone_sandbox.http_url}/_control/log", headers=headers).status == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:7071", "https://127.0.0.1:1"])
def test_control_refuses_a_foreign_origin_even_with_the_token(lone_sandbox: Sandbox, origin: str) -> None:
    headers = AUTHORIZED | {"Origin": origin}
    assert fetch(f"{lone_sandbox.http_url}/_control/log", headers=headers).status == 403


def test_control_answers_under_each_loopback_name_and_to_its_own_pages(lone_sandbox: Sandbox) -> None:
    port = urlsplit(lone_sandbox.http_url).port
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}"):
        headers = AUTHORIZED | {"Host": host, "Origin": f"http://{host}"}
        assert fetch(f"{lone_sandbox.http_url}/_control/log", headers=headers).status == 200


def test_a_refused_call_changes_nothing(lone_sandbox: Sandbox) -> None:
    body = json.dumps({"where": "discovery", "action": {"status": 500}}).encode()
    url = f"{lone_sandbox.http_url}/_control/faults"
    assert fetch(url, method="POST", body=body).status == 401
    assert fetch(url, method="POST", body=body, headers=AUTHORIZED | {"Origin": "null"}).status == 403
    assert fetch(f"{lone_sandbox.http_url}/common/v2.0/.well-known/openid-configuration").status == 200


def test_the_sandbox_listens_on_loopback_addresses_only(lone_sandbox: Sandbox) -> None:
    port = urlsplit(lone_sandbox.http_url).port
    assert port is not None
    with socket.socket() as everywhere:  # would fail if the sandbox had taken the port on every address
        everywhere.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        everywhere.bind(("127.0.0.2", port))


@pytest.mark.parametrize("body", [b"[]", b"{", b'"text"', b'{"offset": "soon"}', b"{}"])
def test_a_body_without_sense_is_refused(lone_sandbox: Sandbox, body: bytes) -> None:
    reply = fetch(f"{lone_sandbox.http_url}/_control/clock", method="POST", headers=AUTHORIZED, body=body)
    assert reply.status == 400
    assert reply.json["error"]


def test_an_unknown_setting_is_refused(lone_sandbox: Sandbox) -> None:
    with pytest.raises(ControlError, match="no such setting: colour"):
        lone_sandbox.control.settings(colour="red")


def test_the_log_has_every_call_in_order_of_arrival_with_its_raw_path(client: Client) -> None:
    control = client.sandbox.control
    tokens = client.sign_in()
    client.graph("/me/messages/a%2Fb%20c?$select=subject&x=%2B", tokens["access_token"], {"Prefer": "x"})
    calls = control.log()
    assert [call["where"] for call in calls] == ["discovery", "authorize", "token", "graph.message"]
    assert [call["n"] for call in calls] == [1, 2, 3, 4]
    assert [call["listener"] for call in calls] == ["https", "http", "https", "http"]
    assert [call["person"] for call in calls] == [None, "work", "work", "work"]
    assert [call["status"] for call in calls] == [200, 302, 200, 400]
    assert calls[3]["raw_path"] == "/v1.0/me/messages/a%2Fb%20c"
    assert calls[3]["query"] == "$select=subject&x=%2B"
    assert calls[3]["headers"]["prefer"] == "x"
    assert calls[2]["form"]["grant_type"] == "authorization_code"
    assert abs(calls[0]["time"] - time.time()) < 60
    assert control.log(since=3) == calls[3:]
    assert control.log(where="graph") == calls[3:]


def test_stats_count_calls_per_place_and_grant_type(client: Client) -> None:
    tokens = client.sign_in()
    client.msal.acquire_token_by_refresh_token(tokens["refresh_token"], ["Mail.Read"])
    client.graph("/me", tokens["access_token"])
    stats = client.sandbox.control.stats()
    assert stats["calls"] == {"discovery": 1, "authorize": 1, "token": 2, "graph.me": 1}
    assert stats["token"] == {"authorization_code": 1, "refresh_token": 1}
    assert stats["graph_at_once"] == {"work": 1}


def test_reset_forgets_everything_but_issued_tokens(client: Client) -> None:
    control = client.sandbox.control
    tokens = client.sign_in()
    control.clock(3600)
    control.app_clock(60)
    control.person("work", name="Somebody Else")
    control.mailbox("work", [])
    control.settings(issue_refresh_token=False)
    control.expire()
    control.revoke()
    control.reset()
    assert control.log() == []
    assert control.settings()["issue_refresh_token"] is True
    assert control.person("work")["name"] == "Maren Solberg"
    assert len(client.graph("/me/messages", tokens["access_token"]).json["value"]) == 10
    assert "access_token" in client.msal.acquire_token_by_refresh_token(tokens["refresh_token"], ["Mail.Read"])


def test_the_clock_of_the_app_is_a_file_that_stays_the_same_file(ca_folder: Path, tmp_path: Path) -> None:
    clock_file = tmp_path / "clock"
    with serve(SandboxOptions(ca_folder=ca_folder, clock_file=clock_file)) as sandbox, clock_file.open("rb") as opened:
        sandbox.control.app_clock(-12.5)
        assert struct.unpack("<dd", opened.read()) == (-12.5, 0.0)
        sandbox.control.reset()
        opened.seek(0)
        assert struct.unpack("<dd", opened.read()) == (0.0, 0.0)


def test_the_sandboxs_clock_stamps_tokens(client: Client) -> None:
    client.sandbox.control.clock(26 * 3600)
    claims = client.sign_in()["id_token_claims"]
    assert claims["iat"] == pytest.approx(time.time() + 26 * 3600 - 300, abs=60)
    assert claims["exp"] - claims["iat"] == 3900


def test_claims_of_a_person_can_be_changed_and_removed(client: Client) -> None:
    name = "Zoë 𝒜𝓁𝒾 👩🏽‍🚀 محمد"
    sid = "0f5d5e0a-3b2c-4a53-9a39-0b6f3f5a2c11"
    client.sandbox.control.person("work", name=name, login_hint=None, sid=sid)
    claims = client.sign_in()["id_token_claims"]
    assert (claims["name"], claims["sid"]) == (name, sid)
    assert "login_hint" not in claims


def test_further_people_have_identities_of_their_own(client: Client) -> None:
    control = client.sandbox.control
    people = [control.person(f"clerk-{number}") for number in range(3)]
    assert len({person["oid"] for person in people}) == 3
    tokens = client.sign_in("clerk-1")
    assert tokens["id_token_claims"]["oid"] == people[1]["oid"]
    assert client.graph("/me/messages", tokens["access_token"]).status == 200


def test_every_issued_secret_is_listed_and_marked(client: Client) -> None:
    control = client.sandbox.control
    known = set(control.canaries())
    for person in ("work", "guest", "personal"):
        tokens = client.sign_in(person)
        fresh = [value for value in control.canaries() if value not in known]
        known.update(fresh)
        assert len(fresh) == 4
        assert {tokens["access_token"], tokens["refresh_token"]} <= set(fresh)
        marks = ("canary", base64.b64encode(b"canary").decode())
        assert all(any(mark in value for mark in marks) for value in fresh)


def test_signing_in_by_control_reports_what_the_page_would_say(client: Client) -> None:
    url = client.begin()["auth_uri"]
    with pytest.raises(ControlError, match="AADSTS50011"):
        client.sandbox.control.sign_in(url.replace("7071", "9999"))
    organizations = Client(client.sandbox, "organizations")
    with pytest.raises(ControlError, match="AADSTS50020"):
        client.sandbox.control.sign_in(organizations.begin()["auth_uri"], "personal")
    location = client.sandbox.control.sign_in(url.replace("response_type=code", "response_type=token"))
    assert query_of(location)["error"] == "unsupported_response_type"


def test_the_front_page_shows_what_happened_to_those_with_the_token(client: Client) -> None:
    client.sign_in()
    url = client.sandbox.http_url
    without, wrong = fetch(f"{url}/"), fetch(f"{url}/?token=wrong")
    assert (without.status, wrong.status) == (401, 401)
    assert "/oauth2/v2.0/token" not in without.text + wrong.text
    page = fetch(f"{url}/?token=sandbox-control")
    assert page.status == 200
    assert "/common/oauth2/v2.0/token" in page.text
    foreign = fetch(f"{url}/?token=sandbox-control", headers={"Host": "evil.example"})
    assert foreign.status == 403
    assert "/oauth2/v2.0/token" not in foreign.text


def test_the_command_says_ready_and_ends_on_a_signal(ca_folder: Path, tmp_path: Path) -> None:
    http_port, https_port = free_ports(2)
    process = start(http_port, https_port, ca_folder)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        control = Control(f"http://127.0.0.1:{http_port}", "a-token")
        control.fault("discovery", {"delay": 60})
        with socket.create_connection(("127.0.0.1", http_port)) as waiting:
            waiting.sendall(b"GET /common/v2.0/.well-known/openid-configuration HTTP/1.1\r\nHost: a\r\n\r\n")
            deadline = time.monotonic() + 10
            while not control.log() and time.monotonic() < deadline:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_taken_port_is_one_clear_line(ca_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start(taken.getsockname()[1], 0, ca_folder)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert len(output.splitlines()) == 1
    assert "cannot listen" in output


def start(http_port: int, https_port: int, ca_folder: Path) -> subprocess.Popen[str]:
    arguments: list[Any] = ["--http-port", http_port, "--https-port", https_port, "--ca-folder", ca_folder]
    arguments += ["--redirect-uri", REDIRECT_URI, "--control-token", "a-token"]
    command = [sys.executable, "-m", "dev.sandbox", *(str(argument) for argument in arguments)]
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        command, cwd=root, env=dict(os.environ), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for sock in sockets:
        sock.bind(("127.0.0.1", 0))
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports
