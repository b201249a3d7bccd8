"""A certificate authority of this machine, which can speak for loopback names only.

`dev/` needs https for the sandbox (MSAL refuses an authority without it) and for the local host's `--tls`. The
authority is made here, on first use, and is trusted only by what `dev/` starts. Its name constraints (RFC 5280 section
4.2.1.10) allow `localhost`, 127.0.0.1 and ::1 and nothing else, so that its key is worth nothing to a thief.
"""

from __future__ import annotations

import datetime
import ipaddress
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFETIME = datetime.timedelta(days=730)
SERVER_LIFETIME = datetime.timedelta(days=90)
RENEW_BEFORE = datetime.timedelta(days=7)
LOOPBACK_NETWORKS = (ipaddress.ip_network("127.0.0.1/32"), ipaddress.ip_network("::1/128"))
LOOPBACK_ADDRESSES = (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"))


def ca_file(ca_folder: Path) -> Path:
    """The authority's certificate (PEM), made on first use: what a client of loopback services has to trust."""
    folder = ca_folder / "authority"
    certificate = folder / "ca.pem"
    if _expires_soon(certificate):
        _replace_folder(folder, _new_authority(), is_stale=lambda: _expires_soon(certificate))
    return certificate


def server_certificate(ca_folder: Path) -> tuple[Path, Path]:
    """The (chain file, key file) of a server on localhost, 127.0.0.1 and ::1; issued anew shortly before it expires."""
    authority_file = ca_file(ca_folder)
    folder = ca_folder / "server"
    chain = folder / "chain.pem"

    def is_stale() -> bool:
        return _expires_soon(chain) or not _issued_by(chain, authority_file)

    if is_stale():
        _replace_folder(folder, _new_server(authority_file), is_stale)
    return chain, folder / "key.pem"


def _expires_soon(certificate_file: Path) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    except (FileNotFoundError, ValueError):
        return True
    return certificate.not_valid_after_utc - _now() < RENEW_BEFORE


def _issued_by(chain_file: Path, authority_file: Path) -> bool:
    leaf = x509.load_pem_x509_certificate(chain_file.read_bytes())
    authority = x509.load_pem_x509_certificate(authority_file.read_bytes())
    try:
        leaf.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):  # another key, another name, another kind of key
        return False
    return True


def _new_authority() -> Mapping[str, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Drawbridge development, loopback only")])
    permitted: list[x509.GeneralName] = [x509.DNSName("localhost")]
    permitted += [x509.IPAddress(network) for network in LOOPBACK_NETWORKS]
    certificate = (
        _builder(name, name, key.public_key(), AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return {"ca.pem": certificate.public_bytes(serialization.Encoding.PEM), "key.pem": _private_pem(key)}


def _new_server(authority_file: Path) -> Mapping[str, bytes]:
    authority = x509.load_pem_x509_certificate(authority_file.read_bytes())
    signer = serialization.load_pem_private_key((authority_file.parent / "key.pem").read_bytes(), password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{authority_file.parent} does not hold an authority made by this program; delete it")
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    names += [x509.IPAddress(address) for address in LOOPBACK_ADDRESSES]
    certificate = (
        _builder(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
            authority.subject,
            key.public_key(),
            SERVER_LIFETIME,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return {"chain.pem": certificate.public_bytes(serialization.Encoding.PEM), "key.pem": _private_pem(key)}


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, lifetime: datetime.timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - datetime.timedelta(hours=1))  # a neighbour whose clock is a little behind
        .not_valid_after(_now() + lifetime)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _replace_folder(folder: Path, files: Mapping[str, bytes], is_stale: Callable[[], bool]) -> None:
    """Put the files in the folder's place, all or none, unless another process has meanwhile done the same."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    for name, content in files.items():
        mode = 0o600 if name == "key.pem" else 0o644
        (fresh / name).touch(mode, exist_ok=False)  # before the content is there, so that nobody is quicker
        (fresh / name).write_bytes(content)
    if folder.exists() and is_stale():
        folder.rename(Path(tempfile.mkdtemp(prefix=f"{folder.name}-old-", dir=folder.parent)) / folder.name)
    try:
        fresh.rename(folder)
    except OSError:  # there is one: another process was quicker, use that
        shutil.rmtree(fresh)
    for left_over in folder.parent.glob(f"{folder.name}-old-*"):
        shutil.rmtree(left_over, ignore_errors=True)
