"""The TOML file that describes a server to check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from evolink_spec.options.suggestions import did_you_mean
from evolink_spec.options.toml import read_toml
from msgspec import Meta, Struct

from evolink_check.cli.options import EffortOptions
from evolink_check.toml_tables import convert

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


class TargetTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[target]` with the URL, the API keys and facts about the server."""

    url: Annotated[str, Meta(description="Base URL of the API; the command line overrides it.")] = ""
    token: Annotated[str, Meta(description="The key itself. Better: use token_env.")] = ""
    token_env: Annotated[str, Meta(description="The environment variable with the key.")] = ""
    other_token: Annotated[
        str, Meta(description="The key of another account. Better: use other_token_env.")
    ] = ""
    other_token_env: Annotated[
        str, Meta(description="The environment variable with the key of another account.")
    ] = ""
    any_key: Annotated[bool, Meta(description="The server accepts any key, as a mock does.")] = False
    credits: Annotated[
        bool | None, Meta(description="Whether the account has enough credits for every create request.")
    ] = None
    access: Annotated[bool | None, Meta(description="Whether the account may use the model.")] = None
    scale: Annotated[
        float, Meta(gt=0, description="Seconds of the server's time that pass in one real second.")
    ] = 1.0
    ca: Annotated[
        str,
        Meta(description="PEM file of the CA that signed the server's certificate, relative to this file."),
    ] = ""
    task_limit: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="Seconds within which every task of this server must end."),
    ] = None
    prompt: Annotated[str, Meta(description="The prompt of requests that must succeed.")] = ""
    image_url: Annotated[str, Meta(description="The image of requests that must succeed.")] = ""


class KeyTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table `[[keys]]` with another API key, and facts about its account."""

    label: Annotated[str, Meta(pattern="^[a-z][a-z0-9-]*$", description="The name of the key in reports.")]
    token: str = ""
    token_env: str = ""
    valid: Annotated[bool, Meta(description="If false, requests with this key must be refused with 401.")] = (
        True
    )
    credits: Annotated[
        bool | None, Meta(description="If false, create requests must be refused with 402.")
    ] = None
    access: Annotated[
        bool | None, Meta(description="If false, create requests must be refused with 403.")
    ] = None
    limited: Annotated[bool, Meta(description="Whether requests with this key soon get a 429.")] = False


class FailingRequestTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table `[[failing]]` with a create request that leads to a failed task."""

    code: str  # the error code of the failed task
    fields: dict[str, Any]  # the fields of the create request


class Callbacks(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[callbacks]` with the addresses of the check's own callback receiver."""

    url: Annotated[str, Meta(description="The public URL that forwards to the callback receiver.")]
    listen: Annotated[str, Meta(description="HOST:PORT on which the callback receiver listens.")]
    trust: Annotated[
        bool,
        Meta(
            description="Trust that the URL forwards to the callback receiver, even if this machine cannot reach the "
            "URL (split DNS, no hairpin)."
        ),
    ] = False


class Clock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[clock]` with the URL that moves the server's clock."""

    advance_url: Annotated[
        str,
        Meta(
            description='A URL to which the check sends POST requests with {"seconds": N}, so that the server advances '
            "the clock of the account by N seconds."
        ),
    ]


class ConfigFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of the TOML file."""

    cannot: Annotated[
        tuple[str, ...], Meta(description="Ids of clauses that cannot be observed on this server.")
    ] = ()
    warn: Annotated[
        tuple[str, ...], Meta(description="Ids of clauses whose violations are only warnings.")
    ] = ()
    target: TargetTable = TargetTable()
    keys: tuple[KeyTable, ...] = ()
    failing: tuple[FailingRequestTable, ...] = ()
    callbacks: Callbacks | None = None
    clock: Clock | None = None
    effort: EffortOptions = EffortOptions()


def read(path: Path, clause_ids: Collection[str]) -> ConfigFile:
    """Read and check the TOML file.

    Raises ValueError if the file is unreadable or invalid. The message has the path of the file. For an unknown name,
    the message suggests a similar valid name.
    """
    tables = read_toml(path)
    try:
        file = convert(tables, ConfigFile)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    for key in ("cannot", "warn"):
        for clause in getattr(file, key):
            if clause not in clause_ids:
                raise ValueError(
                    f"{path}: {key}: there is no clause {clause!r}{did_you_mean(clause, clause_ids)}"
                )
    return file


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the TOML file. Text editors can use it to complete and check the file."""
    return msgspec.json.schema(ConfigFile)
