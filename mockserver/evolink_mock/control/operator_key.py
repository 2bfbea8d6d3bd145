"""The operator of the mock: whoever has its key may look at every account and act for each.

A browser gets the key from the link that `serve` prints, and keeps it in a cookie that no other site's request carries.
"""

from __future__ import annotations

from hashlib import blake2b
from hmac import compare_digest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = b"mock-operator-key"
ACCOUNT_HEADER = b"mock-account"  # the label of the account for which an operator acts


def is_operator(headers: Mapping[bytes, bytes], key: str) -> bool:
    """Whether a request carries the operator's key, in its header or in its cookie."""
    sent = headers.get(HEADER, b"") or _cookie(headers.get(b"cookie", b""), key)
    return bool(key) and compare_digest(sent, key.encode("latin-1", "replace"))


def set_cookie(key: str) -> bytes:
    """The `Set-Cookie` value for a browser that opened the operator's link."""
    return f"{_name(key)}={key}; Path=/__mock__; HttpOnly; SameSite=Strict".encode("latin-1", "replace")


def _name(key: str) -> str:
    """The name of the cookie. Servers on different ports share a browser's cookies, so it differs with the key."""
    return f"evolink_mock_{blake2b(key.encode(), digest_size=4).hexdigest()}"


def _cookie(header: bytes, key: str) -> bytes:
    for pair in header.split(b";"):
        name, _, value = pair.strip().partition(b"=")
        if name == _name(key).encode():
            return value
    return b""
