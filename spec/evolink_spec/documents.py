"""Decode a file with an OpenAPI document or overlay.

The file contains YAML, JSON, or a Markdown page with a YAML block.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml

from evolink_spec.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from evolink_spec.models import Json

# libyaml reads a document eight times faster than the Python loader, which is noticeable at start-up.
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# The fence of a code block in CommonMark. A line with at least as many of its characters closes the block.
_FENCE = re.compile(r"(?P<fence>`{3,}|~{3,})(?P<info>[^`\n]*)")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_LANGUAGE = re.compile(r"ya?ml\b")
_TOP = re.compile(r"^(openapi|overlay)[ \t]*:", re.MULTILINE)
_TAG = "tag:yaml.org,2002:"
_MOST_VALUES = 1_000_000  # after the YAML aliases are expanded; published documents have some 500 values
# The core schema of YAML 1.2: a pattern for each type, and the characters it can begin with. PyYAML implements
# YAML 1.1, where `16:9` is the number 969, `on` is true and `010` is eight.
_WORDS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    "merge": (r"<<", ["<"]),
}


# The restrictions of OpenAPI: YAML 1.2, only JSON types, keys are text, no repeated keys.
class _Loader(_BASE):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own way to change them)
    yaml_constructors = {  # noqa: RUF012  (PyYAML's own way to change them)
        tag: _BASE.yaml_constructors[tag]
        for tag in (_TAG + "null", _TAG + "str", _TAG + "seq", _TAG + "map", None)
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        if isinstance(node, yaml.MappingNode):
            _refuse_repeated_keys(node)
            self.flatten_mapping(node)
            for key, _ in node.value:
                key.tag = _TAG + "str"
        return super().construct_mapping(node, deep)  # type: ignore[no-any-return]


def _refuse_repeated_keys(node: Any) -> None:
    seen = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "a key must be text", key.start_mark)
        if key.value in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"{key.value!r} appears twice", key.start_mark
            )
        seen.add(key.value)


def _scalar(make: Callable[[str], Json]) -> Callable[[Any, Any], Json]:

    def construct(loader: Any, node: Any) -> Json:
        text = loader.construct_scalar(node)
        try:
            return make(text)
        except (KeyError, ValueError):  # from `make`
            problem = f"{text[:40]!r} is not a JSON value"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None

    return construct


def _integer(text: str) -> int:
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


for _word, (_pattern, _first) in _WORDS.items():
    _Loader.add_implicit_resolver(_TAG + _word, re.compile(rf"(?:{_pattern})\Z"), _first)
_Loader.add_constructor(_TAG + "bool", _scalar(lambda text: {"true": True, "false": False}[text.lower()]))
_Loader.add_constructor(_TAG + "int", _scalar(_integer))
_Loader.add_constructor(_TAG + "float", _scalar(float))


def yaml_block(page: str) -> str | None:
    """Return the unchanged text of the YAML block of a Markdown page.

    Returns None if the page has no YAML block. Of several blocks, the first with `openapi` or `overlay` is returned.
    Without such a block, the first block is returned.
    """
    blocks = _yaml_blocks(page)
    return next(filter(_TOP.search, blocks), blocks[0] if blocks else None)


def _yaml_blocks(page: str) -> list[str]:
    blocks, fence, lines = [], "", list[str]()
    wanted = False
    for line in _LINE.findall(page):
        opening = None if fence else _FENCE.match(line)
        bare = line.rstrip()
        if opening:
            fence, wanted, lines = opening["fence"], bool(_LANGUAGE.match(opening["info"])), []
        elif fence and bare.startswith(fence) and not bare.strip(fence[0]):
            blocks += ["".join(lines)] if wanted else []
            fence, wanted = "", False
        elif wanted:
            lines.append(line)
    return blocks


def parse(text: str, source: str) -> Json:
    """Decode JSON, YAML or a Markdown page.

    Raises `SpecError` if the text cannot be read. The error contains the line and column of a syntax error.
    """
    stripped = text.lstrip("\ufeff \t\r\n")
    try:
        document = _json(stripped) if stripped.startswith("{") else _yaml(text)
        # A document must be representable as JSON: no cycle, no infinity, no lone surrogate.
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise SpecError(source, "", f"cannot be read as YAML or JSON: {_one_line(error)}") from error
    return document


def _json(text: str) -> Json:
    return json.loads(text, object_pairs_hook=_members)


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} appears twice")
    return members


def _yaml(text: str) -> Json:
    if sum(bool(_TOP.search(block)) for block in _yaml_blocks(text)) > 1:
        raise ValueError("the page holds several documents: save each to its own file")
    block = yaml_block(text)
    loader = _Loader(text if block is None else block)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        if _expanded_size(root, {}) > _MOST_VALUES:
            raise ValueError(f"its aliases expand to more than {_MOST_VALUES:,} values")
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _expanded_size(node: Any, sizes: dict[int, int]) -> int:
    size = sizes.get(id(node))
    if size is None:
        sizes[id(node)] = 0  # while counting; `parse` rejects a value that contains itself
        children = node.value if isinstance(node, yaml.CollectionNode) else ()
        parts = [part for child in children for part in (child if isinstance(child, tuple) else (child,))]
        size = sizes[id(node)] = 1 + sum(_expanded_size(part, sizes) for part in parts)
    return size


def read(path: Path) -> dict[str, Json]:
    """Read the OpenAPI document or overlay in a file.

    Raises `SpecError` if the file cannot be read. Raises `SpecError` if the content is not UTF-8 text or not a mapping.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SpecError(str(path), "", f"cannot be read: {error.strerror}") from error
    return decode(data, str(path))


def decode(data: bytes, source: str) -> dict[str, Json]:
    """Decode the bytes of an OpenAPI document or overlay.

    Raises `SpecError` if the bytes are not UTF-8 text. Raises `SpecError` if the decoded text is not a mapping.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise SpecError(source, "", f"is not UTF-8 text (byte {error.start})") from error
    document = parse(text.replace("\r\n", "\n").replace("\r", "\n"), source)
    if not isinstance(document, dict):
        raise SpecError(source, "", "holds no OpenAPI document (YAML, JSON, or a page with a YAML block)")
    return document


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
