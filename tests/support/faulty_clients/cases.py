"""Clients with one fault each: the clause it breaks, the scenario in which that shows, and what is done instead."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.faulty_clients.profiles import (
    CUT,
    DROPPED,
    HONEST,
    NEVER,
    PAGE,
    WITHOUT_ID,
    Manner,
    bearer,
    json_or_none,
)

CREATES, QUERIES = HONEST.create_again, HONEST.query_again
BOTH = HONEST.ends
FIELDS = {
    *("created", "id", "model", "object", "progress", "status"),
    *("task_info", "type", "usage", "results", "error"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """`name` is what `--fault` takes. `alone`: what it sends is in nobody's account, or goes through the proxy.

    `deadline` is how long the client waits for its task, `limit` how long it may run; in seconds.
    """

    name: str
    clause: str
    scenario: str
    manner: Manner
    alone: bool
    deadline: float
    limit: float


def fault(  # noqa: PLR0913  (a row of the table)
    clause: str,
    scenario: str,
    name: str,
    *,
    alone: bool = False,
    waits: float = 12,
    limit: float = 20,
    **changed: Any,
) -> Fault:
    """A client whose manner is changed in this."""
    return Fault(name, clause, scenario, Manner(**changed), alone, waits, limit)


def plus(**fields: Any) -> Any:
    """The body of a create with other fields; one that is None is left out."""

    def order(body: dict[str, Any], _key: str) -> dict[str, Any]:
        return {name: value for name, value in (body | fields).items() if value is not None}

    return order


def needs(*names: str) -> Any:
    """Reads a good answer as if these fields were always there."""
    return lambda body: [body[name] for name in names]


def knows_all(body: dict[str, Any]) -> None:
    """Decodes an answer into a class that has these fields and no other."""
    if unknown := body.keys() - FIELDS:
        raise TypeError(f"unexpected fields {sorted(unknown)}")


def knows_all_of_an_error(error: dict[str, Any]) -> None:
    """Decodes an error into a class that has these fields and no other."""
    if unknown := error.keys() - {"code", "message", "type", "param", "fallback_suggestion"}:
        raise TypeError(f"unexpected fields {sorted(unknown)}")


def gives_up_without(name: str) -> Any:
    """Takes an answer about a task for an error if it lacks this field."""

    def reads(body: dict[str, Any]) -> None:
        if name not in body:
            raise SystemExit(f"gave up: no {name}")

    return reads


def saves_the_key(key: str) -> str:
    """Writes the key to a file in its folder, and says nothing."""
    Path("client.log").write_text(key, encoding="utf-8")
    return ""


def trusts_the_servers_clock(body: dict[str, Any]) -> None:
    """Takes a task for abandoned that is older than half an hour by its own clock."""
    if "created" in body and time.time() - body["created"] > 1800:
        raise SystemExit("gave up: the task is too old")


def ends_well_without(results: Any) -> None:
    """Takes a completed task without results for a success."""
    if not results:
        raise SystemExit(0)


FAULTS = [
    # The key
    fault("auth.header-only", "happy", "puts the key into the URL of a create",
          path=lambda path, key: path if "tasks" in path else f"{path}?key={key}"),
    fault("auth.header-only", "happy", "puts the key into the URL of a query",
          path=lambda path, key: f"{path}?api_key={key}" if "tasks" in path else path),
    fault("auth.header-only", "happy", "puts the key into the image URL",
          order=lambda body, key: body | {"image_urls": [f"{body['image_urls'][0]}?token={key}"]}),
    fault("auth.header-only", "happy", "puts the key into the prompt",
          order=lambda body, key: body | {"prompt": f"{body['prompt']} ({key})"}),
    fault("auth.not-printed", "happy", "prints the key", announces=lambda key: f"the key is {key}"),
    fault("auth.not-printed", "happy", "writes the key to a file", announces=saves_the_key),
    fault("auth.https", "query-redirect-elsewhere", "takes the key along to another host", follows_redirects=True),
    fault("client.explains-failure", "create-drop", "fails without a word", is_silent=True),
    fault("auth.header", "happy", "sends no key", alone=True,
          authorization=lambda _: {}),
    fault("auth.header", "happy", "sends the key as Token", alone=True,
          authorization=lambda key: {"Authorization": f"Token {key}"}),
    fault("auth.header", "happy", "sends the key as X-Api-Key", alone=True,
          authorization=lambda key: {"X-Api-Key": key}),
    fault("auth.https", "happy", "asks the public API by plain http", alone=True,
          base=lambda _: "http://api.evolink.ai"),
    fault("client.same-account", "happy", "queries with the key of another", alone=True,
          query_key=lambda key: f"{key}-other"),
    # The request
    fault("client.content-type", "happy", "sends text/plain", content_type="text/plain"),
    fault("client.content-type", "happy", "sends a form's type", content_type="application/x-www-form-urlencoded"),
    fault("client.content-type", "happy", "sends no Content-Type", content_type=""),
    fault("client.valid-request", "happy", "leaves out the prompt", order=plus(prompt=None)),
    fault("client.valid-request", "happy", "leaves out the image", order=plus(image_urls=None)),
    fault("client.valid-request", "happy", "asks for 7 s", order=plus(duration=7)),
    fault("client.valid-request", "happy", "writes the duration as text", order=plus(duration="6")),
    fault("client.valid-request", "happy", "asks for 4k", order=plus(quality="4k")),
    fault("client.valid-request", "happy", "sends two images",
          order=lambda body, _: body | {"image_urls": body["image_urls"] * 2}),
    fault("client.valid-request", "happy", "sends one image as text",
          order=lambda body, _: body | {"image_urls": body["image_urls"][0]}),
    fault("client.valid-request", "happy", "sends null for no callback URL",
          order=lambda body, _: body | {"callback_url": None}),
    fault("client.callback-url", "happy", "wants http callbacks", order=plus(callback_url="http://example.com/hook")),
    fault("client.callback-url", "happy", "wants callbacks to an internal host",
          order=plus(callback_url="https://192.168.1.7/hook")),
    fault("client.callback-url", "happy", "wants callbacks to a very long URL",
          order=plus(callback_url=f"https://example.com/{'x' * 2048}")),
    fault("client.actual-model", "happy", "sends the old model name",
          order=plus(model="grok-imagine-image-to-video")),
    fault("client.no-unknown-fields", "happy", "sends a negative prompt", order=plus(negative_prompt="rain")),
    # What is sent again
    *(fault("client.no-retry-refused", f"create-{status}", f"creates again after a {status}",
            create_again=CREATES | {status}) for status in (400, 401, 402, 403)),
    fault("client.no-retry-refused", "query-401", "queries again after a 401", query_again=QUERIES | {401}),
    fault("client.retry-after", "create-429", "creates again before Retry-After", create_heeds=lambda _: 0.4),
    fault("client.retry-after", "query-429", "queries again before Retry-After", query_heeds=lambda _: 0.4),
    fault("client.retry-after", "query-429", "goes on with a query a second after a 429", query_heeds=lambda _: 1.1),
    fault("client.backs-off", "create-500-always", "creates again at once after a 500",
          create_pause=lambda _: 0.0),
    fault("client.backs-off", "create-500-always", "creates again after 1.5 s each time",
          create_pause=lambda _: 1.5),
    fault("client.backs-off", "refused", "connects fifty times a second while it is refused",
          create_pause=lambda _: 0.02, tries=300, create_again=CREATES | {DROPPED}),
    fault("client.backs-off", "query-500-always", "queries again at once after a 500",
          query_pause=lambda *_: 0.0),
    fault("client.backs-off", "query-500-always", "queries again after 1.6 s each time",
          query_pause=lambda *_: 1.6),
    fault("client.no-blind-repeat", "create-drop", "creates again when the connection is closed",
          create_again=CREATES | {DROPPED}),
    *(fault("client.no-blind-repeat", f"create-{status}-done", f"creates again after a gateway's {status}",
            create_again=CREATES | {status}) for status in (502, 504)),
    fault("client.no-blind-repeat", "create-hang", "creates again when no answer comes", timeout=2.0,
          create_again=CREATES | {DROPPED}),
    fault("client.backs-off", "query-drops", "queries again at once when answers are lost",
          query_pause=lambda *_: 0.0),
    fault("client.no-blind-repeat", "create-cut", "creates again when the answer is cut",
          create_again=CREATES | {CUT}),
    fault("client.no-blind-repeat", "create-html", "creates again after a page instead of JSON",
          create_again=CREATES | {PAGE}),
    fault("client.no-blind-repeat", "create-minimal", "creates again when there is no id",
          create_again=CREATES | {WITHOUT_ID}),
    *(fault("client.fix-first", f"fail-{code.replace('_', '-')}", f"creates the same again after {code}",
            creates_after={code: 0.5}) for code in ("content_policy_violation", "image_processing_error")),
    fault("client.retry-later", "fail-service-error", "creates again at once after service_error",
          creates_after={"service_error": 0.0}),
    fault("client.give-up", "fail-resource-not-found", "creates again after resource_not_found",
          creates_after={"resource_not_found": 0.5}),
    # Following a task
    fault("client.no-guarantees", "create-minimal", "asks for the task None",
          id_of=lambda body: str(body.get("id"))),
    fault("client.no-guarantees", "create-minimal", "asks for the task undefined",
          id_of=lambda body: body.get("id", "undefined")),
    fault("client.given-ids", "happy", "asks for half of the id", asks_for=lambda task_id: task_id[:-4]),
    fault("client.given-ids", "happy", "asks for the id in upper case", asks_for=str.upper),
    fault("client.given-ids", "happy", "asks for the id less its prefix",
          asks_for=lambda task_id: task_id.removeprefix("task-unified-")),
    fault("client.poll-interval", "slow", "asks ten times a second", interval=lambda _: 0.1),
    fault("client.poll-interval", "happy", "asks four times a second", interval=lambda _: 0.25),
    fault("client.poll-interval", "retry-after-zero", "asks again at once after a 429",
          query_heeds=lambda _: 0.0),
    fault("client.poll-useful", "slow", "asks once in 90 s", waits=99, limit=23, interval=lambda _: 90.0),
    fault("client.no-abandon", "happy", "never asks", follows=False),
    fault("client.no-abandon", "slow", "gives up after 3 s", deadline=lambda _: 3.0),
    fault("client.no-abandon", "clock-behind", "takes the clock of the server for its own",
          reads=trusts_the_servers_clock),
    *(fault("client.no-abandon", scenario, f"gives up without {name}", reads=gives_up_without(name))
      for scenario, name in (("missing-1", "progress"), ("missing-5", "task_info"))),
    fault("client.stops-at-end", "happy", "asks on after completed", goes_on={"completed": 3}),
    fault("client.stops-at-end", "fail-unknown-error", "asks on after failed", goes_on={"failed": 3}),
    fault("client.stops-at-end", "fail-request-cancelled", "takes failed for a status that passes", waits=5,
          ends=BOTH - {"failed"}),
    fault("client.own-deadline", "stuck-processing", "waits for ever for a task that is stuck", waits=2, limit=5,
            deadline=lambda _: NEVER),
    fault("client.own-deadline", "create-hang", "waits for ever for an answer", waits=2, limit=6, timeout=99.0),
    fault("client.own-deadline", "retry-after-hour", "waits for an hour when told to", waits=2, limit=5,
          deadline=lambda _: NEVER),
    fault("client.own-deadline", "status-unknown", "waits for ever on a status that it does not know", waits=2, limit=5,
            deadline=lambda _: NEVER),
    *(fault("client.asks-again", f"query-{status}", f"gives up at the first {status} of a query",
            query_again=QUERIES - {status}) for status in (500, 502)),
    fault("client.asks-again", "query-429", "gives up at the first 429 of a query", query_again=QUERIES - {429}),
    fault("client.asks-again", "query-drop", "gives up when the answer to a query is lost",
          query_again=QUERIES - {DROPPED}),
    fault("client.asks-again", "query-cut", "gives up when the answer to a query is cut", query_again=QUERIES - {CUT}),
    # What it reads
    *(fault("client.no-crash", "query-minimal", f"needs {name}", reads=needs(name))
      for name in ("progress", "usage", "task_info")),
    fault("client.no-crash", "create-minimal", "needs the id of a create",
          id_of=lambda body: body["id"]),
    fault("client.no-crash", "create-502", "decodes a gateway's page", decodes=json.loads),
    fault("client.tolerant", "shape-extra", "knows all fields there are", reads=knows_all),
    fault("client.no-crash", "missing-2", "needs the credits of a create",
          id_of=lambda body: body["usage"]["credits_reserved"] and body["id"]),
    fault("client.no-crash", "refusal-without-message", "needs the message of a refusal",
          reads_error=lambda error: error["message"]),
    fault("client.no-crash", "failure-without-code", "needs the code of a failed task",
          reads_error=lambda error: error["code"]),
    fault("client.no-crash", "null-error", "needs the error of a failed task",
          reads=lambda body: body["status"] == "failed" and body["error"]["code"]),
    fault("client.tolerant", "failure-extra", "knows all fields of an error",
          reads_error=knows_all_of_an_error),
    fault("client.no-crash", "query-string", "takes a text for an object",
          decodes=lambda raw: json_or_none(raw) if raw[:1] != b'"' else {"id": json_or_none(raw)["id"]}),
    fault("client.no-crash", "results-empty", "takes the first of no results", link_of=lambda results: results[0]),
    fault("client.no-crash", "retry-after-date", "takes every Retry-After for a number", reads_wait=int),
    fault("client.no-crash", "query-empty", "decodes an answer without a body", decodes=json.loads),
    fault("client.no-crash", "create-list", "takes a list for an object",
          decodes=lambda raw: json_or_none(raw) if raw[:1] == b"{" else {"id": json_or_none(raw)["id"]}),
    # What it makes of the end
    fault("client.reports-failure", "slow", "takes processing for a success",
          ends=BOTH | {"processing"}, successes=frozenset({"completed", "processing"})),
    *(fault("client.reports-failure", f"create-{status}", f"takes a {status} for a success",
            successes=frozenset({"completed", status})) for status in (400, 402)),
    fault("client.reports-failure", "create-401", "ends with 0 although refused", exit_status=lambda _: 0),
    fault("client.failed-is-failure", "fail-generation-timeout", "takes failed for a success", successes=BOTH),
    fault("client.failed-is-failure", "fail-service-unavailable", "looks for the result of a failed task",
          guesses=True),
    fault("client.tells-code", "create-403", "keeps the code of a refusal to itself", says=lambda *_: "refused"),
    fault("client.tells-code", "fail-invalid-parameters", "keeps the code of a failed task to itself",
          says=lambda *_: "it did not work"),
    fault("client.reports-success", "happy", "ends with 1 although all went well", exit_status=lambda _: 1),
    # The result
    fault("client.fetches-result", "happy", "never fetches the result", fetches=False),
    fault("client.link-without-key", "happy", "fetches with the key in a header", link_headers=bearer),
    fault("client.link-without-key", "happy", "fetches with the key in the URL",
          link=lambda link, key: f"{link}?key={key}"),
    fault("client.checks-result", "link-404", "saves an error page as the video", is_saved=lambda *_: True),
    fault("client.checks-result", "link-page", "saves a page as the video", is_saved=lambda status, _: status == 200),
    fault("client.checks-result", "results-missing", "takes no results for a success", link_of=ends_well_without),
    fault("client.checks-result", "link-empty", "saves nothing as the video", is_saved=lambda status, _: status == 200),
    fault("client.checks-result", "link-truncated", "saves half a video",
          is_saved=lambda status, _: status == 200),
    # Callbacks
    fault("receiver.answers-2xx", "callback", "answers a callback with 500", thanks=lambda _: 500),
    fault("receiver.answers-2xx", "callback", "answers a callback with 302", thanks=lambda _: 302),
    fault("receiver.within-10s", "callback", "answers a callback after 11 s", waits=40, limit=30,
          thinks=lambda number: 11.0 if number == 1 else 0.0),
    fault("receiver.idempotent", "callback-twice", "fetches again when called again",
          fetches_again=True, works_first=True, thinks=lambda number: 2.0 if number == 1 else 0.0, stays=5.0),
    fault("receiver.idempotent", "callback-twice", "refuses to be called again",
          thanks=lambda number: 204 if number == 1 else 409, stays=5.0),
    fault("receiver.asks-back", "callback", "trusts the body of a callback", trusts=True),
    fault("receiver.fallback", "callback-never", "waits for a callback and never asks", falls_back=False),
]  # fmt: skip
