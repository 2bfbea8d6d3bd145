"""The MCP server, which offers the tools of `MockTools` over stdin and stdout."""

from __future__ import annotations

from functools import wraps
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from evolink_spec.options.suggestions import did_you_mean
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool

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
    """Return an MCP server for the account of `token` on the mock at `url`."""
    tools = MockTools(url, token)
    functions = (
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
    )
    return MCPServer(
        "evolink-mock",
        instructions=_INSTRUCTIONS,
        version=version("evolink-mock"),
        log_level="WARNING",
        tools=[StrictTool.from_function(_with_mcp_errors(function)) for function in functions],
    )


class StrictTool(Tool):
    """A tool that rejects unknown arguments."""

    async def run(self, arguments: dict[str, Any], *others: Any, **named: Any) -> Any:
        """Call the tool. Raises `ToolError` if an argument is unknown."""
        accepted = self.parameters["properties"]
        for name in arguments.keys() - accepted.keys():
            what = f"{self.name} has no argument {name!r}{did_you_mean(name, accepted)}"
            raise ToolError(f"{what}; it accepts {', '.join(accepted) or 'none'}")
        return await super().run(arguments, *others, **named)


def _with_mcp_errors(tool: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    @wraps(tool)
    def call(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
        try:
            return tool(*arguments, **named)
        except (ControlError, ConnectionError, CheckError) as error:
            # The package `mcp` sends the message of a `ToolError` to the agent. Messages of other exceptions are
            # hidden.
            raise ToolError(str(error)) from error

    return call


def run(url: str, token: str) -> None:
    """Serve the tools until stdin ends."""
    create_server(url, token).run("stdio")
