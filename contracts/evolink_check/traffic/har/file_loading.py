"""Load HAR files: plain, compressed with gzip or zstd, or in a zip file.

Playwright writes zip files with attachments.
"""

from __future__ import annotations

import json
from base64 import b64encode
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

import msgspec

from evolink_check.traffic.content_coding import UndecodableError, decode_whole
from evolink_check.traffic.har.bodies import LARGEST
from evolink_check.traffic.har.schema import HarEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LARGEST_FILE = 1024 * 1024 * 1024  # bytes of a decompressed file
_ZIP, _GZIP, _ZSTD = b"PK\x03\x04", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_LARGE = 1024 * 1024  # bytes of a file whose entries are decoded one by one
_ENDINGS = (".har", ".har.gz", ".har.zst")
_ENTRIES = msgspec.json.Decoder(HarEntry)
_DIGITS = 308  # an integer with more digits may be out of the range of a double


def load_archives(path: Path) -> list[tuple[str, Any]]:
    """Return the HAR documents in a file, each with its name.

    Raises OSError if the file cannot be read. Raises ValueError if the file is not a HAR file.
    """
    raw = path.read_bytes()
    if raw.startswith(_ZIP):
        return list(_in_zip(path, raw))
    return [(str(path), _document(str(path), raw, lambda name: _file_in_same_folder(path, name)))]


def _decompress(name: str, raw: bytes) -> bytes:
    for magic, coding in ((_GZIP, "gzip"), (_ZSTD, "zstd")):
        if raw.startswith(magic):
            try:
                raw = decode_whole(raw, coding, LARGEST_FILE)
            except UndecodableError as error:
                raise ValueError(f"{name}: not a HAR file: {error}") from None
    return raw


def _in_zip(path: Path, raw: bytes) -> Iterator[tuple[str, Any]]:
    try:
        with ZipFile(BytesIO(raw)) as archive:
            members = [name for name in archive.namelist() if _is_har(name)]
            if not members:
                raise ValueError(f"{path}: no .har file in the zip file")
            for member in members:
                name = str(path) if len(members) == 1 else f"{path}:{member}"
                attached = partial(_attachment_in_zip, archive, member.rpartition("/")[0])
                yield name, _document(name, _member_up_to(archive, member, LARGEST_FILE) or b"", attached)
    except (BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise ValueError(f"{path}: invalid zip file: {error}") from None


def _is_har(name: str) -> bool:
    path = PurePosixPath(name)  # macOS adds copies under `__MACOSX`
    return path.name.lower().endswith(_ENDINGS) and "__MACOSX" not in path.parts


def _attachment_in_zip(archive: ZipFile, folder: str, name: str) -> bytes | None:
    beside = _member_up_to(archive, f"{folder}/{name}", LARGEST) if folder else None
    return _member_up_to(archive, name, LARGEST) if beside is None else beside


def _member_up_to(archive: ZipFile, name: str, limit: int) -> bytes | None:
    try:
        with archive.open(name) as file:
            content = file.read(limit + 1)
    except KeyError:
        return None
    return content if len(content) <= limit else None


def _file_in_same_folder(path: Path, name: str) -> bytes | None:
    if PurePosixPath(name).name != name or "\\" in name:
        return None
    file = path.parent / name
    try:
        return file.read_bytes() if file.stat().st_size <= LARGEST else None
    except OSError:
        return None


def _document(name: str, raw: bytes, attached: Callable[[str], bytes | None]) -> Any:
    text = _decompress(name, raw)
    if len(text) >= _LARGE and b'"_file"' not in text:
        large = _parse_with_raw_entries(text)
        if large is not None:
            return large
    try:
        document = json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else "invalid JSON"
        raise ValueError(f"{name}: not a HAR file: {reason}") from None
    for body in _attached_bodies(document):
        content = attached(body["_file"])
        if content is not None:
            body |= {"text": b64encode(content).decode("ascii"), "encoding": "base64"}
    return document


def _parse_with_raw_entries(text: bytes) -> Any:
    # Undecoded entries save memory. If msgspec fails, the standard library accepts the text or describes the error.
    try:
        document = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        log = msgspec.json.decode(document["log"], type=dict[str, msgspec.Raw])
        entries = msgspec.json.decode(log.pop("entries"), type=list[msgspec.Raw])
        return {"log": {**{name: _decode_json(value) for name, value in log.items()}, "entries": entries}}
    except (msgspec.MsgspecError, LookupError, ValueError, RecursionError):
        return None


def decode_entry(value: Any) -> Any:
    """Decode an entry if it is `msgspec.Raw`. Any other value is returned unchanged.

    A decoded entry is a `HarEntry`. If a member of the entry does not match the fields of `HarEntry`, the result is a
    plain JSON value. Raises ValueError if the entry is not valid JSON.
    """
    if not isinstance(value, msgspec.Raw):
        return value
    with suppress(msgspec.MsgspecError, RecursionError, UnicodeError):
        return _ENTRIES.decode(value)
    return _decode_json(value)


def _decode_json(value: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(value)
    except (msgspec.MsgspecError, RecursionError):  # numbers out of range, lone surrogates
        try:
            return json.loads(bytes(value), parse_int=_integer)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= _DIGITS else float("inf")


def _attached_bodies(document: Any) -> Iterator[dict[str, Any]]:
    entries = _at(document, "log", "entries")
    for entry in entries if isinstance(entries, list) else ():
        for body in (_at(entry, "request", "postData"), _at(entry, "response", "content")):
            # Playwright writes the name of the file with the body as `_file`.
            if isinstance(body, dict) and isinstance(body.get("_file"), str) and not body.get("text"):
                yield body


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
