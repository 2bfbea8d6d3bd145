"""Receivers with one fault each, the clause it breaks, and a scenario in which that shows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from support.receivers.app import FINAL, Body, Receiver

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

SLOW = 1.5  # seconds: longer than the time-out in these tests
FIELDS = {
    "created",
    "id",
    "model",
    "object",
    "progress",
    "status",
    "task_info",
    "type",
    "usage",
    "results",
    "error",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A faulty receiver. `ledger`: whether the check reads its ledger. `limit`: the time-out of its callbacks."""

    receiver: type[Receiver]
    clause: str
    scenario: str
    ledger: bool = True

    @property
    def name(self) -> str:
        return self.receiver.__name__

    @property
    def reset(self) -> bool:
        """Whether the check has the mock for itself: only then are requests seen that belong to no account."""
        return self.name == "FetchesResultsOfTheBody"

    @property
    def limit(self) -> float:
        return 0.7 if self.clause == "receiver.within-10s" else 30.0


FAULTS: list[Fault] = []


def fault(clause: str, scenario: str, *, ledger: bool = True) -> Callable[[type[Receiver]], type[Receiver]]:
    def register(receiver: type[Receiver]) -> type[Receiver]:
        FAULTS.append(Fault(receiver, f"receiver.{clause}", scenario, ledger))
        return receiver

    return register


# What it answers


@fault("answers-2xx", "completed")
class AlwaysFails(Receiver):
    def allows(self, secret: str | None) -> bool:
        raise RuntimeError(secret)


@fault("answers-2xx", "completed")
class Redirects(Receiver):
    async def before(self, request: Request, body: Body) -> Response | None:  # noqa: ARG002
        if request.url.path.endswith("/"):
            return None
        return Response(status_code=307, headers={"location": f"{request.url.path}/?{request.url.query}"})


@fault("answers-2xx", "failed")
class CrashesOnFailure(Receiver):
    async def before(self, request: Request, body: Body) -> Response | None:  # noqa: ARG002
        return None if body["status"] != "failed" else Response(body["results"][0])


@fault("answers-2xx", "failed")
class RefusesFailure(Receiver):
    async def before(self, request: Request, body: Body) -> Response | None:  # noqa: ARG002
        return Response(status_code=422) if body.get("status") == "failed" else None


@fault("within-10s", "completed")
class Slow(Receiver):
    async def before(self, request: Request, body: Body) -> Response | None:  # noqa: ARG002
        await asyncio.sleep(SLOW)
        return None


@fault("within-10s", "failed")
class SlowOnFailure(Receiver):
    async def before(self, request: Request, body: Body) -> Response | None:  # noqa: ARG002
        await asyncio.sleep(SLOW if body.get("status") == "failed" else 0)
        return None


@fault("within-10s", "early")
class PollsBeforeItAnswers(Receiver):
    async def unfinished(self, task_id: str, body: Body) -> Body | Response:  # noqa: ARG002
        while True:
            await asyncio.sleep(0.15)
            answer = await self.ask(task_id)
            if answer and answer.get("status") in FINAL:
                return answer


@fault("within-10s", "burst")
class WorksOneAfterAnother(Receiver):
    async def locked(self, task_id: str, body: Body) -> Response:
        is_busy = self.locks["all"].locked()
        async with self.locks["all"]:
            await asyncio.sleep(0.6 if is_busy else 0)  # so that only callbacks at once are slow
            return await self.handle(task_id, body)


# What it does more than once


@fault("idempotent", "twice")
class BooksTwice(Receiver):
    def is_known(self, task_id: str, body: Body) -> bool:  # noqa: ARG002
        return False


@fault("idempotent", "twice")
class BooksFailuresTwice(Receiver):
    def is_known(self, task_id: str, body: Body) -> bool:
        return body.get("status") != "failed" and task_id in self.seen


@fault("idempotent", "twice")
class RefusesRepetitions(Receiver):
    def repeated(self) -> Response:
        return Response(status_code=409)


@fault("idempotent", "alternating")
class RemembersOnlyTheLast(Receiver):
    def is_known(self, task_id: str, body: Body) -> bool:  # noqa: ARG002
        return bool(self.booked) and self.booked[-1]["id"] == task_id


@fault("idempotent", "twice-at-once")
class ChecksBeforeItWaits(Receiver):
    async def locked(self, task_id: str, body: Body) -> Response:
        return await self.handle(task_id, body)


@fault("idempotent", "twice", ledger=False)
class FetchesAgain(Receiver):
    def is_known(self, task_id: str, body: Body) -> bool:  # noqa: ARG002
        return False

    async def act(self, task_id: str, task: Body, body: Body) -> None:  # noqa: ARG002
        for link in task.get("results") or ():
            await self.http.get(link)


# What it believes


@fault("confirmed", "forged-id")
class BelievesTheBody(Receiver):
    async def confirm(self, task_id: str, body: Body) -> Body | Response:  # noqa: ARG002
        return body if body.get("status") else Response(status_code=400)


@fault("confirmed", "completed", ledger=False)
class BelievesTheBodyWithoutASecret(Receiver):
    secret = ""

    def allows(self, secret: str | None) -> bool:  # noqa: ARG002
        return True

    async def confirm(self, task_id: str, body: Body) -> Body | Response:  # noqa: ARG002
        return body if body.get("status") else Response(status_code=400)


@fault("confirmed", "forged-id")
class IgnoresNotFound(Receiver):
    def refused(self, status: int, body: Body) -> Body | Response:
        return body if status == 404 else Response(status_code=404)


@fault("confirmed", "forged-account")
class IgnoresForbidden(Receiver):
    def refused(self, status: int, body: Body) -> Body | Response:
        return body if status == 403 else Response(status_code=404)


@fault("confirmed", "forged-results")
class BooksResultsOfTheBody(Receiver):
    async def act(self, task_id: str, task: Body, body: Body) -> None:
        self.book(task_id, task["status"], body.get("results"))


@fault("confirmed", "forged-results", ledger=False)
class FetchesResultsOfTheBody(Receiver):
    async def act(self, task_id: str, task: Body, body: Body) -> None:
        for link in body.get("results") or ():
            await self.http.get(link)
        self.book(task_id, task["status"], task.get("results"))


@fault("confirmed", "forged-status")
class BooksStatusOfTheBody(Receiver):
    async def act(self, task_id: str, task: Body, body: Body) -> None:
        self.book(task_id, body.get("status"), task.get("results"))


@fault("confirmed", "api-500")
class BelievesTheBodyWithoutTheApi(Receiver):
    def without_api(self, body: Body) -> Body | Response:
        return body


@fault("confirmed", "early")
class BooksUnfinishedTasks(Receiver):
    async def unfinished(self, task_id: str, body: Body) -> Body | Response:  # noqa: ARG002
        return body


@fault("secret", "secret-wrong")
class IgnoresTheSecret(Receiver):
    def allows(self, secret: str | None) -> bool:  # noqa: ARG002
        return True


@fault("secret", "secret-missing")
class AcceptsNoSecret(Receiver):
    def allows(self, secret: str | None) -> bool:
        return secret in {None, self.secret}


@fault("secret", "secret-wrong")
class ComparesABeginning(Receiver):
    def allows(self, secret: str | None) -> bool:
        return secret is not None and secret.startswith(self.secret[:4])


@fault("secret", "secret-missing", ledger=False)
class AsksForStrangers(Receiver):
    def allows(self, secret: str | None) -> bool:  # noqa: ARG002
        return True


# What it loses


@fault("asks-again", "api-500")
class ForgetsWithoutTheApi(Receiver):
    def without_api(self, body: Body) -> Body | Response:  # noqa: ARG002
        return Response(status_code=200)


@fault("asks-again", "api-down", ledger=False)
class ForgetsWithoutTheApiUnseen(ForgetsWithoutTheApi):
    pass


@fault("asks-again", "api-503")
class RemembersBeforeItAsks(Receiver):
    async def confirm(self, task_id: str, body: Body) -> Body | Response:
        self.seen.add(task_id)
        return await super().confirm(task_id, body)


@fault("asks-again", "early")
class ForgetsUnfinishedTasks(Receiver):
    async def unfinished(self, task_id: str, body: Body) -> Body | Response:  # noqa: ARG002
        return Response(status_code=200)


@fault("asks-again", "api-404")
class RemembersRefusals(Receiver):
    async def confirm(self, task_id: str, body: Body) -> Body | Response:
        if task_id in self.output:
            return Response(status_code=404)
        return await super().confirm(task_id, body)

    def refused(self, status: int, body: Body) -> Body | Response:
        self.output.append(body["id"])
        return super().refused(status, body)


@fault("takes-effect", "burst")
class LosesUpdates(Receiver):
    async def act(self, task_id: str, task: Body, body: Body) -> None:
        before = list(self.booked)
        await asyncio.sleep(0.005)
        self.booked = before
        await super().act(task_id, task, body)


@fault("takes-effect", "reversed")
class KeepsOneAtATime(Receiver):
    current = ""

    async def locked(self, task_id: str, body: Body) -> Response:
        self.current = task_id
        task = asyncio.create_task(self.later(task_id, body))
        self.output.append(task.get_name())
        return Response(status_code=202)

    async def later(self, task_id: str, body: Body) -> None:
        await asyncio.sleep(0.05)
        while self.current == task_id and isinstance(answer := await super().locked(task_id, body), Response):
            if answer.status_code != 503:
                break
            await asyncio.sleep(0.05)


@fault("failed-is-failure", "failed")
class BooksFailuresAsSuccesses(Receiver):
    async def act(self, task_id: str, task: Body, body: Body) -> None:  # noqa: ARG002
        self.book(task_id, "completed", task.get("results"))


# What it cannot read


@fault("tolerant", "unknown-fields")
class RefusesUnknownFields(Receiver):
    async def before(self, request: Request, body: Body) -> Response | None:  # noqa: ARG002
        return Response(status_code=422) if set(body) - FIELDS else None


@fault("tolerant", "unknown-fields")
class RefusesUnknownNestedFields(Receiver):
    async def before(self, request: Request, body: Body) -> Response | None:  # noqa: ARG002
        known = {"can_cancel", "estimated_time"}
        return Response(status_code=422) if set(body.get("task_info", ())) - known else None


@fault("tolerant", "unknown-fields")
class ComparesTheContentType(Receiver):
    async def before(self, request: Request, body: Body) -> Response | None:  # noqa: ARG002
        exact = request.headers["content-type"] == "application/json"
        return None if exact else Response(status_code=415)


def needing(*path: str, status: str = "") -> type[Receiver]:
    """A receiver that crashes when a field is missing."""

    class Needing(Receiver):
        async def before(self, request: Request, body: Body) -> Response | None:  # noqa: ARG002
            value: Any = body
            for name in path if status in {"", body.get("status")} else ():
                value = value[name]
            return None

    Needing.__name__ = f"Needs{''.join(map(str, path))}"
    return Needing


for _path, _status in (
    *((("model",), ""), (("created",), ""), (("task_info", "can_cancel"), "")),
    *((("results", 0), "completed"), (("error", "message"), "failed"), (("error", "type"), "failed")),
):
    fault("tolerant", "missing-fields")(needing(*_path, status=_status))


@fault("tolerant", "missing-fields")
class IgnoresCallbacksWithoutResults(Receiver):
    async def before(self, request: Request, body: Body) -> Response | None:  # noqa: ARG002
        missing = body.get("status") == "completed" and not body.get("results")
        return Response(status_code=200) if missing else None


@fault("tolerant", "null-error")
class TakesNullForAnError(Receiver):
    async def before(self, request: Request, body: Body) -> Response | None:  # noqa: ARG002
        if body.get("status") != "completed" or "error" not in body:
            return None
        self.book(body["id"], "failed", [])
        return Response(status_code=200)


@fault("reads-body", "chunked")
class NeedsALength(Receiver):
    async def read(self, request: Request) -> bytes:
        return await request.body() if "content-length" in request.headers else b""


@fault("reads-body", "slow-body")
class ReadsTheFirstPart(Receiver):
    async def read(self, request: Request) -> bytes:
        if "content-length" not in request.headers:
            return await request.body()
        return await anext(request.stream())


# What it tells, and how often it asks


@fault("no-leak", "completed")
class PrintsTheKey(Receiver):
    async def ask(self, task_id: str) -> Body | None:
        self.output.append(f"GET {task_id} {dict(self.http.headers)}")
        return await super().ask(task_id)


@fault("no-leak", "completed")
class PrintsTheSecret(Receiver):
    async def before(self, request: Request, body: Body) -> Response | None:  # noqa: ARG002
        self.output.append(f"callback {request.url}")
        return None


@fault("no-leak", "completed")
class AnswersWithTheKey(Receiver):
    def accepted(self) -> Response:
        return Response(f"confirmed with {self.key}")


@fault("no-flood", "early")
class AsksWithoutAPause(Receiver):
    async def unfinished(self, task_id: str, body: Body) -> Body | Response:  # noqa: ARG002
        for _ in range(20):
            answer = await self.ask(task_id)
            if answer and answer.get("status") in FINAL:
                return answer
        return Response(status_code=503)
