"""Undo the content coding of a body, up to a limit: a small compressed body can be a very large one."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ACCEPTED = "gzip, deflate"
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_RAW_DEFLATE = -zlib.MAX_WBITS  # what some servers send as `deflate`
_STEP = 64 * 1024  # bytes that are decoded at a time


class UndecodableError(ValueError):
    """A body is not in the coding that its header names."""


def coding_of(headers: Iterable[tuple[str, str]]) -> str:
    """The content coding that headers name, in lower case; `identity` when none."""
    codings = [value.strip().lower() for name, value in headers if name.lower() == "content-encoding"]
    return ",".join(coding for coding in codings if coding) or "identity"


class Decoder:
    """Decodes a body part by part. A coding that is not `known` is passed through."""

    def __init__(self, coding: str) -> None:
        self.known = coding in {"identity", "gzip", "x-gzip", "deflate"}
        packed = self.known and coding != "identity"
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB) if packed else None
        self._may_be_raw = coding == "deflate"

    @property
    def complete(self) -> bool:
        """Whether the end of a compressed body was seen; a body without a coding ends anywhere."""
        return self._inflate is None or self._inflate.eof

    def decode(self, part: bytes, limit: int) -> bytes:
        """The next bytes of the body, at most `limit` and a step more. Raises `UndecodableError`."""
        if self._inflate is None:
            return part
        decoded = bytearray()
        while part and len(decoded) <= limit:
            decoded += self._step(part)
            part = self._inflate.unconsumed_tail
        return bytes(decoded)

    def _step(self, part: bytes) -> bytes:
        assert self._inflate is not None  # noqa: S101  (`decode` has seen to it)
        try:
            decoded = self._inflate.decompress(part, _STEP)
        except zlib.error as error:
            if not self._may_be_raw:
                raise UndecodableError(str(error)) from None
            self._may_be_raw, self._inflate = False, zlib.decompressobj(_RAW_DEFLATE)
            return self._step(part)
        self._may_be_raw = False
        return decoded
