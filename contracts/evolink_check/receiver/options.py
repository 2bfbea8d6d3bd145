"""The options of `evolink-check receiver`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (part of a declaration)
from typing import Annotated

from evolink_spec.options.declaration import Option
from msgspec import Meta, Struct

_RECEIVER, _HOW = "The receiver", "How it is run"
_Seconds = Annotated[float, Meta(ge=0.1)]


class ReceiverOptions(Struct, frozen=True, kw_only=True):
    """The receiver, its expected behaviour, and the settings of the check."""

    command: Annotated[
        tuple[str, ...],
        Option(
            help="The command that starts the receiver, after --. Leave it out if the receiver is already "
            "running.",
            metavar="COMMAND...",
            positional=True,
        ),
    ] = ()
    url: Annotated[
        str,
        Option(
            help="The callback URL, with its path and query string; {port} is replaced by a free port. "
            "By default, /callback at --listen.",
            section=_RECEIVER,
            metavar="URL",
        ),
    ] = ""
    listen: Annotated[
        str,
        Option(
            help="The address at which COMMAND must listen; {port} is replaced by a free port.",
            section=_RECEIVER,
            metavar="HOST:PORT",
        ),
    ] = "127.0.0.1:{port}"
    secret: Annotated[
        str,
        Option(
            help="The secret in the query string of the callback URL: a value that the URL contains, or "
            "[NAME=]VALUE, which is added to the URL.",
            section=_RECEIVER,
            metavar="SECRET",
        ),
    ] = ""
    trust_secret: Annotated[
        bool,
        Option(
            help="The receiver relies on its secret alone: it need not query tasks, and a forged callback with the "
            "right secret may have an effect.",
            section=_RECEIVER,
        ),
    ] = False
    ledger: Annotated[
        str,
        Option(
            help="The bookings of the receiver: a file (text, JSON, SQLite), a URL, or - for the output of "
            "COMMAND. Every entry that contains a task id counts.",
            section=_RECEIVER,
            metavar="FILE|URL|-",
        ),
    ] = ""
    register: Annotated[
        str,
        Option(
            help="For a receiver that accepts only tasks that it created: the response to each create request is sent "
            "to this URL, as JSON, before the callback. {port} is replaced as in --url.",
            section=_RECEIVER,
            metavar="URL",
        ),
    ] = ""
    ca: Annotated[
        Path | None,
        Option(
            help="PEM file of the CA that signed the receiver's certificate, if it is not a public one.",
            section=_RECEIVER,
            metavar="FILE",
        ),
    ] = None
    booked: Annotated[
        str,
        Option(
            help="The ledger entries that match this regular expression are bookings of completed tasks, and all "
            "others are ignored.",
            section=_RECEIVER,
            metavar="REGEX",
        ),
    ] = ""
    mock: Annotated[
        str,
        Option(
            help="The running mock at which the receiver queries tasks; its control API must be enabled. By"
            " default, a mock is started for COMMAND.",
            section=_RECEIVER,
            metavar="URL",
        ),
    ] = ""
    token: Annotated[
        str,
        Option(
            help="The API key of a receiver that is already running. It is better to set EVOLINK_API_KEY.",
            section=_RECEIVER,
            metavar="KEY",
        ),
    ] = ""
    scenarios: Annotated[
        tuple[str, ...],
        Option(
            help="Run only scenarios whose ids start with ID or match the pattern ID. Repeatable.",
            name="--scenario",
            metavar="ID",
        ),
    ] = ()
    show_list: Annotated[bool, Option(help="List the scenarios and exit.", name="--list")] = False
    patience: Annotated[
        _Seconds,
        Option(
            help="Seconds within which the receiver must query and book a task, after it has answered the "
            "callback with 2xx.",
            section=_HOW,
            metavar="SECONDS",
        ),
    ] = 20.0
    burst: Annotated[
        int,
        Meta(ge=2, le=1000),
        Option(help="Number of callbacks sent at once in the scenario burst.", section=_HOW, metavar="N"),
    ] = 100
    ready: Annotated[
        _Seconds,
        Option(help="Seconds within which COMMAND must begin to listen.", section=_HOW, metavar="SECONDS"),
    ] = 20.0
    seed: Annotated[
        int | None,
        Option(help="The same seed repeats the same ids, results and variations.", section=_HOW, metavar="N"),
    ] = None
