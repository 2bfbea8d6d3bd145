"""Normalize URLs, so that different spellings of the same URL compare equal."""

from __future__ import annotations

from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def normalized_url(url: str) -> str:
    """Normalize a URL as in RFC 3986, section 6.2.

    Scheme and host become lower case. The user and a default port are removed. Dots at the end of the host are removed.
    The rest of the URL is unchanged. A URL without the scheme http or https is returned unchanged. Raises ValueError
    for an invalid port or host.
    """
    parts = urlsplit(url)
    scheme, port, host = parts.scheme, parts.port, (parts.hostname or "").rstrip(".")
    before = f"{url[: len(scheme)]}://{parts.netloc}"
    if scheme not in _DEFAULT_PORTS or not host or not url.startswith(before):
        return url
    shown = f"[{host}]" if ":" in host else host
    own_port = "" if port in {None, _DEFAULT_PORTS[scheme]} else f":{port}"
    return f"{scheme}://{shown}{own_port}{url[len(before) :]}"
