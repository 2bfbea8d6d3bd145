"""From a file to a document: YAML, JSON, or a documentation page with one YAML block in it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml

from spec.errors import SpecError

if TYPE_CHECKING:
    from pathlib import Path

    from spec.records import Json

# libyaml reads a document eight times faster than the Python loader, which would be felt at start-up.
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# A fence of any length and language word, as CommonMark has it; the longest run opens and closes.
_BLOCK = re.compile(
    r"^(?P<fence>`{3,}|~{3,})ya?ml\b[^\n]*\n(?P<text>.*?)^(?P=fence)[ \t]*$", re.DOTALL | re.MULTILINE
)


class _Loader(_BASE):  # type: ignore[misc]
    """YAML 1.2 as OpenAPI wants it: a date stays a string, a repeated key is an error."""

    yaml_implicit_resolvers = {  # noqa: RUF012  (PyYAML's own way to change them)
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in _BASE.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value!r} stands twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)  # type: ignore[no-any-return]


def yaml_block(page: str) -> str | None:
    """The text of the first YAML block of a Markdown page, to the byte; None when there is none."""
    found = _BLOCK.search(page)
    return found["text"] if found else None


def parse(text: str, source: str) -> Json:
    """Decode `text` as JSON, YAML or a page; raise `SpecError` naming line and column."""
    stripped = text.lstrip("\ufeff \t\r\n")
    try:
        if stripped.startswith("{"):
            return json.loads(stripped)
        block = yaml_block(text)
        return yaml.load(text if block is None else block, Loader=_Loader)  # noqa: S506  (a safe loader)
    except (json.JSONDecodeError, yaml.YAMLError, RecursionError) as error:
        raise SpecError(source, "", f"is not readable as YAML or JSON: {_one_line(error)}") from error


def read(path: Path) -> dict[str, Json]:
    """Read one document; raise `SpecError` when it is missing, no text, or no mapping."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SpecError(str(path), "", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SpecError(str(path), "", f"is not UTF-8 text (byte {error.start})") from error
    document = parse(text, str(path))
    if not isinstance(document, dict):
        raise SpecError(
            str(path), "", "has no OpenAPI document in it (YAML, JSON, or a page with a YAML block)"
        )
    return document


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
