"""Decode the content coding of a body up to a limit.

Without a limit, a small body could expand to a very large one.
"""

from __future__ import annotations

import zlib
from importlib import import_module
from typing import TYPE_CHECKING, Any

from evolink_spec.extras import install_command

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ACCEPTED = "gzip, deflate"
_GZIP = b"\x1f\x8b"  # the start of each member (RFC 1952)
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_RAW_DEFLATE = -zlib.MAX_WBITS  # some servers send this as `deflate`
# Python has no module for Brotli, and one for Zstandard since 3.14.
_LIBRARIES = {"br": ("brotli",), "zstd": ("compression.zstd", "backports.zstd")}
_STEP = 64 * 1024  # bytes decoded in one step


class UndecodableError(ValueError):
    """A body cannot be decoded with the content coding that the header Content-Encoding names."""


def coding_of(headers: Iterable[tuple[str, str]]) -> str:
    """Return the content coding that the headers name, in lower case.

    Returns `identity` if the headers name none.
    """
    codings = [value.strip().lower() for name, value in headers if name.lower() == "content-encoding"]
    return ",".join(coding for coding in codings if coding) or "identity"


class Decoder:
    """Decodes the parts of a body one after the other.

    If the content coding is not supported, `known` is False. Parts are then returned unchanged.
    """

    def __init__(self, coding: str) -> None:
        self.known = coding in {"identity", "gzip", "x-gzip", "deflate"}
        compressed = self.known and coding != "identity"
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB) if compressed else None
        self._may_be_raw = coding == "deflate"

    @property
    def complete(self) -> bool:
        """Whether the end of the compressed data was reached.

        The value is always True for a body that is not compressed.
        """
        return self._inflate is None or self._inflate.eof

    def decode(self, part: bytes, limit: int) -> bytes:
        """Decode the next part of the body.

        A part that is not compressed is returned unchanged. Decoding stops when the result is longer than `limit`
        bytes. The result is then at most 64 KiB longer than `limit`. Raises `UndecodableError` if the part is invalid.
        """
        if self._inflate is None:
            return part
        decoded = bytearray()
        for piece in _pieces(part):
            rest = piece
            while rest and len(decoded) <= limit and self._continues(rest):
                decoded += self._step(rest)
                rest = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
        return bytes(decoded)

    def _continues(self, rest: bytes) -> bool:
        assert self._inflate is not None  # noqa: S101  (`decode` checks it)
        if self._inflate.eof and rest.startswith(_GZIP[: len(rest)]):
            self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)  # another gzip member begins
        return not self._inflate.eof  # data after the last member is ignored

    def _step(self, part: bytes) -> bytes:
        assert self._inflate is not None  # noqa: S101  (`decode` checks it)
        try:
            decoded = self._inflate.decompress(part, _STEP)
        except zlib.error as error:
            if not self._may_be_raw:
                raise UndecodableError(str(error)) from None
            self._may_be_raw, self._inflate = False, zlib.decompressobj(_RAW_DEFLATE)
            return self._step(part)
        self._may_be_raw = False
        return decoded


def decode_whole(body: bytes, coding: str, limit: int) -> bytes:
    """Decode a whole body. The decoded body may have at most `limit` bytes.

    Raises `UndecodableError` if the body is invalid, incomplete or too large when decoded. Raises `UndecodableError` if
    the coding is not supported. The codings `br` and `zstd` need an optional library.
    """
    if coding in _LIBRARIES:
        plain, complete = _by_library(coding, body, limit)
    else:
        decoder = Decoder(coding)
        if not decoder.known:
            raise UndecodableError(f"unknown content coding: {coding}")
        plain, complete = decoder.decode(body, limit), decoder.complete
    if len(plain) > limit:
        raise UndecodableError(f"larger than {limit // 1024**2} MiB when decoded")
    if not complete:
        raise UndecodableError(f"incomplete {coding}")
    return plain


def _by_library(coding: str, body: bytes, limit: int) -> tuple[bytes, bool]:
    for name in _LIBRARIES[coding]:
        try:
            library = import_module(name)
        except ImportError:
            continue
        decode = _decode_brotli if coding == "br" else _decode_zstd
        return decode(library, body, limit)
    raise UndecodableError(f"no library for {coding}: {install_command('codings')}")


def _decode_brotli(library: Any, body: bytes, limit: int) -> tuple[bytes, bool]:
    decoder, plain = library.Decompressor(), bytearray()
    try:
        part = decoder.process(body, output_buffer_limit=_STEP)
        while part and len(plain) <= limit:
            plain += part
            part = decoder.process(b"", output_buffer_limit=_STEP)
    except library.error as error:
        raise UndecodableError(f"invalid brotli: {error}") from None
    return bytes(plain), decoder.is_finished()


def _decode_zstd(library: Any, body: bytes, limit: int) -> tuple[bytes, bool]:
    decoder, plain = library.ZstdDecompressor(), bytearray()
    try:
        for piece in _pieces(body):
            rest = piece
            while rest and len(plain) <= limit:
                decoder = library.ZstdDecompressor() if decoder.eof else decoder  # the next frame (RFC 8878)
                plain += decoder.decompress(rest, limit + 1 - len(plain))
                rest = decoder.unused_data if decoder.eof else b""
    except library.ZstdError as error:
        raise UndecodableError(f"invalid zstd: {error}") from None
    return bytes(plain), decoder.eof


def _pieces(body: bytes) -> Iterator[bytes]:
    # At the end of each gzip member, the decoder copies the rest of its input. If the input were the whole body, a body
    # with many members would take very long.
    return (body[start : start + _STEP] for start in range(0, len(body), _STEP))
