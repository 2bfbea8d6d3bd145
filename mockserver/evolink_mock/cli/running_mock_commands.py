"""The commands `wait`, `tail` and `mcp`, which use a running mock. `mount` adds them to the command line."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import click
from evolink_spec.extras import install_command
from evolink_spec.options.sources import RawValue

from evolink_mock.cli.options import McpOptions, TailOptions, WaitOptions
from evolink_mock.settings import environment

if TYPE_CHECKING:
    from evolink_spec.options.command_line import Group

_BASE_URL = "EVOLINK_BASE_URL"


def wait(options: WaitOptions) -> None:
    """Wait until a mock is ready.

    Use this command in a script that has started a mock. The exit status is 1 if the mock is not ready in time.
    """
    from evolink_mock.cli import running_mock

    raise SystemExit(running_mock.wait(options.mock_url, options.timeout))


def tail(options: TailOptions) -> None:
    """Show the requests to a running mock as they arrive."""
    from evolink_mock.cli import running_mock

    raise SystemExit(running_mock.tail(options))


def mcp(options: McpOptions) -> None:
    """Let a coding agent use a running mock, by the Model Context Protocol.

    The agent starts this command and talks to it over stdin and stdout. The agent can also run and check client
    programs. This command needs the extra `mcp`.
    """
    if find_spec("mcp") is None:
        raise click.UsageError(f"the package mcp is missing: {install_command('mcp')}")
    from evolink_mock.mcp.server import run

    run(options.mock_url, options.token)


def mount(app: Group) -> None:
    """Add the commands `wait`, `tail` and `mcp` to a command line."""
    app.taking(WaitOptions, beneath=_default_url)(wait)
    app.taking(TailOptions, beneath=_default_url)(tail)
    app.taking(McpOptions, beneath=_default_url)(mcp)


def _default_url() -> list[dict[str, RawValue]]:
    url = environment().get(_BASE_URL)
    return [{"url": RawValue(_BASE_URL, url)}] if url else []
