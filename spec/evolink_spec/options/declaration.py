"""Each setting is declared once, as a field of a record.

The annotation of the field contains an `Option`. The field defines a command-line option and an environment variable.
The field also defines a TOML key and a keyword argument in Python. A field of type tuple or frozenset is a repeatable
option.
"""

from __future__ import annotations

import math
import os
import typing
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

import msgspec
from msgspec import NODEFAULT, Meta, Struct

if TYPE_CHECKING:
    from collections.abc import Callable

_SWITCH = dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True) | dict.fromkeys(
    ("0", "false", "f", "no", "n", "off"), False
)
_NAMES = {int: "a whole number", float: "a number", bool: "true or false"}


# For example, `port: Annotated[int, Meta(ge=0, le=65535), Option(help="Port to listen on.", short="-p")] = 8080`
# defines the option `--port`, the variable `PREFIX_PORT`, the TOML key `port`, the keyword argument `port`, and the
# property `port` in the JSON Schema of the TOML table.
class Option(Struct, frozen=True, kw_only=True):
    """How users write the value of a field, for example on the command line."""

    help: str  # the help text
    section: str = "Options"  # the heading in the help under which the option is listed
    name: str = ""  # the long option, such as `--port`; if empty, the option is named after the field
    short: str = ""  # the short option, such as `-p`
    metavar: str = "TEXT"  # what the help shows in place of the value
    shown: str | None = None  # the default as users write it, such as `5s`
    parse: Callable[[str], Any] | None = None  # converts text; raises ValueError for invalid text
    excludes: str = ""  # another field, which must not be set together with this one
    positional: bool = False  # whether the field is an argument, not an option


class Field(Struct, frozen=True):
    """A field of a record that users can set."""

    name: str
    kind: Any  # the type of a single value
    limits: Meta | None
    collection: type | None  # tuple or frozenset if the field holds several values
    default: Any
    option: Option

    @property
    def key(self) -> str:
        """The name of the field in a TOML table, for example `max-body`."""
        return self.flag.removeprefix("--")

    @property
    def flag(self) -> str:
        """The name of the field on the command line, for example `--max-body`."""
        return self.option.name or f"--{self.name.replace('_', '-')}"

    @property
    def choices(self) -> tuple[str, ...]:
        """The possible values, if the field has a fixed list of them.

        The result is empty for any other field.
        """
        words = self.option.metavar.split("|")
        return tuple(words) if len(words) > 1 and all(map(str.islower, words)) else ()

    @property
    def is_switch(self) -> bool:
        """True if the option takes no value."""
        return self.kind is bool and self.collection is None

    @property
    def shown_default(self) -> str:
        """The default as users would write it.

        The result is empty if the option has no default.
        """
        if self.option.shown is not None:
            return self.option.shown
        if self.is_switch or self.default in (None, (), frozenset(), NODEFAULT, ""):
            return ""
        return f"{self.default:.15g}" if isinstance(self.default, float) else str(self.default)

    def read(self, raw: Any) -> Any:
        """Convert `raw` to the type of the field.

        `raw` is text, or a value from TOML or Python. Raises ValueError, with the expected type, if `raw` is invalid.
        """
        if self.collection is None:
            return self._read_one(raw)
        items = [raw] if isinstance(raw, str | os.PathLike) else raw
        if not isinstance(items, list | tuple | set | frozenset):
            raise ValueError(f"{raw!r} is not a list")  # noqa: TRY004  (an error for users)
        return self.collection(self._read_one(item) for item in items)

    def _read_one(self, raw: Any) -> Any:
        if self.option.parse is not None:
            if isinstance(raw, bool) or not isinstance(raw, str | os.PathLike | int | float):
                raise ValueError(f"{raw!r} is not text")
            return self.option.parse(str(raw))
        if self.kind is Path and isinstance(raw, str | os.PathLike):
            return Path(raw)
        value = _SWITCH.get(raw.lower(), raw) if self.kind is bool and isinstance(raw, str) else raw
        try:
            converted = msgspec.convert(
                value, _limited(self.kind, self.limits), strict=not isinstance(raw, str)
            )
        except msgspec.ValidationError as error:
            raise ValueError(f"{raw!r} is not {self.expected}") from error
        if isinstance(converted, float) and not math.isfinite(converted):
            raise ValueError(f"{raw!r} is not {self.expected}")
        return converted

    @property
    def expected(self) -> str:
        """The expected type and range of a value, in words."""
        if typing.get_origin(self.kind) is Literal:
            return f"one of {', '.join(typing.get_args(self.kind))}"
        name = _NAMES.get(self.kind, "text")
        least, most = (self.limits.ge, self.limits.le) if self.limits else (None, None)
        if most is not None:
            return f"{name} from {least} to {most}"
        return name if least is None else f"{name} of at least {least}"

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the field in a TOML table."""
        kind = str if self.kind is Path or self.option.parse is not None else self.kind
        schema = msgspec.json.schema(_limited(kind, self.limits if kind is self.kind else None))
        if self.option.parse is not None and self.kind is not str:
            schema = {"type": ["string", "number"]}
        outer = schema if self.collection is None else {"type": "array", "items": schema}
        return outer | {"description": self.option.help}


def _limited(kind: Any, limits: Meta | None) -> Any:
    return kind if limits is None else Annotated[kind, limits]


@cache
def fields_of(record: type[Struct]) -> tuple[Field, ...]:
    """Return the fields of a record that users can set, in order."""
    hints = typing.get_type_hints(record, include_extras=True)
    made = (_field(hints[info.name], info.name, info.default) for info in msgspec.structs.fields(record))
    return tuple(field for field in made if field is not None)


def _field(hint: Any, name: str, default: Any) -> Field | None:
    kind, *notes = typing.get_args(hint) if typing.get_origin(hint) is Annotated else (hint,)
    option = next((note for note in notes if isinstance(note, Option)), None)
    if option is None:
        return None
    if typing.get_origin(kind) in {Union, UnionType}:
        (kind,) = (member for member in typing.get_args(kind) if member is not NoneType)
        if typing.get_origin(kind) is Annotated:
            kind, *more = typing.get_args(kind)
            notes += more
    collection = typing.get_origin(kind)
    if collection in {tuple, frozenset}:
        kind = typing.get_args(kind)[0]
    else:
        collection = None
    return Field(
        name,
        kind,
        next((note for note in notes if isinstance(note, Meta)), None),
        collection,
        default,
        option,
    )


def json_schema(title: str, *records: type[Struct]) -> dict[str, Any]:
    """Return the JSON Schema of a TOML table with the settings in `records`."""
    fields = [field for record in records for field in fields_of(record)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "properties": {field.key: field.schema for field in fields},
        "additionalProperties": False,
    }
