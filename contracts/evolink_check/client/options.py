"""The options of `evolink-check client`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (part of a declaration)
from typing import Annotated

from evolink_spec.document_path import parse_document_path
from evolink_spec.options.declaration import Option
from msgspec import Meta, Struct

_HOW = "How it is run"


class ClientOptions(Struct, frozen=True, kw_only=True):
    """The client to run, its scenarios, and how they are run."""

    command: Annotated[
        tuple[str, ...],
        Option(help="The command of the client, after --.", metavar="COMMAND...", positional=True),
    ] = ()
    scenarios: Annotated[
        tuple[str, ...],
        Option(
            help="Run only scenarios whose ids start with ID or match the pattern ID. Repeatable.",
            name="--scenario",
            metavar="ID",
        ),
    ] = ()
    show_list: Annotated[bool, Option(help="List the scenarios and exit.", name="--list")] = False
    config: Annotated[Path | None, Option(help="A TOML file that describes the client.", metavar="FILE")] = (
        None
    )
    deadline: Annotated[
        Annotated[float, Meta(ge=0.1)] | None,
        Option(
            help="Seconds that the client itself waits for a task before it gives up.",
            metavar="SECONDS",
        ),
    ] = None
    fail_fast: Annotated[bool, Option(help="Start no more scenarios after the first failure.")] = False
    cwd: Annotated[
        str,
        Option(
            help="Working directory of the command; by default each run gets a new one, unless the command "
            "needs the folder of its project (npm, cargo, uv, python -m and others).",
            section=_HOW,
            metavar="DIR",
        ),
    ] = ""
    environment: Annotated[
        tuple[str, ...],
        Option(
            help="Set this variable for the command; placeholders are replaced in VALUE. Repeatable.",
            section=_HOW,
            name="--env",
            metavar="NAME=VALUE",
        ),
    ] = ()
    spec: Annotated[
        tuple[Path, ...],
        Option(
            parse=parse_document_path,
            help="An OpenAPI document of another model, or an overlay, for the mock and the scenarios. Repeatable.",
            section=_HOW,
            metavar="PATH",
        ),
    ] = ()
    only_spec: Annotated[
        tuple[Path, ...],
        Option(
            parse=parse_document_path,
            help="Like --spec, but without the built-in document. Repeatable.",
            section=_HOW,
            metavar="PATH",
        ),
    ] = ()
    jobs: Annotated[
        int,
        Meta(ge=1, le=64),
        Option(
            help="Run N scenarios at once or, if N is 4 or more, up to 2N, because clients mostly wait.",
            section=_HOW,
            short="-j",
            metavar="N",
        ),
    ] = 8
    timeout: Annotated[
        Annotated[float, Meta(ge=1)] | None,
        Option(
            help="Maximum duration of a scenario. By default, 15 s more than the deadline, but at least 25 s; 50 s are "
            "added in scenarios in which a response never comes.",
            section=_HOW,
            metavar="SECONDS",
        ),
    ] = None
    mock: Annotated[
        str,
        Option(
            help="Use the running mock at this URL; its control API must be enabled.",
            section=_HOW,
            metavar="URL",
        ),
    ] = ""
    seed: Annotated[
        int | None,
        Option(
            help="Seed of the mock. The same seed repeats the same ids and results.",
            section=_HOW,
            metavar="N",
        ),
    ] = None
    keep: Annotated[
        Path | None,
        Option(
            help="Folder in which the output, result and requests of each run are saved.",
            section=_HOW,
            metavar="DIR",
        ),
    ] = None
