"""The files that clients have uploaded.

The files are kept in memory until they expire. The memory is limited.
"""

from __future__ import annotations

import mimetypes
import re
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

LIFE_SECONDS = 72 * 3600.0
MOST_FILES = 100  # maximum number of files of one account
MOST_BYTES = 256 * 1024 * 1024  # maximum bytes of all accounts together
_SIGNATURES: Mapping[bytes, str] = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
}
_IMAGES = {"image/gif", "image/jpeg", "image/png", "image/webp"}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_MIME = re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}")
_LONGEST_NAME = 100
_SUFFIXES = {"image/jpeg": ".jpg", "audio/mpeg": ".mp3"}


class UploadError(ValueError):
    """An upload is rejected. The message states the reason for the rejection."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status  # the HTTP status for the client


class Upload(Struct, frozen=True):
    """An uploaded file."""

    id: str
    account: str  # the token of the account
    name: str
    original_name: str
    folder: str
    mime: str
    data: bytes
    at: float  # the time of the upload in Unix seconds

    @property
    def expires(self) -> float:
        """The expiry time of the file in Unix seconds."""
        return self.at + LIFE_SECONDS


class Uploads:
    """The uploaded files of all accounts."""

    def __init__(self) -> None:
        self._files: dict[str, Upload] = {}
        self._bytes = 0
        self._count = 0

    def add(self, account: str, data: bytes, name: str, folder: str, mime: str, now: float) -> Upload:  # noqa: PLR0913, PLR0917
        """Store a file.

        Raises `UploadError` if this type of file is not supported. Raises `UploadError` if the account or the server
        has no space left.
        """
        kind = _mime_of(data, name, mime)
        if kind not in _IMAGES and not kind.startswith(("audio/", "video/")):
            raise UploadError(
                400, f"files of type {kind or 'unknown'} are not accepted: use an image, audio or video"
            )
        if len(self.of(account, now)) >= MOST_FILES:
            raise UploadError(403, f"the quota of {MOST_FILES} files is exhausted")
        if self._bytes + len(data) > MOST_BYTES:
            raise UploadError(413, f"the mock keeps at most {MOST_BYTES // 1024 // 1024} MiB of files")
        self._count += 1
        file_id = f"file_{self._count:08x}"
        suffix = _SUFFIXES.get(kind) or mimetypes.guess_extension(kind) or ""
        safe = _UNSAFE.sub("_", name.rpartition("/")[2])[-_LONGEST_NAME:].lstrip(".") or f"{file_id}{suffix}"
        path = _UNSAFE.sub("_", folder)[:_LONGEST_NAME] or kind.partition("/")[0] + "s"
        upload = Upload(file_id, account, safe, name or safe, path, kind, data, now)
        self._files[file_id] = upload
        self._bytes += len(data)
        return upload

    def find(self, file_id: str) -> Upload | None:
        """Return the file with this id, even if the file has expired.

        Returns None if no file has this id.
        """
        return self._files.get(file_id)

    def of(self, account: str, now: float) -> list[Upload]:
        """Return the unexpired files of an account, after removing its expired files from memory."""
        own = [upload for upload in self._files.values() if upload.account == account]
        for upload in own:
            if now >= upload.expires:
                self.remove(upload.id)
        return [upload for upload in own if now < upload.expires]

    def remove(self, file_id: str) -> None:
        """Remove the file with this id, if it exists."""
        upload = self._files.pop(file_id, None)
        self._bytes -= len(upload.data) if upload is not None else 0


def _mime_of(data: bytes, name: str, declared: str) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    detected = next((mime for signature, mime in _SIGNATURES.items() if data.startswith(signature)), "")
    declared = declared.partition(";")[0].strip().lower()
    if declared == "application/octet-stream" or not _MIME.fullmatch(declared):  # it would become a header
        declared = ""
    return detected or declared or mimetypes.guess_type(name)[0] or ""
