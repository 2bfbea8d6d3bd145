"""The tools of the MCP server. Each tool calls the control API for one account."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from evolink_mock.mcp.client_check import check_client
from evolink_mock.testing.control_client import ControlClient

JsonObject = dict[str, Any]
_BODY = 4000  # maximum number of characters of a body in a list


class MockTools:
    """The tools for the account of `token` on the mock at `url`.

    Every tool raises `ControlError` if the mock responds with an error. Every tool raises `ConnectionError` if no mock
    responds.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._control = ControlClient(url, token)

    def describe_mock(self) -> JsonObject:
        """Show the URL and API key that the program under test must use.

        The result also contains the account's state, and the file paths of the OpenAPI documents.
        """
        return {
            "EVOLINK_BASE_URL": self._url,
            "EVOLINK_API_KEY": self._token,
            "documents": sorted(self._get("/spec")["documents"]),
            "account": self._get("/account"),
        }

    def list_requests(self, limit: int = 20, status: int | None = None) -> JsonObject:
        """List the last `limit` requests of the account, the newest last.

        Each entry has headers, bodies and contract violations. `status` selects the requests whose response has this
        HTTP status. `limit` then counts the selected requests.
        """
        query = f"?limit={limit}" + ("" if status is None else f"&status={status}")
        journal = self._get(f"/journal{query}")
        return {**journal, "entries": [_shortened(entry) for entry in journal["entries"]]}

    def list_violations(self) -> JsonObject:
        """List the account's violations of the API's contract, the oldest first."""
        return self._get("/violations")

    def list_tasks(self) -> JsonObject:
        """List the tasks and callbacks of the account.

        Each task is listed with its timetable. Each callback is listed with all delivery attempts.
        """
        return {"tasks": self._get("/tasks")["tasks"], "callbacks": self._get("/callbacks")["callbacks"]}

    def end_task(
        self,
        task_id: str,
        outcome: Literal["completed", "failed", "cancelled"] = "completed",
        failure: str | None = None,
    ) -> JsonObject:
        """End a task now. The outcome `failed` requires `failure`, a documented failure code."""
        body = {"outcome": outcome} | ({} if failure is None else {"failure": failure})
        return self._post(f"/tasks/{task_id}/outcome", body)

    def list_recipes(self) -> JsonObject:
        """List examples of recipes, and the recipes that are assigned to the account.

        The examples show every effect that a recipe can have. An assigned recipe applies to the next requests.
        """
        return {
            "catalog": self._get("/recipes/catalog")["recipes"],
            "assigned": self._get("/recipes")["recipes"],
        }

    def set_recipe(self, recipe: str, times: int | None = 1, operation: str = "any") -> JsonObject:
        """Apply a recipe, such as `429`, to the next `times` requests of the account.

        If `times` is null, the recipe applies until `clear_recipes` is called. `times` is ignored for a recipe with
        several steps or a count, such as `429*2, ok`. Each step then applies to the number of requests in its count. A
        step without a count applies to one request. `operation` (create, query, media or credits) restricts the recipe
        to requests of this operation.
        """
        return self._post("/recipes", {"recipe": recipe, "times": times, "operation": operation})

    def clear_recipes(self) -> str:
        """Remove all recipes that are assigned to the account."""
        self._control.request("DELETE", "/recipes")
        return "removed"

    def move_clock(
        self, action: Literal["show", "freeze", "advance", "resume"], by: str = "1m"
    ) -> JsonObject:
        """Show, freeze, advance or resume the clock of the account.

        `by` is the duration to advance, such as 25h. An advance takes almost no real time. Everything that becomes due
        on the way happens, including callbacks.
        """
        if action == "show":
            return self._get("/clock")
        return self._post(f"/clock/{action}", {"seconds": by} if action == "advance" else None)

    def reset_account(self) -> str:
        """Delete the account with its tasks, credits, recipes, callbacks, journal and clock."""
        self._control.request("DELETE", "/account")
        return "deleted"

    def check_client(
        self,
        command: list[str],
        scenarios: list[str] | None = None,
        deadline: float | None = None,
        folder: str = "",
    ) -> JsonObject:
        """Run a client in many scenarios against this mock, and judge its requests.

        The result is a verdict with advice. `command` is the command line of the client, as a list of words. The
        placeholders {prompt}, {image_url}, {output}, {callback_url}, {callback_listen}, {key} and {base_url} in it are
        replaced with values. `scenarios` selects scenarios by the beginning of their ids, such as `happy` or `query-`.
        Without `scenarios`, all scenarios run, which takes one or two minutes. `deadline` is the number of real seconds
        for which the client itself waits for a task. `folder` is the working directory of the client.
        """
        return check_client(self._url, command, scenarios or [], deadline, folder)

    def _get(self, path: str) -> JsonObject:
        result: JsonObject = msgspec.json.decode(self._control.request("GET", path))
        return result

    def _post(self, path: str, body: Any) -> JsonObject:
        result: JsonObject = msgspec.json.decode(self._control.request("POST", path, body) or b"{}")
        return result


def _shortened(entry: JsonObject) -> JsonObject:
    parts = {name: {**entry[name], "body": _cut(entry[name]["body"])} for name in ("request", "answer")}
    return {**entry, **parts}


def _cut(body: str | None) -> str | None:
    return body if body is None or len(body) <= _BODY else f"{body[:_BODY]}… ({len(body)} characters)"
