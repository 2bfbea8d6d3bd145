"""The tools as an agent uses them: by the official client, over the stdin and stdout of the command."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from evolink_mock.mcp.client_check import condensed
from evolink_mock.mcp.server import create_server
from evolink_mock.server.thread import serve_in_thread
from evolink_mock.settings import Settings
from evolink_spec import load
from mcp import Client, StdioServerParameters, stdio_client
from support.mocks.in_process import BODY, CREATE
from support.mocks.mock_process import BIN
from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "agent-key"
TOOLS = {
    "describe_mock",
    "list_requests",
    "list_violations",
    "list_tasks",
    "end_task",
    "list_recipes",
    "set_recipe",
    "clear_recipes",
    "move_clock",
    "reset_account",
    "check_client",
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve_in_thread(load(), Settings(port=0)) as server:
        yield server.url


def parameters(url: str) -> StdioServerParameters:
    return StdioServerParameters(command=str(BIN / "evolink-mock"), args=["mcp", url, "--token", KEY])


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    """The result of a tool; an error is raised with its text."""
    result = await client.call_tool(tool, arguments)
    text = "".join(getattr(part, "text", "") for part in result.content)
    if result.is_error:
        raise ValueError(text)
    return json.loads(text) if text.startswith("{") else text


def create(url: str, **fields: Any) -> httpx2.Response:
    return httpx2.post(f"{url}{CREATE}", json=BODY | fields, headers={"Authorization": f"Bearer {KEY}"})


def test_an_agent_sees_requests_chooses_outcomes_moves_the_clock_and_reads_a_verdict(url: str) -> None:
    async def work() -> None:
        async with Client(stdio_client(parameters(url))) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
            described = await call(client, "describe_mock")
            assert (described["EVOLINK_BASE_URL"], described["EVOLINK_API_KEY"]) == (url, KEY)

            await call(client, "set_recipe", recipe="429", times=1)
            assert [create(url).status_code, create(url).status_code] == [429, 200]
            assert create(url, prompt=7).status_code == 400
            requests = (await call(client, "list_requests", limit=2))["entries"]
            assert [entry["status"] for entry in requests] == [200, 400]
            (violation,) = (await call(client, "list_violations"))["violations"]
            assert violation["text"].startswith("prompt: ")

            await call(client, "move_clock", action="freeze")
            events = (await call(client, "move_clock", action="advance", by="1h"))["happened"]
            assert "task.completed" in {event["what"] for event in events}
            (task,) = (await call(client, "list_tasks"))["tasks"]
            with pytest.raises(ValueError, match="there is no scenario 'sunny'; the nearest are "):
                await call(client, "check_client", command=["x"], scenarios=["sunny"])
            with pytest.raises(ValueError, match="task"):
                await call(client, "end_task", task_id=task["id"], outcome="failed", failure="no-such-code")

            program = str(ROOT / "examples" / "clients" / "httpx_sync.py")
            command = [sys.executable, program, "--prompt", "{prompt}", "--image-url", "{image_url}"]
            command += ["--output", "{output}"]
            verdict = await call(client, "check_client", command=command, scenarios=["happy"])
            assert verdict["verdict"] == "passed", verdict
            assert verdict["score"]["scenarios"] >= 1
            assert await call(client, "reset_account") == "deleted"
            assert (await call(client, "list_requests"))["entries"] == []

    asyncio.run(work())


def test_without_a_mock_a_tool_says_so() -> None:
    async def work() -> None:
        async with Client(create_server("http://127.0.0.1:9", KEY)) as client:
            with pytest.raises(ValueError, match=r"no evolink-mock responds at http://127\.0\.0\.1:9"):
                await call(client, "list_requests")

    asyncio.run(work())


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("move_clock", {"action": "advance", "seconds": 3600}, "'seconds'; it accepts action, by"),
        ("list_requests", {"limits": 1}, "'limits' (did you mean limit?); it accepts limit, status"),
        ("list_tasks", {"limit": 1}, "'limit'; it accepts none"),
    ],
)
def test_an_unknown_argument_is_refused_with_those_that_exist(
    tool: str, arguments: dict[str, Any], message: str
) -> None:
    async def work() -> None:
        async with Client(create_server("http://127.0.0.1:9", KEY)) as client:
            with pytest.raises(ValueError, match=re.escape(f"{tool} has no argument {message}")):
                await call(client, tool, **arguments)

    asyncio.run(work())


def test_a_verdict_has_what_is_needed_to_change_the_client() -> None:
    violation = {"clause": "client.x", "expected": "a", "seen": "b", "evidence": [], "advice": "c"}
    clause = {
        "id": "client.x",
        "status": "failed",
        "rule": "r",
        "advice": "c",
        "scenarios": ["s"],
        "needs": None,
    }
    other = {**clause, "id": "client.y", "status": "not observed", "needs": "--more"}
    report = {
        "exit_status": 1,
        "score": {"failed": 1},
        "clauses": [clause, other],
        "scenarios": [{"id": "s", "problem": "", "violations": [violation]}],
        "notes": [],
    }
    found = condensed(report)
    assert (found["verdict"], found["not_observed"]) == ("failed", {"client.y": "--more"})
    assert found["violated"][0]["violations"] == [
        {"scenario": "s", "expected": "a", "seen": "b", "evidence": []}
    ]
