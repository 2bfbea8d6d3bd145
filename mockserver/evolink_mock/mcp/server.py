"""The MCP server: it offers the tools over stdin and stdout, by the official package."""

from __future__ import annotations

from functools import wraps
from importlib.metadata import version
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from evolink_mock.mcp.client_check import CheckError
from evolink_mock.mcp.tools import MockTools
from evolink_mock.testing.control_client import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

_INSTRUCTIONS = (
    "evolink-mock simulates EvoLink's asynchronous video API. Point the program under test to it with the variables "
    "that describe_mock shows. Then look at its requests and violations, choose outcomes with set_recipe, move the "
    "clock instead of waiting, and judge the whole client with check_client."
)


def create_server(url: str, token: str) -> MCPServer:
    """Return the server for the account of a token on the mock at a URL."""
    server: MCPServer = MCPServer(
        "evolink-mock", instructions=_INSTRUCTIONS, version=version("evolink-mock"), log_level="WARNING"
    )
    tools = MockTools(url, token)
    for tool in (
        tools.describe_mock,
        tools.list_requests,
        tools.list_violations,
        tools.list_tasks,
        tools.end_task,
        tools.list_recipes,
        tools.set_recipe,
        tools.clear_recipes,
        tools.move_clock,
        tools.reset_account,
        tools.check_client,
    ):
        server.add_tool(_with_reasons(tool))
    return server


def _with_reasons(tool: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Return the tool with its expected errors converted to errors of the protocol, which the agent reads."""

    @wraps(tool)
    def call(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
        try:
            return tool(*arguments, **named)
        except (ControlError, ConnectionError, CheckError) as error:
            raise ToolError(str(error)) from error

    return call


def run(url: str, token: str) -> None:
    """Serve until stdin ends."""
    create_server(url, token).run("stdio")
