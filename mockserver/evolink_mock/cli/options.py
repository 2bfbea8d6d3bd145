"""The options that belong to a single command. The options that every mock has are the fields of `Settings`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from evolink_spec.options.declaration import Option
from msgspec import Meta, Struct

from evolink_mock.domain.units import Speed, parse_duration, parse_speed

_ADDRESS, _OTHER = "Address", "Callbacks, documents, log"
_STATE = "State"
_HARD_CODED = "Clients with a hard-coded address"


class ServeOptions(Struct, frozen=True, kw_only=True):
    """The options of `serve` alone."""

    port_file: Annotated[
        Path | None,
        Option(
            help="Write the port to this file when the mock is ready; the file is removed at the end.",
            section=_ADDRESS,
            metavar="FILE",
        ),
    ] = None
    workers: Annotated[
        int,
        Meta(ge=1, le=64),
        Option(
            help="Number of processes that serve requests. They share one store.",
            section=_STATE,
            metavar="N",
        ),
    ] = 1
    snapshot: Annotated[
        Path | None,
        Option(
            help="Start with the accounts in this file, which is a saved response of POST /__mock__/snapshot.",
            section=_STATE,
            metavar="FILE",
        ),
    ] = None
    quiet: Annotated[
        bool, Option(help="Log warnings only, not every request.", section=_OTHER, short="-q")
    ] = False


class RunOptions(Struct, frozen=True, kw_only=True):
    """The options of `run` alone."""

    command: Annotated[
        tuple[str, ...],
        Option(help="The command to run, after --.", metavar="COMMAND...", positional=True),
    ] = ()
    hosts: Annotated[
        bool,
        Option(
            help="Run the command in its own network namespace, where the API's host names lead to the mock"
            " and nothing else is reachable. For a client that ignores proxy settings. Linux only.",
            section=_HARD_CODED,
        ),
    ] = False
    verbose: Annotated[
        bool, Option(help="Log each request while the command runs.", section=_OTHER, short="-v")
    ] = False


class StoreOptions(Struct, frozen=True, kw_only=True):
    """The options of `store`."""

    action: Annotated[
        str,
        Option(help="The action.", metavar="info|check|export|import", positional=True),
    ] = ""
    file: Annotated[
        Path | None,
        Option(
            help="The file in JSON Lines that `export` writes or `import` reads; by default stdout or stdin.",
            section=_STATE,
            metavar="FILE",
        ),
    ] = None


class SchemaOptions(Struct, frozen=True, kw_only=True):
    """The options of `schema`."""

    of: Annotated[str, Option(help="The schema to print.", metavar="settings|recipe", positional=True)] = ""


class DemoOptions(Struct, frozen=True, kw_only=True):
    """The options of `demo`."""

    output: Annotated[
        Path, Option(help="Folder to save the video in.", short="-o", metavar="DIR", shown=".")
    ] = Path()
    duration: Annotated[
        Speed, Option(help="How long the task takes.", metavar="TIME", shown="6s", parse=parse_speed)
    ] = Speed(6.0, 6.0)


class RunningMockOptions(Struct, frozen=True, kw_only=True):
    """The URL of a running mock, for commands such as `tail`."""

    address: Annotated[
        str, Option(help="URL of the mock, instead of --url.", metavar="URL", positional=True, excludes="url")
    ] = ""
    url: Annotated[
        str,
        Option(
            help="URL of the mock, unless it is passed as an argument. EVOLINK_BASE_URL changes the default.",
            metavar="URL",
        ),
    ] = "http://127.0.0.1:8080"

    @property
    def mock_url(self) -> str:
        """The URL of the mock: the argument or, without an argument, the option."""
        return self.address or self.url


class WaitOptions(RunningMockOptions, frozen=True, kw_only=True):
    """The options of `wait`."""

    timeout: Annotated[
        float, Option(help="Maximum time to wait.", metavar="TIME", shown="30s", parse=parse_duration)
    ] = 30.0


class TailOptions(RunningMockOptions, frozen=True, kw_only=True):
    """The options of `tail`."""

    token: Annotated[
        str, Option(help="Show the requests of the account of this API key.", metavar="TOKEN", excludes="key")
    ] = "any-token"  # noqa: S105  (not a secret: by default every key is accepted)
    key: Annotated[
        str,
        Option(
            help="Show the requests of all accounts. This is the key in the link to the console.",
            metavar="KEY",
        ),
    ] = ""
    account: Annotated[
        str, Option(help="Show only the requests of the account with this label.", metavar="LABEL")
    ] = ""
    json: Annotated[bool, Option(help="Print each request as one line of JSON.")] = False


class McpOptions(RunningMockOptions, frozen=True, kw_only=True):
    """The options of `mcp`."""

    token: Annotated[str, Option(help="Use the account with this token.", metavar="TOKEN")] = "any-token"  # noqa: S105
