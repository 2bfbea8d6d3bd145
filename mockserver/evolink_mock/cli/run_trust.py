"""Files and variables that make programs trust the mock's certificate.

The usual certificates stay trusted.
"""

from __future__ import annotations

import os
import ssl
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.x509 import Certificate

    from evolink_mock.interception.certificate_authority import Authority

# Each of these replaces the certificates that a program trusts, so its file must also contain the usual certificates.
_REPLACING = (
    "SSL_CERT_FILE",  # OpenSSL: Python, Ruby, PHP, Go, .NET, Rust
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
    "AWS_CA_BUNDLE",
    "PIP_CERT",
    "HTTPLIB2_CA_CERTS",
    "NIX_SSL_CERT_FILE",
    "PERL_LWP_SSL_CA_FILE",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
)
_ADDING = ("NODE_EXTRA_CA_CERTS", "DENO_CERT")
_SYSTEM = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
JAVA_STORE, JAVA_STORE_PASSWORD = "truststore.p12", "changeit"


def trust_variables(inherited: Mapping[str, str], authority: Authority, folder: Path) -> dict[str, str]:
    """Return the variables that make programs trust the mock's certificate.

    The files that the variables name are written to `folder`. The trust store of Java is also written there.
    """
    content = _trusted(inherited) + authority.certificate_pem
    bundle = folder / "bundle.pem"
    bundle.write_bytes(content)
    (folder / JAVA_STORE).write_bytes(java_trust_store(content))
    return {
        **dict.fromkeys(_REPLACING, str(bundle)),
        **{name: str(bundle if inherited.get(name) else authority.certificate) for name in _ADDING},
        "WGETRC": _write_wget_configuration(inherited, bundle, folder),
        "PHP_INI_SCAN_DIR": _write_php_configuration(inherited, bundle, folder),
    }


def java_trust_store(pem: bytes) -> bytes:
    """Convert certificates in PEM format to a Java trust store."""
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

    entries = [pkcs12.PKCS12Certificate(certificate, None) for certificate in _certificates(pem)]
    encryption = BestAvailableEncryption(JAVA_STORE_PASSWORD.encode())
    return pkcs12.serialize_java_truststore(entries, encryption)


def _certificates(pem: bytes) -> list[Certificate]:
    from cryptography import x509

    end = b"-----END CERTIFICATE-----"
    certificates: list[x509.Certificate] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for part in pem.split(end)[:-1]:
            try:
                certificates.append(x509.load_pem_x509_certificate(part + end + b"\n"))
            except ValueError:
                # Some systems contain invalid certificates.
                continue
    return list(dict.fromkeys(certificates))


def _write_wget_configuration(inherited: Mapping[str, str], bundle: Path, folder: Path) -> str:
    path = folder / "wgetrc"
    default = Path(inherited.get("HOME") or "/nonexistent") / ".wgetrc"
    own = Path(inherited.get("WGETRC") or default)
    path.write_bytes(
        (own.read_bytes() if _is_readable(own) else b"") + f"\nca_certificate = {bundle}\n".encode()
    )
    return str(path)


def _write_php_configuration(inherited: Mapping[str, str], bundle: Path, folder: Path) -> str:
    own = folder / "php"
    own.mkdir(exist_ok=True)
    (own / "evolink-mock.ini").write_text(
        f'openssl.cafile="{bundle}"\ncurl.cainfo="{bundle}"\n', encoding="utf-8"
    )
    # An empty item in this list of folders stands for PHP's default folder.
    return f"{inherited.get('PHP_INI_SCAN_DIR', '')}{os.pathsep}{own}"


def _trusted(inherited: Mapping[str, str]) -> bytes:
    """Return the certificates that the command trusts without the mock, as PEM."""
    files = [
        path for name in (*_REPLACING, *_ADDING) if _is_readable(path := Path(inherited.get(name) or "-"))
    ]
    if not any(_is_readable(Path(inherited.get(name) or "-")) for name in _REPLACING):
        files.append(_system())
    return b"".join(path.read_bytes().rstrip() + b"\n" for path in dict.fromkeys(files))


def _is_readable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.R_OK)


def _system() -> Path:
    default = ssl.get_default_verify_paths().cafile
    for path in (Path(name) for name in (default, *_SYSTEM) if name):
        if path.is_file():
            return path
    import certifi

    return Path(certifi.where())
