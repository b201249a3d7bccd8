"""The development certificate authority."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dev.certificates import ca_file, server_certificate


def test_the_authority_can_speak_for_loopback_names_only(tmp_path: Path) -> None:
    certificate = x509.load_pem_x509_certificate(ca_file(tmp_path).read_bytes())
    constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert constraints.value.excluded_subtrees is None
    assert [name.value for name in constraints.value.permitted_subtrees or []] == [
        "localhost",
        ipaddress.ip_network("127.0.0.1/32"),
        ipaddress.ip_network("::1/128"),
    ]
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)


@pytest.mark.parametrize("kind", ["authority", "server"])
def test_only_the_owner_can_read_the_keys(tmp_path: Path, kind: str) -> None:
    server_certificate(tmp_path)
    mode = stat.S_IMODE((tmp_path / kind / "key.pem").stat().st_mode)
    assert mode == (0o600 if sys.platform != "win32" else mode)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_a_strict_client_accepts_the_server_under_each_loopback_name(tmp_path: Path, name: str) -> None:
    assert handshake(ca_file(tmp_path), *server_certificate(tmp_path), name)


def test_a_client_that_does_not_trust_the_authority_refuses(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(ca_file(tmp_path / "another"), *server_certificate(tmp_path), "localhost")


def test_a_certificate_of_the_authority_for_another_name_is_refused(tmp_path: Path) -> None:
    """What a thief of the key could do: nothing, because clients honour the name constraints."""
    authority_file = ca_file(tmp_path)
    authority = x509.load_pem_x509_certificate(authority_file.read_bytes())
    signer = serialization.load_pem_private_key((authority_file.parent / "key.pem").read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    leaf = x509.load_pem_x509_certificate(server_certificate(tmp_path)[0].read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    forged = (
        x509.CertificateBuilder()
        .subject_name(leaf.subject)
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(leaf.not_valid_before_utc)
        .not_valid_after(leaf.not_valid_after_utc)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("login.example")]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    chain_file, key_file = tmp_path / "forged.pem", tmp_path / "forged-key.pem"
    chain_file.write_bytes(forged.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(authority_file, chain_file, key_file, "login.example")


def test_both_are_made_once_and_used_again(tmp_path: Path) -> None:
    first = [file.read_bytes() for file in (ca_file(tmp_path), *server_certificate(tmp_path))]
    second = [file.read_bytes() for file in (ca_file(tmp_path), *server_certificate(tmp_path))]
    assert first == second


def test_a_new_authority_gets_a_new_server_certificate(tmp_path: Path) -> None:
    server_certificate(tmp_path)
    (tmp_path / "authority" / "ca.pem").unlink()
    assert handshake(ca_file(tmp_path), *server_certificate(tmp_path), "localhost")


def test_several_first_starts_at_once_agree_on_one_authority(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        files = list(pool.map(lambda _: server_certificate(tmp_path), range(8)))
    assert len(set(files)) == 1
    assert handshake(ca_file(tmp_path), *files[0], "localhost")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["authority", "server"]


def handshake(trusted: Path, chain_file: Path, key_file: Path, name: str) -> bool:
    """A TLS handshake between threads, verified as Python does by default (RFC 5280, strictly)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain_file, key_file)
    client, server = socket.socketpair()

    def answer() -> None:
        try:
            with context.wrap_socket(server, server_side=True) as connection:
                connection.sendall(b"1")
        except OSError:
            server.close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        strict = ssl.create_default_context(cafile=trusted)
        with strict.wrap_socket(client, server_hostname=name) as connection:
            return connection.recv(1) == b"1"
    finally:
        client.close()
        thread.join()
