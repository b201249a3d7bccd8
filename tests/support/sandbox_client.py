"""How tests of the sandbox speak to it: MSAL for Entra, one raw HTTP request for all else."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
import ssl
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msal
import requests

from dev.sandbox.options import CLIENT_ID, CLIENT_SECRET
from dev.sandbox.serving import Sandbox

REDIRECT_URI = "http://localhost:7071/auth/callback"
OTHER_REDIRECT_URI = "http://localhost:7072/auth/callback"
POST_LOGOUT_URI = "http://localhost:7071/"
FRONT_CHANNEL_URI = "http://localhost:7071/auth/front-channel-logout"
SCOPES = ("User.Read", "Mail.Read")


@dataclass(frozen=True)
class Reply:
    """A whole answer, its body decoded as its Content-Encoding says."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    ca_file: Path | None = None,
    timeout: float = 10,
) -> Reply:
    """One request on a connection of its own, the path exactly as written; redirects are not followed.

    Raises what http.client raises when the connection breaks.
    """
    parts = urlsplit(url)
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=ca_file)
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.netloc, timeout=timeout, context=context
        )
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=timeout)
    with contextlib.closing(connection):
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request(method, target, body, dict(headers or {}))
        answer = connection.getresponse()
        content = answer.read()
    names = {name.lower(): value for name, value in answer.getheaders()}
    if names.get("content-encoding") == "gzip":
        content = gzip.decompress(content)
    return Reply(answer.status, names, content)


class Client:
    """An application registered with the sandbox: MSAL, unmodified, that trusts the development CA alone."""

    def __init__(self, sandbox: Sandbox, tenant: str = "common") -> None:
        self.sandbox = sandbox
        self.token_endpoint = f"{sandbox.https_url}/{tenant}/oauth2/v2.0/token"
        session = requests.Session()
        session.trust_env = False
        session.verify = str(sandbox.ca_file)
        self.msal = msal.ConfidentialClientApplication(
            CLIENT_ID,
            client_credential=CLIENT_SECRET,
            authority=f"{sandbox.https_url}/{tenant}",
            instance_discovery=False,
            http_client=session,
        )

    def begin(self, scopes: Sequence[str] = SCOPES, **options: Any) -> dict[str, Any]:
        """MSAL's flow: auth_uri, state, code_verifier, nonce."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MSAL recommends form_post, which SameSite cookies do not survive
            flow: dict[str, Any] = self.msal.initiate_auth_code_flow(
                list(scopes), redirect_uri=REDIRECT_URI, response_mode="query", **options
            )
        return flow

    def sign_in(self, person: str = "work", **options: Any) -> dict[str, Any]:
        """The result of a whole sign-in."""
        flow = self.begin(**options)
        location = self.sandbox.control.sign_in(flow["auth_uri"], person)
        result: dict[str, Any] = self.msal.acquire_token_by_auth_code_flow(flow, query_of(location))
        return result

    def redeemable(self, person: str = "work") -> dict[str, str]:
        """A good token request for a fresh code, to be damaged by the test."""
        flow = self.begin()
        code = query_of(self.sandbox.control.sign_in(flow["auth_uri"], person))["code"]
        return {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": flow["code_verifier"],
            "redirect_uri": REDIRECT_URI,
            "scope": "User.Read Mail.Read openid profile offline_access",
        }

    def token(self, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Reply:
        """POST to the token endpoint."""
        sent = {"Content-Type": "application/x-www-form-urlencoded"} | dict(headers or {})
        body = urlencode(form).encode()
        return fetch(self.token_endpoint, method="POST", headers=sent, body=body, ca_file=self.sandbox.ca_file)

    def graph(self, path: str, access_token: str, headers: Mapping[str, str] | None = None) -> Reply:
        """GET from Graph, over plain http."""
        sent = {"Authorization": f"Bearer {access_token}"} | dict(headers or {})
        return fetch(f"{self.sandbox.http_url}/v1.0{path}", headers=sent)

    def change(self, method: str, path: str, access_token: str, document: object = None) -> Reply:
        """Write to Graph, a JSON document where one is given."""
        sent = {"Authorization": f"Bearer {access_token}", "Content-Type": "application/json"}
        body = None if document is None else json.dumps(document).encode()
        return fetch(f"{self.sandbox.http_url}/v1.0{path}", method=method, headers=sent, body=body)


def query_of(url: str) -> dict[str, str]:
    """The query of a redirect, decoded once."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


@contextlib.contextmanager
def raw_connection(sandbox: Sandbox, scheme: str) -> Iterator[socket.socket]:
    """A socket to one of the listeners, encrypted or not."""
    url = sandbox.https_url if scheme == "https" else sandbox.http_url
    port = urlsplit(url).port
    assert port is not None
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    with contextlib.ExitStack() as stack:
        stack.enter_context(plain)
        if scheme == "http":
            yield plain
            return
        context = ssl.create_default_context(cafile=sandbox.ca_file)
        yield stack.enter_context(context.wrap_socket(plain, server_hostname="localhost"))
