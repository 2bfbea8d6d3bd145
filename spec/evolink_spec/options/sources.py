"""The sources of settings: the command line, environment variables, TOML tables and keyword arguments.

A source maps the name of a field to a `RawValue`. If several sources set a field, the first of them is used. Every
error names the option, variable, TOML key or argument with the invalid value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from msgspec import Struct

from evolink_spec.options.declaration import fields_of
from evolink_spec.options.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from evolink_spec.options.declaration import Field

R = TypeVar("R", bound=Struct)


class RawValue(NamedTuple):
    """A value as the user wrote it. `source` is the option, environment variable, TOML key or argument that sets it."""

    source: str
    value: Any


def gather(record: type[R], sources: Iterable[Mapping[str, RawValue]]) -> R:
    """Build a record from the values in `sources`.

    An earlier source takes precedence over a later one. Raises ValueError if a value is invalid. Raises ValueError if
    one source sets two options that exclude each other. The message names the options, variables or TOML keys.
    """
    fields = {field.name: field for field in fields_of(record)}
    chosen: dict[str, Any] = {}
    for source in sources:
        values = {name: _read(fields[name], raw) for name, raw in source.items() if name in fields}
        for field in fields.values():
            _drop_excluded(field, values, chosen, source)
        chosen = values | chosen
    return record(**chosen)


def _read(field: Field, raw: RawValue) -> Any:
    try:
        return field.read(raw.value)
    except ValueError as error:
        raise ValueError(f"{raw.source}: {error}") from error


def _drop_excluded(
    field: Field, values: dict[str, Any], chosen: Mapping[str, Any], source: Mapping[str, RawValue]
) -> None:
    name, other = field.name, field.option.excludes
    if not other:
        return
    if other in chosen:  # by an earlier source
        values.pop(name, None)
    if chosen.get(name):
        values.pop(other, None)
    if values.get(name) and other in values:
        raise ValueError(f"{source[name].source} and {source[other].source} cannot be used together")


def from_table(table: Mapping[str, Any], where: str, *records: type[Struct]) -> dict[str, RawValue]:
    """Return the values in a TOML table, by field name. The TOML keys may contain dashes or underscores.

    `where` describes the table in error messages, such as `pyproject.toml: [tool.evolink-mock]`. Raises ValueError for
    an unknown key.
    """
    known = {field.key: field.name for record in records for field in fields_of(record)}
    values = {}
    for key, value in table.items():
        name = known.get(key.replace("_", "-"))
        if name is None:
            raise ValueError(f"{where} has no setting {key!r}{did_you_mean(key.replace('_', '-'), known)}")
        values[name] = RawValue(f"{where} {key}", value)
    return values


def from_environment(
    variables: Mapping[str, str], prefix: str, *records: type[Struct]
) -> dict[str, RawValue]:
    """Return the values in environment variables, by field name.

    The variable for `--max-body` is `PREFIX_MAX_BODY`. White space separates the values of an option that may be
    repeated.
    """
    values = {}
    for field in (field for record in records for field in fields_of(record)):
        variable = variable_of(field, prefix)
        if variables.get(variable):
            text = variables[variable]
            values[field.name] = RawValue(variable, text if field.collection is None else text.split())
    return values


def variable_of(field: Field, prefix: str) -> str:
    """Return the name of the environment variable of a field."""
    return prefix + field.key.replace("-", "_").upper()


def from_keywords(keywords: Mapping[str, Any], *records: type[Struct]) -> dict[str, RawValue]:
    """Return the values of keyword arguments, by field name. Raises TypeError for an unknown name, as Python does."""
    fields = [field for record in records for field in fields_of(record)]
    known: Collection[str] = [field.name for field in fields]
    by_option = {field.key.replace("-", "_"): field.name for field in fields}
    for name in keywords:
        if name not in known:
            raise TypeError(f"unknown setting {name!r}{did_you_mean(by_option.get(name, name), known)}")
    return {name: RawValue(name, value) for name, value in keywords.items() if value is not None}
