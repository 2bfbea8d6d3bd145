"""The host names that clients have hard-coded, and how such a name leads to this machine without a proxy."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any

from evolink_mock.http import urls

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from evolink_spec import Spec

HTTP_PORT, HTTPS_PORT = 80, 443
HERE = "127.0.0.1"

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")  # no address, no name of one label
_VARIABLE = re.compile(r"\{([^{}]*)\}")

_HOW_TO = """\
# The lines without a # belong into /etc/hosts (Windows: %SystemRoot%\\System32\\drivers\\etc\\hosts), for example by
#   evolink-mock hosts | sudo tee -a /etc/hosts
# Take them out again afterwards: while they are there, nothing on this machine reaches the real API.
#
# A client that knows no port uses 443, which only root may listen on by default. One of these changes that:
#   sudo sysctl net.ipv4.ip_unprivileged_port_start=443         until the next start of a Linux machine
#   authbind --deep evolink-mock serve --https-port 443         once authbind is installed and told so
#   sudo setcap cap_net_bind_service=+ep {python}
#                                                               for every program of this Python
#   sudo "$(command -v evolink-mock)" serve --https-port 443 --ca-dir {folder}
#                                                               once that folder is there and your own
# Then:
#   evolink-mock serve --https-port 443
# and the client has to trust {certificate}, for example with
#   SSL_CERT_FILE, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or NODE_EXTRA_CA_CERTS.
#
# For one command, and with nothing to undo: evolink-mock run --hosts -- COMMAND
"""


def hosts_of(spec: Spec) -> tuple[str, ...]:
    """The host names in the `servers` of the documents. Addresses, local and relative ones are none."""
    found = {_host(server) for document in spec.documents.values() for server in _servers(document)}
    return tuple(sorted(host for host in found if host is not None))


def _servers(node: Any) -> Iterator[dict[str, Any]]:
    """Every server object of a document: at its root, at a path, or at an operation."""
    yield from (server for server in node.get("servers") or () if isinstance(server, dict))
    for path in (node.get("paths") or {}).values():
        operations = [one for one in path.values() if isinstance(one, dict)] if isinstance(path, dict) else []
        for place in (path, *operations):
            yield from (server for server in place.get("servers") or () if isinstance(server, dict))


def _host(server: dict[str, Any]) -> str | None:
    """The host of a server's URL with the default of each of its variables, when it is a name."""
    variables = server.get("variables") or {}
    url = _VARIABLE.sub(
        lambda name: str(variables.get(name[1], {}).get("default", "")), str(server.get("url"))
    )
    try:
        host = urls.parse_target(url).host
    except ValueError:
        return None
    return host if _NAME.fullmatch(host) and not host.endswith(".localhost") else None


def lines(hosts: Iterable[str]) -> str:
    """The lines of a hosts file that lead these names to this machine.

    IPv4 only: a name that the file knows is not looked up elsewhere, and a client that tried ::1 first and
    knows no second try would find anonymous there.
    """
    return "".join(f"{HERE}\t{host}\n" for host in hosts)


def instructions(hosts: Sequence[str], certificate: Path) -> str:
    """The lines and, as comments, what else it takes. `certificate` is the file to trust."""
    how_to = _HOW_TO.format(
        python=os.path.realpath(sys.executable), folder=certificate.parent, certificate=certificate
    )
    return how_to + (lines(hosts) or "# The documents name no host.\n")


# From here on: the same for this process and its children alone, in namespaces of Linux.
