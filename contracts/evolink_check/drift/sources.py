"""Read the OpenAPI documents of a comparison from files, folders and URLs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evolink_spec import overlay
from evolink_spec.corpus.nullability import with_null_types
from evolink_spec.corpus.selection import read_sources
from evolink_spec.documents import parse, read, yaml_block
from evolink_spec.errors import SpecError
from evolink_spec.loading import OVERLAY

from evolink_check.drift.records import Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evolink_spec.models import Json

_SECONDS = 30
_EXTENSION = "x-evolink-"
_FOUND = 200


def read_documents(source: str, base: Sequence[Document] = ()) -> tuple[list[Document], list[str]]:
    """Read the documents of a source. Also return a note for each file without a document.

    The source is a path, a glob pattern or a URL. An OpenAPI overlay is applied to the documents in `base`. Raises
    ValueError if there is no document. Raises `SpecError` if a named file cannot be read.
    """
    if urlsplit(source).scheme in {"http", "https"}:
        return _downloaded(source), []
    documents, notes = [], []
    for file in read_sources([source]):
        try:
            text = file.data.decode()
            overlaid = _apply_if_overlay(file.name, text, base) if base and file.is_named else None
            documents += overlaid or [_document(file.name, text)]
        except (SpecError, UnicodeDecodeError) as error:
            problem = error if isinstance(error, SpecError) else SpecError(file.name, "", "is not UTF-8 text")
            if file.is_named:
                raise problem from None
            notes.append(f"left out: {problem}")
    if not documents:
        raise ValueError(f"{source}: there is no OpenAPI document here")
    return documents, notes


def _apply_if_overlay(source: str, text: str, base: Sequence[Document]) -> list[Document] | None:
    tree = parse(text, source)
    if not isinstance(tree, dict) or not overlay.is_overlay(tree):
        # the text is not an overlay
        return None
    return [
        document_of(f"{document.file} with {source}", overlay.apply(document.tree, tree, source))
        for document in base
    ]


def _document(source: str, text: str) -> Document:
    tree = parse(text, source)
    if not isinstance(tree, dict) or not isinstance(tree.get("paths"), dict):
        raise SpecError(source, "", "holds no OpenAPI document (YAML, JSON, or a page with a YAML block)")
    block = yaml_block(text)
    page = "" if block is None or text.lstrip().startswith("{") else text.replace(block, "")
    return replace(document_of(source, tree, page), source=text)


def in_the_same_form(old: list[Document], new: list[Document]) -> tuple[list[Document], list[Document]]:
    """Apply the built-in overlay to both versions or to neither.

    The built-in overlay adds facts from texts to the published documents. The documents that a
    mock server serves already contain these facts.
    """
    has_old, has_new = (any(_EXTENSION in str(document.tree) for document in side) for side in (old, new))
    if has_old == has_new:
        return old, new
    return (old, _with_prose(new)) if has_old else (_with_prose(old), new)


def _with_prose(documents: list[Document]) -> list[Document]:
    prose = read(OVERLAY)
    return [replace(each, tree=overlay.apply(each.tree, prose, str(OVERLAY))) for each in documents]


def document_of(file: str, tree: dict[str, Json], text: str = "") -> Document:
    """Create a `Document` from a JSON tree. The notation of OpenAPI 3.0 is converted to that of OpenAPI 3.1."""
    return Document(file, _with_numeric_bounds(with_null_types(tree)), text)


def _with_numeric_bounds(value: Json) -> Any:
    if isinstance(value, list):
        return [_with_numeric_bounds(item) for item in value]
    if not isinstance(value, dict):
        return value
    schema = {key: _with_numeric_bounds(member) for key, member in value.items()}
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        # in OpenAPI 3.0, exclusive bounds are booleans
        if isinstance(schema.get(exclusive), bool) and schema.pop(exclusive) and bound in schema:
            schema[exclusive] = schema.pop(bound)
    return schema


def _downloaded(url: str) -> list[Document]:
    # a URL without a path is that of a mock server
    text = _get(f"{url.rstrip('/')}/__mock__/spec" if urlsplit(url).path in {"", "/"} else url)
    try:
        tree = json.loads(text)
    except ValueError:
        tree = None
    listed = tree.get("documents") if isinstance(tree, dict) and "openapi" not in tree else None
    if isinstance(listed, dict):
        return [document_of(str(name), member) for name, member in _served(listed)]
    return [_document(url, text)]


def _served(listed: dict[str, Json]) -> Iterator[tuple[str, dict[str, Json]]]:
    for name, member in listed.items():
        if isinstance(member, dict):
            yield name, member


def _get(url: str) -> str:
    import httpx2

    from evolink_check.transport.env_proxies import NEEDS_SOCKS, proxy_for

    proxy = None
    try:
        parts = urlsplit(url)
        proxy = proxy_for(parts.scheme, parts.hostname or "")
        through = proxy.valid_url if proxy else None
        with httpx2.Client(proxy=through, trust_env=False, timeout=_SECONDS, follow_redirects=True) as client:
            answer = client.get(url)
    except (httpx2.HTTPError, httpx2.InvalidURL, ImportError, ValueError) as error:
        reason = NEEDS_SOCKS if isinstance(error, ImportError) else str(error) or type(error).__name__
        if proxy is not None and not isinstance(error, httpx2.InvalidURL):
            reason = f"{proxy} cannot be used: {reason}"
        raise ValueError(f"{url}: cannot be read: {reason}") from error
    if answer.status_code != _FOUND:
        raise ValueError(f"{url}: cannot be read: status {answer.status_code}")
    return answer.text
