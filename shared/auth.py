"""Signing in with Microsoft Entra ID. The only place that touches MSAL."""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from shared import errors, log
from shared.challenges import with_capability
from shared.clock import Clock, Deadline
from shared.config import Config
from shared.entra import Discovery, DiscoveryReader, MsalHttp
from shared.entra_errors import error_codes, redemption_error, refresh_error
from shared.id_token import check_id_token, home_account
from shared.outbound import Outbound
from shared.pending import PendingSignIn
from shared.secret import Secret
from shared.session_rows import Identity, Session, Tokens

if TYPE_CHECKING:
    import msal

SECONDS = 7.0
_ALREADY_REDEEMED = 54005
_RESERVED = {"openid", "profile", "email", "offline_access"}
CAPABILITY = "CP1"
"""Says that we understand claims challenges; Entra's access tokens then live for a day, and can be revoked at once.

https://learn.microsoft.com/entra/identity-platform/app-resilience-continuous-access-evaluation
"""

ClientCredential = str | dict[str, Callable[[], str]]
"""A client secret, or {"client_assertion": what makes one}, as MSAL takes them."""


class CodeAlreadyRedeemed(Exception):
    """Raised when the same callback came twice: the other one has signed the person in."""


@dataclass(frozen=True, slots=True)
class _Client:
    """MSAL, made for one reading of the discovery document."""

    discovery: Discovery
    http: MsalHttp
    application: msal.ConfidentialClientApplication


class Auth:
    """The authorization code flow with PKCE, refresh, and the way to Entra's sign-out.

    Methods that ask Entra raise EntraUnavailable, EntraBadAnswer and AppRegistrationRefused, and take the request's
    deadline, of which they use at most 7 seconds.
    """

    def __init__(self, config: Config, outbound: Outbound, clock: Clock, credential: ClientCredential) -> None:
        self._config = config
        self._outbound = outbound
        self._clock = clock
        self._credential = credential
        self._discovery = DiscoveryReader(config.authority, outbound, clock)
        self._lock = threading.Lock()
        self._made: _Client | None = None

    def prepare(self, deadline: Deadline) -> None:
        """Have everything that a token request needs."""
        self._client(deadline)

    def begin(
        self, options: Mapping[str, str], return_to: str, replaces: str, claims: str | None, deadline: Deadline
    ) -> tuple[PendingSignIn, str]:
        """A new pending sign-in, and the address of Entra's sign-in page for it.

        `options` may hold prompt, login_hint, domain_hint and scopes to add (`consent`). `claims` is what the sign-in
        must bring beyond the usual, as JSON.
        """
        client = self._client(deadline)
        # `.default` goes with no other permission; Entra adds those of Graph that were granted before.
        alone = "consent" in options and any(scope.endswith("/.default") for scope in self._config.scopes)
        usual = () if alone else self._config.scopes
        scopes = [*usual, *([options["consent"]] if "consent" in options else [])]
        hints = {name: options[name] for name in ("prompt", "login_hint", "domain_hint") if name in options}
        flow = client.application.initiate_auth_code_flow(
            scopes, redirect_uri=self._config.redirect_uri, response_mode="query", claims_challenge=claims, **hints
        )
        pending = PendingSignIn(
            flow["state"], int(self._clock.now()), flow["code_verifier"], flow["nonce"], return_to, replaces, claims
        )
        return pending, flow["auth_uri"]

    def redeem(self, pending: PendingSignIn, code: str, deadline: Deadline) -> tuple[Identity, Tokens]:
        """Trade the code for tokens and learn who signed in.

        Raises CodeAlreadyRedeemed, SignInRefused, ConsentRequired, AccountNotAllowed. RFC 6749 section 4.1.3, RFC 7636.
        """
        flow = {
            "state": pending.state,
            "redirect_uri": self._config.redirect_uri,
            "scope": list(self._config.scopes),
            "code_verifier": pending.code_verifier,
            "nonce": pending.nonce,
            "claims_challenge": pending.claims,
        }
        client = self._client(deadline)
        result = self._asked(
            client,
            deadline,
            lambda: client.application.acquire_token_by_auth_code_flow(flow, {"state": pending.state, "code": code}),
        )
        if "error" in result:
            if _ALREADY_REDEEMED in error_codes(result):
                raise CodeAlreadyRedeemed
            raise redemption_error(result)
        identity = self._identity(client, result, pending.nonce)
        if not self._config.tenant_allowed(identity.tenant_id):
            log.event("sign_in_refused", reason="tenant", tenant=identity.tenant_id, person=identity.object_id)
            raise errors.AccountNotAllowed
        identity = replace(identity, home=home_account(result.get("client_info")))
        return identity, self._tokens(result, self._config.scopes)

    def refresh(self, session: Session, deadline: Deadline, claims: str | None = None) -> Tokens:
        """New tokens for a session, of the scopes that it was granted and with these claims. RFC 6749 section 6.

        Raises NotSignedIn where the grant is dead or the answer is about somebody else; InteractionRequired.
        """
        old = session.tokens.refresh_token
        if old is None:
            raise errors.NotSignedIn
        client = self._client(deadline)
        scopes = self._granted(session.tokens)
        # MSAL declares the capability in every request but this one.
        data = {"claims": with_capability(claims, CAPABILITY)}
        result = self._asked(
            client,
            deadline,
            lambda: client.application.acquire_token_by_refresh_token(old.reveal(), list(scopes), data=data),
        )
        if "error" in result:
            raise refresh_error(result, session.identity)
        who = session.identity
        if not self._same_person(client, result, who):
            log.event("refresh_failed", reason="other_person", tenant=who.tenant_id, person=who.object_id)
            raise errors.NotSignedIn
        tokens = self._tokens(result, scopes)
        return tokens if tokens.refresh_token else replace(tokens, refresh_token=old)

    def sign_out_url(self, login_hint: str, deadline: Deadline) -> str:
        """Entra's sign-out page, which then leads back here. OpenID Connect RP-Initiated Logout 1.0."""
        try:
            endpoint = self._discovery.read(deadline).end_session_endpoint
        except errors.DrawbridgeError:
            endpoint = self._config.authority + "/oauth2/v2.0/logout"
        query = {"post_logout_redirect_uri": self._config.public_url + "/"}
        if login_hint:
            query["logout_hint"] = login_hint
        return f"{endpoint}?{urlencode(query)}"

    def _client(self, deadline: Deadline) -> _Client:
        discovery = self._discovery.read(deadline.within(SECONDS))
        made = self._made
        if made is not None and made.discovery is discovery:
            return made
        with self._lock:
            if self._made is None or self._made.discovery is not discovery:
                self._made = self._new_client(discovery)
            return self._made

    def _new_client(self, discovery: Discovery) -> _Client:
        import msal

        class NoCache(msal.TokenCache):  # type: ignore[misc]  # a shared cache would grow by everybody's tokens
            def add(self, event: Any, now: Any = None) -> None:
                return

        # MSAL would rather have form_post, but a Lax cookie does not travel with another site's POST.
        warnings.filterwarnings("ignore", message="response_mode='form_post'", category=UserWarning)
        http = MsalHttp(discovery, self._outbound, self._clock)
        application = msal.ConfidentialClientApplication(
            self._config.client_id,
            client_credential=self._credential,
            authority=self._config.authority,
            instance_discovery=False,
            token_cache=NoCache(),
            http_client=http,
            client_capabilities=[CAPABILITY],
        )
        return _Client(discovery, http, application)

    def _asked(self, client: _Client, deadline: Deadline, call: Callable[[], Any]) -> dict[str, Any]:
        """Let MSAL ask Entra. It raises RuntimeError for a wrong nonce or id_token, and all sorts of things for an
        answer that is not what the protocol says."""
        try:
            with client.http.under(deadline.within(SECONDS)):
                result = call()
        except errors.DrawbridgeError:
            raise
        except RuntimeError as problem:
            log.failure("id_token_refused", problem)
            raise errors.SignInRefused from None
        except Exception as problem:  # noqa: BLE001 - MSAL lets whatever it stumbles over escape
            log.failure("msal_failed", problem)
            raise errors.EntraBadAnswer from None
        if not isinstance(result, dict) or not result:
            raise errors.EntraBadAnswer
        return result

    def _identity(self, client: _Client, result: Mapping[str, Any], nonce: str | None) -> Identity:
        claims = result.get("id_token_claims") if result.get("id_token") else None
        return check_id_token(
            claims, client_id=self._config.client_id, issuer=client.discovery.issuer, nonce=nonce, now=self._clock.now()
        )

    def _same_person(self, client: _Client, result: Mapping[str, Any], known: Identity) -> bool:
        """Whether a refresh is about whom we know, as far as it says; it need not bring an id_token."""
        if "id_token" not in result:
            home = home_account(result.get("client_info"))
            return not (home and known.home) or home == known.home
        try:
            return self._identity(client, result, None).same_person(known)
        except errors.SignInRefused:
            return False

    def _granted(self, tokens: Tokens) -> tuple[str, ...]:
        """What to ask for at a refresh, where `.default` stands alone and MSAL adds what OpenID Connect reserves."""
        scopes = tuple(scope for scope in tokens.scopes if scope.lower() not in _RESERVED)
        return tuple(scope for scope in scopes if scope.endswith("/.default")) or scopes or self._config.scopes

    def _tokens(self, result: Mapping[str, Any], asked: tuple[str, ...]) -> Tokens:
        access_token, refresh_token, scope = map(result.get, ("access_token", "refresh_token", "scope"))
        # It becomes a header of every Graph request, so nothing may be in it that ends one.
        if not isinstance(access_token, str) or not re.fullmatch(r"[\x21-\x7e]+", access_token):
            raise errors.EntraBadAnswer
        if not isinstance(refresh_token, str | None):
            raise errors.EntraBadAnswer
        life = _seconds(result.get("expires_in"))
        scopes = tuple(scope.split()) if isinstance(scope, str) else asked
        issued = int(self._clock.now())
        expires = issued + life - min(10, life // 20)
        return Tokens(Secret(access_token), Secret(refresh_token) if refresh_token else None, expires, scopes, issued)


def _seconds(value: Any) -> int:
    try:
        return max(0, min(int(value), 30 * 86400))
    except (TypeError, ValueError, OverflowError):
        raise errors.EntraBadAnswer from None
