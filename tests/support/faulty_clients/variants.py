"""Clients that are as good as the honest one, and choose otherwise where the documents leave it open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.faulty_clients.cases import CREATES, QUERIES, fault, gives_up_without, plus
from support.faulty_clients.profiles import PAGE, code_and_message

if TYPE_CHECKING:
    from collections.abc import Callable


def at_once_then_as_told() -> Callable[[float], float]:
    """The first wait is none, as in a library that repeats a request once."""
    first = iter([0.0])
    return lambda wait: next(first, wait)


NONE = ""  # the clause that they break
VARIANTS = [
    fault(NONE, "create-500", "gives up at the first 500 of a create", create_again=CREATES - {500}),
    fault(NONE, "query-502", "asks every three seconds", interval=lambda _: 3.0),
    fault(NONE, "query-drop", "asks every four seconds", interval=lambda _: 4.0, waits=20, limit=30),
    fault(NONE, "query-list", "gives up at an answer that is no object", query_again=QUERIES - {PAGE}),
    fault(NONE, "fail-service-error", "ends with 7 on a failure", exit_status=lambda status: 7 * bool(status)),
    fault(NONE, "create-402", "spells a code in words",
          says=lambda code, message: code_and_message(code.replace("_", " ").title(), message)),
    fault(NONE, "happy", "asks once more at the end", goes_on={"completed": 1}),
    fault(NONE, "retry-after-date", "waits longer than it must", query_heeds=lambda wait: wait + 1),
    fault(NONE, "fail-service-error", "creates the task again after a while", creates_after={"service_error": 2.5}),
    fault(NONE, "happy", "asks for a short video", order=plus(duration=6, quality="480p")),
    fault(NONE, "query-hang", "waits two seconds for an answer", timeout=2.0),
    fault(NONE, "query-retry-after-hour", "waits for no hour", query_again=QUERIES - {429}),
    fault(NONE, "retry-after-zero", "asks again once at once, as libraries do",
          query_heeds=at_once_then_as_told()),
    fault(NONE, "missing-status-id", "gives up without the status", reads=gives_up_without("status")),
    fault(NONE, "missing-status-id", "gives up without the id", reads=gives_up_without("id")),
    fault(NONE, "query-drops", "asks again twice", tries=0),
    fault(NONE, "missing-3", "asks every two seconds", interval=lambda _: 2.0),
    fault(NONE, "clock-behind", "waits longer each time", interval=lambda usual: usual * 1.5),
]  # fmt: skip
