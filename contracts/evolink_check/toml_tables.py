"""TOML files as records: what is wrong with one is said with its file, its key and the nearest key there is."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import inspect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

T = TypeVar("T", bound=msgspec.Struct)


def load(path: Path) -> dict[str, Any]:
    """The tables of a file. ValueError names it when it cannot be read or is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: invalid TOML: {error}") from error


def convert(tables: dict[str, Any], record: type[T]) -> T:
    """The tables as a record. ValueError for an unknown key, a wrong type or a value out of range."""
    for place, key, known in _unknown_keys(tables, inspect.type_info(record), ""):
        where = f"{place}: " if place else ""
        raise ValueError(f"{where}there is no key {key!r}{did_you_mean(key, known)}")
    try:
        return msgspec.convert(tables, record)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at ")
        key = place.strip("`").removeprefix("$").removeprefix(".")
        raise ValueError(f"{key}: {problem}" if key else problem) from error


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean …?)`, or nothing when no known word is like it."""
    matches = get_close_matches(word, list(known), n=1)
    return f" (did you mean {matches[0]}?)" if matches else ""


def _unknown_keys(value: Any, kind: inspect.Type, place: str) -> Iterator[tuple[str, str, list[str]]]:
    """(table, key, keys that the table may have) of each unknown key. msgspec reports wrong types."""
    if isinstance(kind, inspect.UnionType):
        for option in kind.types:
            yield from _unknown_keys(value, option, place)
    elif isinstance(kind, inspect.VarTupleType) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown_keys(item, kind.item_type, f"{place}[{index}]")
    elif isinstance(kind, inspect.StructType) and isinstance(value, dict):
        types = {field.encode_name: field.type for field in kind.fields}
        for key, inner in value.items():
            if key not in types:
                yield place, key, list(types)
            else:
                yield from _unknown_keys(inner, types[key], f"{place}.{key}" if place else key)
