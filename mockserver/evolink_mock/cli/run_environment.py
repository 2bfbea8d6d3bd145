"""The environment variables by which `evolink-mock run` redirects a program to the mock."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from evolink_mock.cli.run_trust import JAVA_STORE, JAVA_STORE_PASSWORD, trust_variables
from evolink_mock.domain.accounts import example_key
from evolink_mock.server.listeners import local_address, url_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evolink_mock.server.listeners import Listeners
    from evolink_mock.settings import Settings

REDIRECT = Path(__file__).with_name("redirect.cjs")
BASE_URL, API_KEY = "EVOLINK_BASE_URL", "EVOLINK_API_KEY"

_PROXY = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
_OTHER_PROXY = (
    "ALL_PROXY",
    "all_proxy",
)  # some clients prefer it, and a SOCKS proxy needs a library that may be missing
_DIRECT = ("NO_PROXY", "no_proxy")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def child_environment(
    inherited: Mapping[str, str], listeners: Listeners, settings: Settings, folder: Path
) -> dict[str, str]:
    """Return a copy of `inherited`, changed so that a command calls the mock.

    Some variables name files. These files are written to `folder`.
    """
    if listeners.https is None or listeners.proxy is None or listeners.authority is None:
        raise ValueError("a command needs the https port and the proxy of a mock")
    redirect = {
        "hosts": listeners.hosts,
        "http": listeners.http.getsockname()[1],
        "https": listeners.https.getsockname()[1],
    }
    direct = no_proxy(inherited.get("no_proxy") or inherited.get("NO_PROXY", ""), listeners.hosts)
    variables = {
        **inherited,
        BASE_URL: url_of(listeners.http) + _path_of(inherited.get(BASE_URL, "")),
        API_KEY: api_key(settings),
        **dict.fromkeys(_PROXY, url_of(listeners.proxy)),
        **dict.fromkeys(_DIRECT, direct),
        **trust_variables(inherited, listeners.authority, folder),
        "JAVA_TOOL_OPTIONS": _java_options(inherited, local_address(listeners.proxy), folder),
        "NODE_USE_ENV_PROXY": "1",
        "NODE_OPTIONS": f"{inherited.get('NODE_OPTIONS', '')} --require {json.dumps(str(REDIRECT))}".strip(),
        "EVOLINK_MOCK_REDIRECT": json.dumps(redirect),
    }
    return {name: value for name, value in variables.items() if name not in _OTHER_PROXY}


def api_key(settings: Settings) -> str:
    """Return an API key that the mock accepts."""
    # The user's own key is replaced: a client that ignores the proxy then cannot spend real credits.
    return example_key(settings.tokens)


def no_proxy(inherited: str, hosts: Sequence[str]) -> str:
    """Return the value of NO_PROXY for the command.

    The value lists this machine and the hosts in the user's own NO_PROXY (`inherited`). Entries of `inherited` that
    cover one of the API's `hosts` are omitted.
    """

    def covers(entry: str) -> bool:
        name = entry.lower().partition(":")[0].lstrip("*.")
        return any(not name or host == name or host.endswith(f".{name}") for host in hosts)

    entries = [
        entry
        for entry in re.split(r"[\s,]+", inherited)
        if entry and (entry.startswith("::") or not covers(entry))
    ]
    return ",".join(dict.fromkeys((*_LOOPBACK, *entries)))


def _path_of(url: str) -> str:
    try:
        # Appended to the mock's URL, because the program expects a base URL that ends in this path.
        return urlsplit(url if "://" in url else f"//{url}").path
    except ValueError:
        return ""


def _java_options(inherited: Mapping[str, str], proxy: tuple[str, int], folder: Path) -> str:
    """Return JAVA_TOOL_OPTIONS. The trust store must exist in `folder`."""
    properties = {
        **{f"{scheme}.proxyHost": proxy[0] for scheme in ("http", "https")},
        **{f"{scheme}.proxyPort": str(proxy[1]) for scheme in ("http", "https")},
        "javax.net.ssl.trustStore": str(folder / JAVA_STORE),
        "javax.net.ssl.trustStoreType": "PKCS12",
        "javax.net.ssl.trustStorePassword": JAVA_STORE_PASSWORD,
    }
    options = [
        f'"-D{name}={value}"' if " " in value else f"-D{name}={value}" for name, value in properties.items()
    ]
    return " ".join(filter(None, [inherited.get("JAVA_TOOL_OPTIONS", ""), *options]))
