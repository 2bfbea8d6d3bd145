"""The key of the mock's operator, which gives access to every account.

`serve` prints a link that contains the key. A browser that opens the link stores the key in a cookie. The attribute
`SameSite=Strict` hides the cookie from requests by foreign web sites.
"""

from __future__ import annotations

from hashlib import blake2b
from hmac import compare_digest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = b"mock-operator-key"
ACCOUNT_HEADER = b"mock-account"  # the label of the account that the operator's request concerns


def is_operator(headers: Mapping[bytes, bytes], key: str) -> bool:
    """Return whether a header or cookie contains the operator's key."""
    sent = headers.get(HEADER, b"") or _cookie(headers.get(b"cookie", b""), key)
    return bool(key) and compare_digest(sent, key.encode("latin-1", "replace"))


def set_cookie(key: str) -> bytes:
    """Return the value of `Set-Cookie` that stores the operator's key."""
    return f"{_name(key)}={key}; Path=/__mock__; HttpOnly; SameSite=Strict".encode("latin-1", "replace")


def _name(key: str) -> str:
    # A browser sends the cookies of a host to all of its ports. Two mocks on one host need different names.
    return f"evolink_mock_{blake2b(key.encode(), digest_size=4).hexdigest()}"


def _cookie(header: bytes, key: str) -> bytes:
    for pair in header.split(b";"):
        name, _, value = pair.strip().partition(b"=")
        if name == _name(key).encode():
            return value
    return b""
