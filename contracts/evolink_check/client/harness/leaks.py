"""Find secrets in the output and the files of a client."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from evolink_check.traffic.known_keys import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_FILES = 100  # maximum number of files that are read
_LARGEST = 1024 * 1024  # maximum size in bytes of a file that is read
_SHORTEST = 6  # minimum characters of a secret; a shorter value may appear in the output by chance
_SHORTEST_SEGMENT = 16  # minimum characters of a path segment that counts as a secret


def secrets_of(callback_url: str) -> tuple[str, ...]:
    """Return the secrets in a callback URL.

    Secrets are long values in the query string and long segments of the path.
    """
    parts = urlsplit(callback_url)
    values = [value for _, value in parse_qsl(parts.query) if len(value) >= _SHORTEST]
    return (*values, *(part for part in parts.path.split("/") if len(part) >= _SHORTEST_SEGMENT))


def printed_secrets(texts: Mapping[str, str], secrets: tuple[str, ...]) -> Iterator[str]:
    """Describe each leak in the output, such as "the key in stdout".

    `texts` maps names such as `stdout.txt` to the texts that the client printed. In these texts, the API key has
    already been replaced with `KEY`. `secrets` are the secrets in the callback URL.
    """
    for name, text in texts.items():
        stream = name.partition(".")[0]
        if KEY in text:
            yield f"the key in {stream}"
        if any(secret in text for secret in secrets):
            yield f"the secret of the callback URL in {stream}"


def written_secrets(folder: Path, token: str, secrets: tuple[str, ...]) -> Iterator[str]:
    """Yield a description of each file in a folder that contains a secret.

    The API key `token` and the texts in `secrets` are secrets. Large files are skipped. At most `_FILES` files are
    read.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    for path in files[:_FILES]:
        if path.stat().st_size > _LARGEST:
            continue
        content = path.read_bytes()
        if token.encode() in content:
            yield f"the key in the file {path.relative_to(folder)}"
        if any(secret.encode() in content for secret in secrets):
            yield f"the secret of the callback URL in the file {path.relative_to(folder)}"
