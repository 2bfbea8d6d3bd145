"""The path of an OpenAPI document in options and settings files."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

_URL = re.compile(r"[a-z][a-z0-9+.\-]+://", re.IGNORECASE)  # `C:/` is the root of a drive
_LOCAL = ("", "localhost")


def parse_document_path(text: str) -> Path:
    """Parse a path, or a `file:` URL of this machine.

    Documents are never fetched. Raises ValueError for any other URL.
    """
    if not _URL.match(text):
        return Path(text)
    url = urlsplit(text)
    if url.scheme == "file" and url.netloc in _LOCAL:
        return Path(url2pathname(url.path))
    raise ValueError(f"{text!r} is a URL: download the document first, and give its file")
