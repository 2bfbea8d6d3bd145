"""The TOML file that describes a server to check: its tables, and how it is read. Keys it names stand in variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from evolink_spec.options.suggestions import did_you_mean
from evolink_spec.options.toml import read_toml
from msgspec import Meta, Struct

from evolink_check.cli.options import EffortOptions
from evolink_check.toml_tables import convert

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Target(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[target]`."""

    url: Annotated[str, Meta(description="Base URL of the API; the command line may give another.")] = ""
    token: Annotated[str, Meta(description="The key itself. Better: token_env.")] = ""
    token_env: Annotated[str, Meta(description="The variable that holds the key.")] = ""
    other_token: Annotated[str, Meta(description="The key of another account. Better: other_token_env.")] = ""
    other_token_env: Annotated[str, Meta(description="The variable that holds the other key.")] = ""
    any_key: Annotated[bool, Meta(description="The server takes any key, as a mock does.")] = False
    credits: Annotated[bool | None, Meta(description="The credits of the key cover every create.")] = None
    access: Annotated[bool | None, Meta(description="The key may use the model.")] = None
    scale: Annotated[float, Meta(gt=0, description="Seconds of the server's time in a real one.")] = 1.0
    ca: Annotated[str, Meta(description="PEM file of who signed its certificate; relative to this file.")] = (
        ""
    )
    prompt: Annotated[str, Meta(description="The prompt of a request that has to succeed.")] = ""
    image_url: Annotated[str, Meta(description="The image of a request that has to succeed.")] = ""


class OneKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[[keys]]`: another key that the server knows, and what is known of its account."""

    label: Annotated[str, Meta(pattern="^[a-z][a-z0-9-]*$", description="What reports call it.")]
    token: str = ""
    token_env: str = ""
    valid: Annotated[bool, Meta(description="False: it must be refused with 401.")] = True
    credits: Annotated[bool | None, Meta(description="False: they cover no create (402).")] = None
    access: Annotated[bool | None, Meta(description="False: it may not use the model (403).")] = None
    limited: Annotated[bool, Meta(description="Its requests soon get a 429.")] = False


class OneFailing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[[failing]]`: fields of a request whose task is known to fail with this code."""

    code: str
    fields: dict[str, Any]


class Callbacks(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[callbacks]`."""

    url: Annotated[str, Meta(description="The public URL under which our receiver is reached.")]
    listen: Annotated[str, Meta(description="HOST:PORT that our receiver is bound to.")]


class Clock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[clock]`."""

    advance_url: Annotated[
        str, Meta(description='Takes {"seconds": N} and moves the clock of the account that asks.')
    ]


class File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    cannot: Annotated[tuple[str, ...], Meta(description="Ids of clauses that cannot be observed here.")] = ()
    target: Target = Target()
    keys: tuple[OneKey, ...] = ()
    failing: tuple[OneFailing, ...] = ()
    callbacks: Callbacks | None = None
    clock: Clock | None = None
    effort: EffortOptions = EffortOptions()


def read(path: Path, known: Iterable[str]) -> File:
    """The file, checked. ValueError naming the file and what is wrong in it, with the nearest name there is."""
    tables = read_toml(path)
    try:
        file = convert(tables, File)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    for clause in file.cannot:
        if clause not in known:
            raise ValueError(f"{path}: cannot: there is no clause {clause!r}{did_you_mean(clause, known)}")
    return file


def schema() -> dict[str, Any]:
    """The JSON Schema of the file, for an editor."""
    return msgspec.json.schema(File)
