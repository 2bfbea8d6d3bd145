"""Read the documents to compare: files, folders, pages that are saved as Markdown, and URLs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evolink_spec import overlay
from evolink_spec.documents import parse, yaml_block
from evolink_spec.errors import SpecError

from evolink_check.drift.records import Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evolink_spec.models import Json

_SUFFIXES = (".yaml", ".yml", ".json", ".md", ".mdx")
_SECONDS = 30
_FOUND = 200


def read_documents(source: str, base: Sequence[Document] = ()) -> tuple[list[Document], list[str]]:
    """The documents at a path or a URL, and a note on each file that holds none. Raises ValueError if there is none.

    An overlay gives the documents of `base` with its changes.
    """
    if urlsplit(source).scheme in {"http", "https"}:
        return _downloaded(source), []
    path = Path(source)
    if not path.is_dir():
        text = _text(path)
        overlaid = _overlaid(source, text, base) if base else None
        return overlaid or [_document(source, text)], []
    documents, notes = [], []
    for file in sorted(entry for entry in path.rglob("*") if entry.suffix in _SUFFIXES and entry.is_file()):
        try:
            documents.append(_document(str(file), _text(file)))
        except SpecError as error:
            notes.append(f"left out: {error}")
    if not documents:
        raise ValueError(f"{source}: the folder holds no OpenAPI document")
    return documents, notes


def _overlaid(source: str, text: str, base: Sequence[Document]) -> list[Document] | None:
    """The documents of `base` after an overlay; None if the text is none."""
    tree = parse(text, source)
    if not isinstance(tree, dict) or not overlay.is_overlay(tree):
        return None
    return [
        document_of(f"{document.file} with {source}", overlay.apply(document.tree, tree, source))
        for document in base
    ]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SpecError(str(path), "", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SpecError(str(path), "", f"is not UTF-8 text (byte {error.start})") from error


def _document(source: str, text: str) -> Document:
    tree = parse(text, source)
    if not isinstance(tree, dict) or not isinstance(tree.get("paths"), dict):
        raise SpecError(source, "", "holds no OpenAPI document (YAML, JSON, or a page with a YAML block)")
    block = yaml_block(text)
    page = "" if block is None or text.lstrip().startswith("{") else text.replace(block, "")
    return document_of(source, tree, page)


def document_of(file: str, tree: dict[str, Json], text: str = "") -> Document:
    """A document, with the notation of OpenAPI 3.0 replaced by that of 3.1."""
    return Document(file, _modern(tree), text)


def _modern(value: Json) -> Any:
    """A copy in the notation of JSON Schema 2020-12: null as a type, exclusive bounds as numbers."""
    if isinstance(value, list):
        return [_modern(item) for item in value]
    if not isinstance(value, dict):
        return value
    schema = {key: _modern(member) for key, member in value.items()}
    if isinstance(schema.get("nullable"), bool):
        schema = _with_null(schema, nullable=schema.pop("nullable"))
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(schema.get(exclusive), bool) and schema.pop(exclusive) and bound in schema:
            schema[exclusive] = schema.pop(bound)
    return schema


def _with_null(schema: dict[str, Json], *, nullable: bool) -> dict[str, Json]:
    if not nullable:
        return schema
    kinds = schema.get("type")
    if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    if isinstance(kinds, str | list):
        listed = [kinds] if isinstance(kinds, str) else kinds
        schema["type"] = [*listed, *([] if "null" in listed else ["null"])]
        return schema
    return {"anyOf": [schema, {"type": "null"}]} if "$ref" in schema or "allOf" in schema else schema


def _downloaded(url: str) -> list[Document]:
    """The documents at a URL: one document, or the documents of a mock (`/__mock__/spec`)."""
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

    try:
        answer = httpx2.get(url, timeout=_SECONDS, follow_redirects=True)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise ValueError(f"{url}: cannot be read: {error or type(error).__name__}") from error
    if answer.status_code != _FOUND:
        raise ValueError(f"{url}: cannot be read: status {answer.status_code}")
    return answer.text
