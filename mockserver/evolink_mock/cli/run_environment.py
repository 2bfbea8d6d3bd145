"""The variables that lead an unchanged command to a mock: a proxy, what to trust, and a word to Node."""

from __future__ import annotations

import json
import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from evolink_mock.server.listeners import url_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evolink_mock.server.listeners import Listeners
    from evolink_mock.settings import Settings

REDIRECT = Path(__file__).with_name("redirect.cjs")

_PROXY = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
_DIRECT = ("NO_PROXY", "no_proxy")
_TRUST = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # each replaces what its reader trusts
_TRUST_TOO = ("NODE_EXTRA_CA_CERTS", "DENO_CERT")  # each adds to it
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SYSTEM = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


def child_environment(
    given: Mapping[str, str], listeners: Listeners, settings: Settings, folder: Path
) -> dict[str, str]:
    """The variables `given`, with those that lead to the mock behind these listeners. A file or two goes to `folder`."""
    if listeners.https is None or listeners.proxy is None or listeners.authority is None:
        raise ValueError("a command needs the https port and the proxy of a mock")
    bundle, certificate = folder / "bundle.pem", listeners.authority.certificate
    bundle.write_bytes(_trusted(given) + listeners.authority.certificate_pem)
    redirect = {
        "hosts": listeners.hosts,
        "http": listeners.http.getsockname()[1],
        "https": listeners.https.getsockname()[1],
    }
    return {
        **given,
        "EVOLINK_BASE_URL": url_of(listeners.http),
        "EVOLINK_API_KEY": next(iter(sorted(settings.tokens)), "any-token"),
        **dict.fromkeys(_PROXY, url_of(listeners.proxy)),
        **dict.fromkeys(_DIRECT, direct(given.get("no_proxy") or given.get("NO_PROXY", ""), listeners.hosts)),
        **dict.fromkeys(_TRUST, str(bundle)),
        **{name: str(bundle if given.get(name) else certificate) for name in _TRUST_TOO},
        "NODE_USE_ENV_PROXY": "1",
        "NODE_OPTIONS": f"{given.get('NODE_OPTIONS', '')} --require {json.dumps(str(REDIRECT))}".strip(),
        "EVOLINK_MOCK_REDIRECT": json.dumps(redirect),
    }


def direct(given: str, hosts: Sequence[str]) -> str:
    """A value for NO_PROXY: this machine, and what was `given`, less what keeps one of `hosts` from the proxy."""

    def covers(entry: str) -> bool:
        name = entry.lower().partition(":")[0].lstrip("*.")
        return any(not name or host == name or host.endswith(f".{name}") for host in hosts)

    kept = [
        entry
        for entry in re.split(r"[\s,]+", given)
        if entry and (entry.startswith("::") or not covers(entry))
    ]
    return ",".join(dict.fromkeys((*_LOOPBACK, *kept)))


def _trusted(given: Mapping[str, str]) -> bytes:
    """The certificates that the command would trust without us, as PEM."""
    files = [path for name in (*_TRUST, *_TRUST_TOO) if (path := Path(given.get(name) or "-")).is_file()]
    if not any(Path(given.get(name) or "-").is_file() for name in _TRUST):
        files.append(_system())
    return b"".join(path.read_bytes().rstrip() + b"\n" for path in dict.fromkeys(files))


def _system() -> Path:
    """The certificates that this system trusts, or else those that Python programs bring along."""
    named = ssl.get_default_verify_paths().cafile
    for path in (Path(name) for name in (named, *_SYSTEM) if name):
        if path.is_file():
            return path
    import certifi  # httpcore needs it, so it is there

    return Path(certifi.where())
