"""A certificate authority of the user's own, that can vouch for this machine and the API's host names only.

Who trusts it risks little: critical name constraints make its word worth nothing for any other name, should the
key ever be stolen. trustme issues the certificates of the server; it cannot constrain an authority, so that one
certificate is made here.
"""

from __future__ import annotations

import os
import ssl
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, KeyUsage

CERTIFICATE = "ca.pem"  # what a client is told to trust
KEY = "ca-key.pem"  # the key and the certificate it belongs to, in one file so that they can never disagree
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
_LOOPBACK = ("127.0.0.0/8", "::1/128")
_OWNER = "evolink-mock"  # the organization in the subject: how a file of ours is known
_VALID = timedelta(days=3 * 365)
_RENEWED = timedelta(days=90)  # before the end
_LEAF_VALID = timedelta(days=365)  # made at each start; some systems refuse more than 825
_SKEW = timedelta(days=1)  # the clock of a container or a phone may be behind


class AuthorityError(Exception):
    """The authority cannot be read or made; the text says why."""


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority ready to issue. `certificate` is the file that a client has to trust."""

    certificate: Path
    certificate_pem: bytes
    key_pem: bytes

    def server_context(self, hosts: Iterable[str], now: float) -> ssl.SSLContext:
        """TLS for a server that is this machine and all of `hosts`, with a new certificate for a year."""
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
        leaf.configure_cert(context)  # by way of a temporary file that anonymous else can read
        return context


def open_authority(folder: Path, hosts: Iterable[str], now: float) -> Authority:
    """The authority kept in `folder`, made or renewed where needed. Raises `AuthorityError`.

    It is renewed near its end, and when it does not cover one of `hosts`: then for all it covered before as
    well and with the same key, so that two documents in turn need not be trusted anew each time.
    """
    try:
        folder = folder.resolve()  # as it will be told to programs that run elsewhere
        _make_folder(folder)
        with _locked(folder):
            return _open(folder, set(hosts), datetime.fromtimestamp(now, UTC))
    except OSError as error:
        raise AuthorityError(
            f"{folder}: no certificate authority can be kept here: {error.strerror}"
        ) from error


def _open(folder: Path, hosts: set[str], today: datetime) -> Authority:
    from cryptography.hazmat.primitives import serialization

    known = _known(folder)
    if known is None or not _fresh(known[1], today):
        known = _made(hosts | (_covered(known[1]) if known else set()), today)
    elif not hosts <= (covered := _covered(known[1])):
        known = _made(hosts | covered, today, known[0])
    key, certificate = known
    certificate_pem = certificate.public_bytes(serialization.Encoding.PEM)
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _keep(folder / KEY, key_pem + certificate_pem, 0o600)
    _keep(folder / CERTIFICATE, certificate_pem, 0o644)
    return Authority(folder / CERTIFICATE, certificate_pem, key_pem)


def _known(folder: Path) -> tuple[EllipticCurvePrivateKey, Certificate] | None:
    """What is kept; None when nothing is. Whatever is not ours, or no secret any more, is an error."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificate

    key, certificate = folder / KEY, folder / CERTIFICATE
    foreign = AuthorityError(f"{folder}: holds a {CERTIFICATE} of somebody else's: choose another --ca-dir")
    try:
        if not key.exists():
            if certificate.exists() and not _ours(load_pem_x509_certificate(certificate.read_bytes())):
                raise foreign
            return None
        if os.name == "posix" and key.stat().st_mode & 0o077:
            raise AuthorityError(f"{key}: can be read by others: delete it, and a new authority is made")
        pem = key.read_bytes()
        found = load_pem_private_key(pem, password=None), load_pem_x509_certificate(pem)
    except (ValueError, TypeError) as error:
        raise foreign from error
    if not _ours(found[1]):
        raise foreign
    return found  # type: ignore[return-value]  # ours are of this kind


def _ours(certificate: Certificate) -> bool:
    from cryptography.x509.oid import NameOID

    names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return [name.value for name in names] == [_OWNER]


def _fresh(certificate: Certificate, today: datetime) -> bool:
    return certificate.not_valid_before_utc <= today < certificate.not_valid_after_utc - _RENEWED


def _covered(certificate: Certificate) -> set[str]:
    """The host names that an authority may vouch for, beside this machine's own."""
    from cryptography.x509 import DNSName, NameConstraints

    subtrees = certificate.extensions.get_extension_for_class(NameConstraints).value.permitted_subtrees or ()
    return {subtree.value for subtree in subtrees if isinstance(subtree, DNSName)} - {"localhost"}


def _made(
    hosts: set[str], today: datetime, key: EllipticCurvePrivateKey | None = None
) -> tuple[EllipticCurvePrivateKey, Certificate]:
    """A new certificate for a key, or for a new one."""
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
        .add_extension(_usage(), critical=True)
        # The names bind only what is reached by name: without this, it could vouch for mail or code.
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return key, builder.sign(key, hashes.SHA256())


def _usage() -> KeyUsage:
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
    """Make a folder for its owner alone; one that is there is left as it is, for it may have other uses."""
    for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


def _keep(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole or not at all, never readable by more than `mode` says; nothing when it is so already."""
    if path.exists() and path.read_bytes() == content:
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # for its owner alone
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time: two that start at once must not each make an authority."""
    with (folder / ".lock").open("ab") as file:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
