"""The two signing keys of the imitated tenant, and JSON Web Tokens made with them."""

from __future__ import annotations

import base64
import datetime
import functools
import json
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class SigningKey:
    """An RSA key with its self-signed certificate; `kid` is the certificate's SHA-1 thumbprint, as at Entra."""

    private_key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    kid: str

    def public_jwk(self, issuer: str) -> dict[str, Any]:
        """This key in the key document. RFC 7517; `issuer` is Entra's own member."""
        numbers = self.private_key.public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": base64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)),
            "e": base64url(numbers.e.to_bytes(3)),
            "x5c": [base64.b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode()],
            "issuer": issuer,
        }


@functools.cache
def signing_keys() -> tuple[SigningKey, SigningKey]:
    """The current key and the next one; made once per process."""
    return _new_key("accounts.accesscontrol.windows.net"), _new_key("next.accesscontrol.windows.net")


def sign(claims: dict[str, Any]) -> str:
    """A JWT signed with the current key. RFC 7519, RS256."""
    key = signing_keys()[0]
    header = {"typ": "JWT", "alg": "RS256", "kid": key.kid}
    signed = f"{_segment(header)}.{_segment(claims)}"
    signature = key.private_key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{base64url(signature)}"


def base64url(value: bytes) -> str:
    """Without padding. RFC 7515 section 2."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _segment(document: dict[str, Any]) -> str:
    return base64url(json.dumps(document, separators=(",", ":")).encode())


def _new_key(common_name: str) -> SigningKey:
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=30))
        .not_valid_after(now + datetime.timedelta(days=1800))
        .sign(private_key, hashes.SHA256())
    )
    # Entra's kid is this thumbprint; SHA-1 names the key here and protects nothing.
    return SigningKey(private_key, certificate, base64url(certificate.fingerprint(hashes.SHA1())))  # noqa: S303
