"""Scripted faults: each action does on the wire what it says, on both listeners."""

from __future__ import annotations

import gzip
import http.client
import time
from typing import Any

import pytest

from dev.sandbox.control_client import ControlError
from dev.sandbox.serving import Sandbox
from tests.support.sandbox_client import Client, Reply, fetch, query_of, raw_connection

PATH = "/common/v2.0/.well-known/openid-configuration"


def discovery(sandbox: Sandbox, scheme: str = "http", timeout: float = 10) -> Reply:
    base = sandbox.https_url if scheme == "https" else sandbox.http_url
    return fetch(f"{base}{PATH}", ca_file=sandbox.ca_file, timeout=timeout)


def receive_all(
    sandbox: Sandbox, scheme: str, path: str = PATH, headers: str = ""
) -> tuple[bytes, BaseException | None]:
    """Every byte that comes back, and how the connection ended: None is a FIN."""
    received = b""
    with raw_connection(sandbox, scheme) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except OSError as error:
            return received, error
    return received, None


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_scripted_answer_replaces_the_service(lone_sandbox: Sandbox, scheme: str) -> None:
    action = {"status": 503, "headers": {"Retry-After": "7"}, "body": {"error": {"code": "MailboxInfoStale"}}}
    lone_sandbox.control.fault("discovery", action)
    reply = discovery(lone_sandbox, scheme)
    assert (reply.status, reply.headers["retry-after"], reply.json) == (503, "7", action["body"])
    assert discovery(lone_sandbox, scheme).status == 200


def test_a_scripted_text_is_sent_verbatim(lone_sandbox: Sandbox) -> None:
    body = '{"value":[<!DOCTYPE html>'
    lone_sandbox.control.fault("discovery", {"body": body, "headers": {"Content-Type": "application/json"}})
    reply = discovery(lone_sandbox)
    assert (reply.status, reply.text, reply.headers["content-type"]) == (200, body, "application/json")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_reset_before_handling_redeems_nothing(client: Client, scheme: str) -> None:
    control = client.sandbox.control
    control.fault("token", {"reset": "before"})
    form = client.redeemable()
    with pytest.raises(OSError):
        client.token(form)
    assert client.token(form).status == 200


def test_a_reset_after_handling_redeems_without_an_answer(client: Client) -> None:
    client.sandbox.control.fault("token", {"reset": "after"})
    form = client.redeemable()
    with pytest.raises(OSError):
        client.token(form)
    assert client.token(form).json["error_codes"] == [54005]
    assert [call["status"] for call in client.sandbox.control.log(where="token")] == [None, 400]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_reset_is_a_tcp_reset_and_not_a_close(lone_sandbox: Sandbox, scheme: str, when: str) -> None:
    lone_sandbox.control.fault("discovery", {"reset": when})
    received, ending = receive_all(lone_sandbox, scheme)
    assert received == b""
    assert isinstance(ending, ConnectionResetError)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_cut_sends_the_full_length_and_fewer_bytes(lone_sandbox: Sandbox, scheme: str) -> None:
    full = discovery(lone_sandbox, scheme).body
    lone_sandbox.control.fault("discovery", {"cut": 100})
    received, ending = receive_all(lone_sandbox, scheme)
    head, _, body = received.partition(b"\r\n\r\n")
    assert f"content-length: {len(full)}".encode() in head
    assert body == full[:100]
    assert isinstance(ending, ConnectionResetError)


def test_a_cut_of_a_chunked_answer_ends_inside_a_chunk(client: Client) -> None:
    access_token = client.sign_in()["access_token"]
    client.sandbox.control.fault("graph.messages", {"cut": 50})
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        client.graph("/me/messages", access_token)


def test_a_drip_sends_one_byte_at_a_time(lone_sandbox: Sandbox) -> None:
    lone_sandbox.control.fault("discovery", {"status": 200, "body": "0123456789", "drip": 0.02})
    started = time.monotonic()
    reply = discovery(lone_sandbox)
    assert reply.text == "0123456789"
    assert time.monotonic() - started >= 0.18


def test_dripping_headers_are_slow_from_the_status_line_on(lone_sandbox: Sandbox) -> None:
    lone_sandbox.control.fault("discovery", {"status": 204, "drip_headers": 0.005})
    with raw_connection(lone_sandbox, "http") as connection:
        connection.sendall(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        first = connection.recv(65536)
        received = first
        while chunk := connection.recv(65536):
            received += chunk
    assert len(first) < 12
    assert received.startswith(b"HTTP/1.1 204 No Content\r\n")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_delayed_request_is_handled_before_it_is_answered(client: Client, scheme: str) -> None:
    client.sandbox.control.fault("token", {"delay": 5})
    form = client.redeemable()
    with pytest.raises(TimeoutError):
        fetch(
            client.token_endpoint,
            method="POST",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body="&".join(f"{name}={value}" for name, value in form.items()).encode(),
            ca_file=client.sandbox.ca_file,
            timeout=0.3,
        )
    assert client.token(form).json["error_codes"] == [54005]


def test_a_change_is_merged_into_the_normal_answer(client: Client) -> None:
    client.sandbox.control.fault("token", {"change": {"refresh_token": None, "expires_in": 5}})
    answer = client.token(client.redeemable()).json
    assert "refresh_token" not in answer
    assert answer["expires_in"] == 5
    assert answer["access_token"]


def test_changed_claims_are_signed_into_the_id_token(client: Client) -> None:
    client.sandbox.control.fault("token", {"id_token": {"tid": "elsewhere", "email": None, "pad": "x" * 1000}})
    claims = client.sign_in()["id_token_claims"]
    assert claims["tid"] == "elsewhere"
    assert claims["pad"] == "x" * 1000
    assert "email" not in claims


def test_a_gzip_bomb_decodes_to_the_size_it_was_given(client: Client) -> None:
    access_token = client.sign_in()["access_token"]
    client.sandbox.control.fault("graph.messages", {"gzip_bomb": 3_000_000})
    received, _ = receive_all(
        client.sandbox, "http", "/v1.0/me/messages", f"Authorization: Bearer {access_token}\r\nConnection: close\r\n"
    )
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"content-encoding: gzip" in head
    assert len(received) < 20_000
    size, _, rest = body.partition(b"\r\n")
    assert len(gzip.decompress(rest[: int(size, 16)])) == 3_000_000


def test_faults_strike_as_often_as_they_say_and_then_no_more(lone_sandbox: Sandbox) -> None:
    lone_sandbox.control.fault("discovery", {"status": 500}, times=2)
    assert [discovery(lone_sandbox).status for _ in range(3)] == [500, 500, 200]


def test_a_fault_without_times_lasts_until_it_is_removed_or_reset(lone_sandbox: Sandbox) -> None:
    fault_id = lone_sandbox.control.fault("discovery", {"status": 500}, times=None)
    assert [discovery(lone_sandbox).status for _ in range(3)] == [500, 500, 500]
    lone_sandbox.control.remove_fault(fault_id)
    assert discovery(lone_sandbox).status == 200
    lone_sandbox.control.fault("discovery", {"status": 500}, times=None)
    lone_sandbox.control.reset()
    assert discovery(lone_sandbox).status == 200


def test_faults_choose_by_grant_type_person_and_path(client: Client) -> None:
    control = client.sandbox.control
    work, personal = client.sign_in("work"), client.sign_in("personal")
    control.fault("token", {"status": 500}, times=None, match={"grant_type": "refresh_token"})
    control.fault("graph", {"status": 502}, times=None, match={"person": "personal"})
    control.fault("graph", {"status": 504}, times=None, match={"path_contains": "%24top=13"})
    assert client.token(client.redeemable()).status == 200
    assert client.graph("/me/messages", personal["access_token"]).status == 502
    assert client.graph("/me", work["access_token"]).status == 200
    assert client.graph("/me/messages?%24top=13", work["access_token"]).status == 504


def test_a_fault_at_authorize_and_logout_strikes_there(client: Client) -> None:
    client.sandbox.control.fault("authorize", {"status": 500})
    client.sandbox.control.fault("logout", {"status": 503})
    assert fetch(client.begin()["auth_uri"]).status == 500
    assert fetch(f"{client.sandbox.http_url}/common/oauth2/v2.0/logout").status == 503


@pytest.mark.parametrize(
    "document",
    [
        {"where": "nowhere", "action": {"status": 500}},
        {"where": "token", "action": {}},
        {"where": "token", "action": {"explode": True}},
        {"where": "token", "action": {"status": 500}, "match": {"colour": "red"}},
    ],
)
def test_a_fault_that_nobody_understands_is_refused(lone_sandbox: Sandbox, document: dict[str, Any]) -> None:
    with pytest.raises(ControlError, match="400"):
        lone_sandbox.control.fault(document["where"], document["action"], match=document.get("match"))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_idle_connections_are_reset_without_a_word(lone_sandbox: Sandbox, scheme: str) -> None:
    lone_sandbox.control.settings(idle_reset_seconds=0.1)
    received, ending = receive_all(lone_sandbox, scheme)
    assert received.startswith(b"HTTP/1.1 200")
    assert isinstance(ending, ConnectionResetError)


def test_connections_are_counted_per_listener(lone_sandbox: Sandbox) -> None:
    lone_sandbox.control.reset()
    for _ in range(3):
        discovery(lone_sandbox, "https")
    assert lone_sandbox.control.stats()["connections"]["https"] == 3


def test_msal_raises_while_discovery_is_down(lone_sandbox: Sandbox) -> None:
    lone_sandbox.control.fault("discovery", {"status": 503})
    with pytest.raises(Exception, match="503"):
        Client(lone_sandbox)


def test_a_redirect_with_an_error_can_be_scripted_for_the_person(client: Client) -> None:
    flow = client.begin()
    location = f"{flow['redirect_uri']}?error=access_denied&error_subcode=cancel&state={flow['state']}"
    client.sandbox.control.fault("authorize", {"status": 302, "headers": {"Location": location}})
    reply = fetch(flow["auth_uri"])
    assert query_of(reply.headers["location"])["error_subcode"] == "cancel"


def test_a_scripted_header_can_come_several_times(lone_sandbox: Sandbox) -> None:
    values = ['Bearer realm=""', 'Bearer error="insufficient_claims", claims="e30="']
    lone_sandbox.control.fault("discovery", {"status": 401, "headers": {"WWW-Authenticate": values}})
    received, _ = receive_all(lone_sandbox, "http", headers="Connection: close\r\n")
    assert received.count(b"www-authenticate: Bearer ") == 2
