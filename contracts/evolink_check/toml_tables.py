"""Convert TOML tables to records.

Error messages name the wrong key and a similar valid key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from evolink_spec.options.suggestions import did_you_mean
from msgspec import inspect

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T", bound=msgspec.Struct)


def convert(tables: dict[str, Any], record: type[T]) -> T:
    """Convert TOML tables to a record.

    Raises ValueError for an unknown key or a wrong value.
    """
    for place, key, known in _unknown_keys(tables, inspect.type_info(record), ""):
        where = f"{place}: " if place else ""
        raise ValueError(f"{where}there is no key {key!r}{did_you_mean(key, known)}")
    try:
        return msgspec.convert(tables, record)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at ")
        key = place.strip("`").removeprefix("$").removeprefix(".")
        raise ValueError(f"{key}: {problem}" if key else problem) from error


def _unknown_keys(value: Any, kind: inspect.Type, place: str) -> Iterator[tuple[str, str, list[str]]]:
    # Yield each unknown key with its table's path and valid keys.
    # Values of a wrong type are ignored, because msgspec reports them.
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
