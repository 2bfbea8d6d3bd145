"""The host names of the API, and instructions for a hosts file."""

from __future__ import annotations

import os
import re
import shlex
import sys
from typing import TYPE_CHECKING, Any

from evolink_mock.http import urls

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from evolink_spec import Spec

HTTP_PORT, HTTPS_PORT = 80, 443
LOOPBACK = "127.0.0.1"

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")  # at least two labels, no address
_VARIABLE = re.compile(r"\{([^{}]*)\}")

_HOW_TO = """\
# The lines without a # belong in /etc/hosts (Windows: %SystemRoot%\\System32\\drivers\\etc\\hosts), for example with
#   evolink-mock hosts | sudo tee -a /etc/hosts
# Remove the lines afterwards. Until then, nothing on this machine can reach the real API.
#
# A client without a port in its URL uses 443, which only root may listen on by default. Each of these changes that:
#   sudo sysctl net.ipv4.ip_unprivileged_port_start=443         on Linux, until the next reboot
#   authbind --deep evolink-mock serve --https-port 443         after authbind has been installed and configured
#   sudo setcap cap_net_bind_service=+ep {python}
#                                                               for every program run by this Python
#   sudo "$(command -v evolink-mock)" serve --https-port 443 --ca-dir {folder}
#                                                               after you have created that folder yourself
# Then:
#   evolink-mock serve --https-port 443
# and make the client trust {certificate}, for example with
#   SSL_CERT_FILE, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or NODE_EXTRA_CA_CERTS.
#
# For a single command, with nothing to undo: evolink-mock run --hosts -- COMMAND
"""


# Related hosts, which pages of the API's documentation name, but none of the built-in OpenAPI documents does.
_SIBLINGS = {"api.evolink.ai": ("direct.evolink.ai", "files-api.evolink.ai")}


def hosts_of(spec: Spec) -> tuple[str, ...]:
    """Return the host names of the API, sorted.

    The names come from the `servers` lists of the OpenAPI documents. If the lists contain `api.evolink.ai`, two further
    hosts from the API's documentation are added. IP addresses and local names are omitted.
    """
    hosts = {_host_of(server) for document in spec.documents.values() for server in _servers(document)}
    names = {host for host in hosts if host is not None}
    return tuple(sorted(names.union(*(_SIBLINGS.get(name, ()) for name in names))))


def _servers(node: Any) -> Iterator[dict[str, Any]]:
    yield from (server for server in node.get("servers") or () if isinstance(server, dict))
    for path in (node.get("paths") or {}).values():
        operations = (
            [child for child in path.values() if isinstance(child, dict)] if isinstance(path, dict) else []
        )
        for parent in (path, *operations):
            yield from (server for server in parent.get("servers") or () if isinstance(server, dict))


def _host_of(server: dict[str, Any]) -> str | None:
    variables = server.get("variables") or {}
    url = _VARIABLE.sub(
        lambda match: str(variables.get(match[1], {}).get("default", "")), str(server.get("url"))
    )
    try:
        host = urls.parse_url(url).host
    except ValueError:
        return None
    return host if _NAME.fullmatch(host) and not host.endswith(".localhost") else None


def hosts_file_lines(hosts: Iterable[str]) -> str:
    """Return the lines of a hosts file that make these names resolve to 127.0.0.1."""
    # There are no lines for ::1, because the mock does not listen there. Some clients would try no other address.
    return "".join(f"{LOOPBACK}\t{host}\n" for host in hosts)


def instructions(hosts: Sequence[str], certificate: Path) -> str:
    """Return the lines for the hosts file and, as comments, the further steps.

    `certificate` is the file that clients must trust.
    """
    comments = _HOW_TO.format(
        python=os.path.realpath(sys.executable),
        folder=shlex.quote(str(certificate.parent)),
        certificate=certificate,
    )
    return comments + (hosts_file_lines(hosts) or "# The documents name no host.\n")
