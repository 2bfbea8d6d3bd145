"""The options of `evolink-check`, in groups that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from evolink_spec.document_path import parse_document_path
from evolink_spec.options.declaration import Option
from msgspec import Meta, Struct

from evolink_check.analysis.requirements import Requirement, parse_requirements

Profile = Literal["quick", "ci", "deep"]
About = Literal["server", "client", "both"]
_SERVER, _EFFORT, _CALLBACKS, _DOCUMENTS = "The server", "Effort", "Callbacks", "Documents"
_NoLess = Annotated[float, Meta(ge=0)]
_Positive = Annotated[float, Meta(ge=0.001)]
_Seconds = Annotated[float, Meta(ge=0.1)]
_Count = Annotated[int, Meta(ge=1)]


class DocumentOptions(Struct, frozen=True, kw_only=True):
    """The OpenAPI documents against which a server or a client is checked."""

    spec: Annotated[
        tuple[Path, ...],
        Option(
            parse=parse_document_path,
            help="Also check against this OpenAPI document: a file, a saved page, a folder or pattern of files, or an "
            "overlay. Repeatable.",
            section=_DOCUMENTS,
            metavar="PATH",
        ),
    ] = ()
    only_spec: Annotated[
        tuple[Path, ...],
        Option(
            parse=parse_document_path,
            help="Like --spec, but without the built-in document. Repeatable.",
            section=_DOCUMENTS,
            metavar="PATH",
        ),
    ] = ()


class ServerOptions(Struct, frozen=True, kw_only=True):
    """The server to check, and facts about the server."""

    url: Annotated[
        str,
        Option(
            help="Base URL of the API; it can also be set in the file of --config.",
            metavar="URL",
            positional=True,
        ),
    ] = ""
    token: Annotated[
        str,
        Option(
            help="The API key. It is better to set EVOLINK_API_KEY, which process lists do not show.",
            section=_SERVER,
            metavar="KEY",
        ),
    ] = ""
    other_token: Annotated[
        str,
        Option(
            help="The key of another account, to check that it cannot see the tasks of the first. "
            "It is better to set EVOLINK_OTHER_API_KEY.",
            section=_SERVER,
            metavar="KEY",
        ),
    ] = ""
    any_key: Annotated[
        bool,
        Option(
            help="The server accepts any key, as a mock does. Without --token, a random key is used.",
            section=_SERVER,
        ),
    ] = False
    config: Annotated[
        Path | None,
        Option(
            help="A TOML file that describes the server; `evolink-check schema` prints its schema.",
            section=_SERVER,
            short="-c",
            metavar="FILE",
        ),
    ] = None
    ca: Annotated[
        Path | None,
        Option(
            help="PEM file of the CA that signed the server's certificate.",
            section=_SERVER,
            metavar="FILE",
        ),
    ] = None
    scale: Annotated[
        _Positive | None,
        Option(
            help="Number of seconds that pass on the server in one real second, for a fast mock.",
            section=_SERVER,
            metavar="N",
        ),
    ] = None
    clauses: Annotated[
        frozenset[str],
        Option(
            help="Test only this clause (`evolink-check clauses` lists them). Repeatable.",
            section=_EFFORT,
            name="--clause",
            metavar="ID",
        ),
    ] = frozenset()
    memory: Annotated[
        Path | None,
        Option(
            help="Folder in which failing cases are saved, to be tried first in the next run.",
            section=_EFFORT,
            metavar="DIR",
        ),
    ] = Path(".evolink-check")
    no_memory: Annotated[bool, Option(help="Neither save nor replay failing cases.", section=_EFFORT)] = False
    callback_url: Annotated[
        str,
        Option(
            help="The public https URL that forwards to the callback receiver at --callback-listen.",
            section=_CALLBACKS,
            metavar="URL",
        ),
    ] = ""
    callback_listen: Annotated[
        str,
        Option(
            help="Address (HOST:PORT) on which the callback receiver listens, over plain http.",
            section=_CALLBACKS,
            metavar="HOST:PORT",
        ),
    ] = ""


class EffortOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How thoroughly a server is tested. Each field is an option, and also a key of the TOML table `[effort]`."""

    max_credits: Annotated[
        _NoLess | None,
        Option(
            help="Credits that may be spent. If it is not set, no request is sent that could create a task.",
            section=_EFFORT,
            metavar="N",
        ),
    ] = None
    profile: Annotated[
        Profile | None,
        Option(
            help="Extent of the tests: at most 2 (quick), 5 (ci) or 30 (deep) minutes, and at most 30 tasks within "
            "--max-credits.",
            section=_EFFORT,
            metavar="quick|ci|deep",
        ),
    ] = None
    seed: Annotated[
        int | None,
        Option(help="Seed. The same seed repeats the same requests.", section=_EFFORT, metavar="N"),
    ] = None
    jobs: Annotated[
        _Count | None, Option(help="Number of concurrent requests.", section=_EFFORT, short="-j", metavar="N")
    ] = None
    rate: Annotated[
        _Positive | None, Option(help="Maximum requests per second.", section=_EFFORT, metavar="N")
    ] = None
    time_limit: Annotated[
        _Seconds | None, Option(help="Maximum duration of the run.", section=_EFFORT, metavar="SECONDS")
    ] = None
    task_limit: Annotated[
        _Seconds | None,
        Option(help="Time within which each task must end.", section=_EFFORT, metavar="SECONDS"),
    ] = None


class SeverityOptions(Struct, frozen=True, kw_only=True):
    """Options that determine which clauses can make a run fail."""

    strict: Annotated[
        bool, Option(help="Also fail on warnings, except those of the clauses named by --warn.")
    ] = False
    warn: Annotated[
        frozenset[str],
        Option(
            help="Report violations of this clause as warnings only. Repeatable.",
            metavar="CLAUSE",
        ),
    ] = frozenset()
    require: Annotated[
        tuple[str, ...],
        Option(
            help="Fail unless this share of the clauses (or this clause) was observed. Repeatable.",
            metavar="N%|CLAUSE",
        ),
    ] = ()

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """The parsed values of --require. Raises ValueError for a text that is neither a percentage nor a clause id."""
        from evolink_spec.clauses import load_clauses

        return parse_requirements(self.require, [clause.id for clause in load_clauses()])


class JudgingOptions(Struct, frozen=True, kw_only=True):
    """Options for checks of recorded or live traffic."""

    about: Annotated[
        About,
        Option(
            help="Check the clauses that bind the server, the client, or both.", metavar="server|client|both"
        ),
    ] = "server"
    complete: Annotated[
        bool,
        Option(
            help="State that the traffic contains every request of the clients, so that a missing request counts "
            "as not sent."
        ),
    ] = False
    clauses: Annotated[
        frozenset[str],
        Option(
            help="Check only this clause (`evolink-check clauses` lists them). Repeatable.",
            name="--clause",
            metavar="ID",
        ),
    ] = frozenset()


class RecordingOptions(Struct, frozen=True, kw_only=True):
    """The recordings to check."""

    files: Annotated[tuple[Path, ...], Option(help="HAR files.", metavar="FILE...", positional=True)] = ()
    origin: Annotated[
        str,
        Option(
            help="Base URL of the API in the recording. By default, the documented server if it got a request, "
            "otherwise the server that got the most requests with documented paths.",
            metavar="URL",
        ),
    ] = ""


class ProxyOptions(Struct, frozen=True, kw_only=True):
    """The address of the proxy, and the API to which it forwards."""

    upstream: Annotated[str, Option(help="Base URL of the API.", metavar="URL")] = ""
    port: Annotated[
        int,
        Meta(ge=0, le=65535),
        Option(help="Port to listen on; 0 selects a free port.", short="-p", metavar="PORT"),
    ] = 9000
    host: Annotated[
        str,
        Option(
            help="Address to listen on. Any address other than loopback can be reached from your network.",
            metavar="HOST",
        ),
    ] = "127.0.0.1"
    ca: Annotated[
        Path | None,
        Option(help="PEM file of the CA that signed the API's certificate.", metavar="FILE"),
    ] = None
    headers: Annotated[
        bool,
        Option(
            help="Hold each response until it is judged, and add a header X-Evolink-Check with `passed` or the ids of "
            "the violated clauses.",
        ),
    ] = False


class ClauseOptions(Struct, frozen=True, kw_only=True):
    """The clauses to list, and the output format."""

    clause: Annotated[
        str, Option(help="Show everything about this clause.", metavar="ID", positional=True)
    ] = ""
    as_json: Annotated[bool, Option(help="Print JSON.", name="--json")] = False
