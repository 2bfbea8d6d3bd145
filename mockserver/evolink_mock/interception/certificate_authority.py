"""The user's own certificate authority, limited to this machine and the API's hosts.

Name constraints make certificates for further names invalid. The risk of trusting this authority is small, even with a
stolen key.
"""

from __future__ import annotations

import os
import ssl
import stat
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING

from evolink_mock.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, KeyUsage

CERTIFICATE = "ca.pem"  # the file that clients must trust
KEY = "ca-key.pem"  # contains the key and the certificate, so that they always match
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
_LOOPBACK = ("127.0.0.0/8", "::1/128")
_OWNER = "evolink-mock"  # the organization in the subject, which identifies files of this program
_VALID = timedelta(days=3 * 365)
_RENEW_BEFORE = timedelta(days=90)
_LEAF_VALID = timedelta(days=365)  # a server certificate; some systems refuse more than 825 days
_SKEW = timedelta(days=1)  # the clock of a container or a phone may be slow


class AuthorityError(Exception):
    """The certificate authority cannot be read or created. The message states the reason for this error."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority. `certificate` is the path of the certificate that clients must trust."""

    certificate: Path
    certificate_pem: bytes
    key_pem: bytes

    def server_context(self, hosts: Iterable[str], now: float) -> ssl.SSLContext:
        """Return the TLS context of a server for this machine and `hosts`.

        The context contains a new certificate that is valid for a year. Raises `AuthorityError` if the folder of the
        authority cannot be written.
        """
        import trustme

        today = datetime.fromtimestamp(now, UTC)
        issuer = trustme.CA.from_pem(self.certificate_pem, self.key_pem)
        leaf = issuer.issue_cert(
            *LOCAL_NAMES,
            *hosts,
            organization_name=_OWNER,
            not_before=today - _SKEW,
            not_after=today + _LEAF_VALID,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        # ssl reads the key only from a file, so it is written to a temporary file that only its owner can read.
        try:
            with leaf.private_key_and_cert_chain_pem.tempfile(dir=str(self.certificate.parent)) as path:
                context.load_cert_chain(path)
        except OSError as error:
            raise _cannot_store(self.certificate.parent, error) from error
        return context


def open_authority(folder: Path, hosts: Iterable[str], now: float) -> Authority:
    """Return the authority in `folder`. If necessary, create or renew it.

    The authority is renewed before it expires, and to add missing `hosts`. The renewed authority also covers the
    earlier hosts. Raises `AuthorityError` if the authority cannot be read or stored.
    """
    try:
        folder = folder.resolve()  # absolute, because programs in other working directories use this path
        _make_folder(folder)
        with _locked(folder):
            return _open(folder, set(hosts), datetime.fromtimestamp(now, UTC))
    except OSError as error:
        raise _cannot_store(folder, error) from error


def _cannot_store(folder: Path, error: OSError) -> AuthorityError:
    return AuthorityError(
        f"{folder}: cannot store the certificate authority here: {error.strerror}; choose another --ca-dir"
    )


def _open(folder: Path, hosts: set[str], today: datetime) -> Authority:
    from cryptography.hazmat.primitives import serialization

    stored = _read(folder)
    covered = _covered_hosts(stored[1]) if stored else set()
    if stored is None or not _is_current(stored[1], today):
        key, certificate = _create(hosts | covered, today)
    elif hosts <= covered:
        key, certificate = stored
    else:
        # With the same key, clients that trust the earlier certificate accept certificates for the earlier hosts.
        key, certificate = _create(hosts | covered, today, stored[0])
    certificate_pem = certificate.public_bytes(serialization.Encoding.PEM)
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write_if_changed(folder / KEY, key_pem + certificate_pem, 0o600)
    _write_if_changed(folder / CERTIFICATE, certificate_pem, 0o644)
    return Authority(folder / CERTIFICATE, certificate_pem, key_pem)


def _read(folder: Path) -> tuple[EllipticCurvePrivateKey, Certificate] | None:
    """Return the authority in the folder; None if there is none."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificate

    key, certificate = folder / KEY, folder / CERTIFICATE
    foreign = AuthorityError(
        f"{folder}: contains a {CERTIFICATE} that evolink-mock did not create: choose another --ca-dir"
    )
    try:
        if not key.exists():
            if certificate.exists() and not _is_ours(load_pem_x509_certificate(certificate.read_bytes())):
                raise foreign
            return None
        if os.name == "posix" and key.stat().st_mode & 0o077:
            raise AuthorityError(
                f"{key}: other users can read this key: delete it, so that a new authority is created"
            )
        pem = key.read_bytes()
        stored = load_pem_private_key(pem, password=None), load_pem_x509_certificate(pem)
    except (ValueError, TypeError) as error:
        raise foreign from error
    if not _is_ours(stored[1]):
        raise foreign
    return stored  # type: ignore[return-value]  # `_create` makes keys of this type


def _is_ours(certificate: Certificate) -> bool:
    from cryptography.x509.oid import NameOID

    names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return [name.value for name in names] == [_OWNER]


def _is_current(certificate: Certificate, today: datetime) -> bool:
    return certificate.not_valid_before_utc <= today < certificate.not_valid_after_utc - _RENEW_BEFORE


def _covered_hosts(certificate: Certificate) -> set[str]:
    from cryptography.x509 import DNSName, NameConstraints

    subtrees = certificate.extensions.get_extension_for_class(NameConstraints).value.permitted_subtrees or ()
    # Every authority covers `localhost`.
    return {subtree.value for subtree in subtrees if isinstance(subtree, DNSName)} - {"localhost"}


def _create(
    hosts: set[str], today: datetime, key: EllipticCurvePrivateKey | None = None
) -> tuple[EllipticCurvePrivateKey, Certificate]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _OWNER),
            x509.NameAttribute(NameOID.COMMON_NAME, "evolink-mock, for this machine only"),
        ]
    )
    names = [x509.DNSName(host) for host in sorted({"localhost", *hosts})]
    networks = [x509.IPAddress(ip_network(network)) for network in _LOOPBACK]
    builder = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - _SKEW)
        .not_valid_after(today + _VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints([*names, *networks], None), critical=True)
        .add_extension(_key_usage(), critical=True)
        # Name constraints limit only host names. Without this extension, the authority could sign e-mail or code.
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return key, builder.sign(key, hashes.SHA256())


def _key_usage() -> KeyUsage:
    from cryptography.x509 import KeyUsage

    return KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _make_folder(folder: Path) -> None:
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    # An existing folder keeps its permissions.
    if sys.platform != "win32" and folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise AuthorityError(
            f"{folder}: other users can write to this folder and replace the certificate authority; "
            "run chmod go-w on it, or choose another --ca-dir"
        )


def _write_if_changed(path: Path, content: bytes, mode: int) -> None:
    if not path.exists() or path.read_bytes() != content:
        write_atomically(path, content, mode)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    # Two processes may start at the same time. One of them creates the authority.
    with (folder / ".lock").open("ab") as file:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
