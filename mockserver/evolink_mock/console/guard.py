"""Access control of the console.

Most pages require the operator's key, which identifies the person who runs the mock. Requests from pages of foreign web
sites are rejected. A link on a foreign page may open a page of the console. Without `--ui-key`, requests from
another machine are rejected.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from evolink_mock.console.web_response import WebResponse, plain_refusal, refusal
from evolink_mock.control.operator_key import is_operator
from evolink_mock.control.origin_check import OwnNames, origin_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

    from evolink_mock.service.service import Service

_BEYOND = "for other machines, the console needs a key that you choose: start the mock with --ui-key KEY"
_NO_KEY = "open the link that the mock printed when it started, which contains the key of the console"


class AccessGuard:
    """Decides whether a request may open a page of the console."""

    def __init__(self, service: Service, own: OwnNames) -> None:
        self.service = service
        self._own = own

    def refusal(self, scope: Scope, *, public: bool) -> WebResponse | None:
        """Return the response that denies access, or None if the request is allowed.

        A `public` page shows no data of any account, and needs no operator's key.
        """
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if _is_navigation(headers):
            # A link on another site may open a page of the console, because that site cannot read the page.
            headers = {name: headers[name] for name in (b"host", b"cookie") if name in headers}
        server = scope.get("server")
        error = origin_error(headers, self._own.at(None if server is None else str(server[0])))
        if error is not None:
            return plain_refusal(403, error.detail)
        if not self.service.settings.ui_key and not _is_local(scope):
            return plain_refusal(403, _BEYOND)
        return None if public or self.is_operator(headers) else refusal(401, _NO_KEY)

    def is_operator(self, headers: Mapping[bytes, bytes]) -> bool:
        """Return whether a header or cookie contains the operator's key."""
        return is_operator(headers, self.service.operator_key)


def _is_navigation(headers: Mapping[bytes, bytes]) -> bool:
    return headers.get(b"sec-fetch-mode") == b"navigate" and headers.get(b"sec-fetch-dest") == b"document"


def _is_local(scope: Scope) -> bool:
    server = scope.get("server")
    try:
        # There is no server address if the ASGI app is called without a connection.
        return server is None or ip_address(str(server[0])).is_loopback
    except ValueError:
        return True
