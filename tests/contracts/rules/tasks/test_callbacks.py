"""How a receiver is called: when, with what, and what never happens."""

from __future__ import annotations

from typing import Any

import pytest
from evolink_check.rules import rules_of
from evolink_check.rules.tasks import callback_retries, callbacks
from support.records.trace_builders import BODY, JSON, Tracing, completed, failed, processing, task

Body = dict[str, Any]
HOOKS = "https://hooks.example.test"
URL = f"{HOOKS}/c/1?secret=s&a=%2F%20b&c=+&d="
ANOTHER = "task-unified-1757169743-00000000"
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
NONE: Any = {}


def asked(url: str | None = URL, receiver: str = HOOKS, **more: Any) -> Tracing:
    """A create that asks to be called."""
    trace = Tracing(receiver=receiver, **more)
    trace.create(body=BODY | ({} if url is None else {"callback_url": url}))
    return trace


def called(body: Any = None, end: Body | None = None, url: str | None = URL, **more: Any) -> Tracing:
    """A task that was completed, and its callback."""
    trace = asked(url)
    trace.query(processing())
    trace.query(end or completed())
    trace.delivery(completed() if body is None else body, url=URL, **more)
    return trace


def delivered_to(url: str, asked_for: str = URL) -> Tracing:
    """A callback to this URL."""
    trace = asked(asked_for)
    trace.query(completed())
    trace.delivery(completed(), url=url)
    return trace


def uncalled(end: Body | None = None, url: str | None = URL, **more: Any) -> Tracing:
    trace = asked(url, **more)
    trace.query(end or completed())
    return trace


def early() -> Tracing:
    """A callback with the end, long before the task tells of it."""
    trace = asked()
    trace.delivery(completed(), url=URL)
    trace.query(processing(), after=6.0)
    trace.query(completed())
    return trace


def unasked() -> Tracing:
    """A task without a callback URL is told to the receiver of another one."""
    trace = called()
    trace.create(task(id=ANOTHER))
    trace.query(completed(id=ANOTHER), id_=ANOTHER)
    trace.delivery(completed(id=ANOTHER), url=URL)
    return trace


def repeated(*bodies: Body, queried: bool = False) -> Tracing:
    """The same callback, failing and repeated."""
    trace = asked()
    if queried:
        trace.query(bodies[0])
    for body, wait in zip(bodies, (0.1, 1.0, 2.0, 4.0), strict=False):
        trace.delivery(body, 500, URL, after=wait)
    trace.delivery(bodies[0], 204, URL, after=(1.0, 2.0, 4.0)[len(bodies) - 1])
    return trace


CHANGED = [
    f"{HOOKS}/c/1",
    f"{HOOKS}/c/1?secret=s&a=/%20b&c=+&d=",
    f"{HOOKS}/c/1?secret=s&a=%2F%20b&c=%20&d=",
    f"{HOOKS}/c/1?secret=s&a=%2f%20b&c=+&d=",
    f"{HOOKS}/c/1?secret=s&a=%2F%20b&c=+",
    f"{URL}&task=1",
    f"{HOOKS}/c/1/?secret=s&a=%2F%20b&c=+&d=",
    f"{HOOKS}/other?secret=s",
]
LINK = {"results": ["https://media.example.test/b.mp4"]}
VIOLATIONS: list[tuple[str, Tracing]] = [
    ("callback.at-end", uncalled()),
    ("callback.at-end", uncalled(failed())),
    ("callback.at-end", called(processing())),
    ("callback.at-end", called(task())),
    ("callback.at-end", early()),
    ("callback.cancelled", uncalled(failed("request_cancelled"))),
    ("callback.only-when-asked", unasked()),
    ("callback.only-when-asked", called(url=None)),
    ("callback.post", called(method="PUT")),
    ("callback.post", called(b"", method="GET")),
    ("callback.post", called(sent=FORM)),
    ("callback.post", called(sent=NONE)),
    ("callback.post", called(b"id=1&status=completed")),
    ("callback.body-equals-query", called({"task_id": ANOTHER})),
    ("callback.body-equals-query", called({"data": completed()})),
    ("callback.body-equals-query", called([completed()])),
    ("callback.body-equals-query", called(completed(results=None))),
    ("callback.body-equals-query", called(completed(**LINK))),
    ("callback.body-equals-query", called(completed(progress=99))),
    ("callback.body-equals-query", called(completed(model="another"))),
    ("callback.body-equals-query", called(completed(created=1))),
    ("callback.body-equals-query", called(completed(status="succeeded"))),
    ("callback.body-equals-query", called(completed(task_info={"can_cancel": True}))),
    ("callback.body-equals-query", called(failed())),
    ("callback.body-equals-query", called(failed("unknown_error"), failed())),
    ("callback.body-equals-query", called(failed(error=None), failed())),
    ("callback.body-equals-query", called(completed(id=ANOTHER))),
    ("callback.body-equals-query", repeated(completed(), completed(**LINK))),
    ("callback.body-equals-query", repeated(completed(), completed(**LINK), queried=True)),
    *(("callback.query-kept", delivered_to(url)) for url in CHANGED),
    ("callback.no-key", called(sent=(*JSON, ("Authorization", "Bearer [removed:key]")))),
    ("callback.no-key", called(sent=(*JSON, ("X-Api-Key", "[removed:key]")))),
    ("callback.no-key", called(completed(token="[removed:key]"))),
]


@pytest.mark.parametrize(("clause", "trace"), VIOLATIONS)
def test_what_is_wrong_with_a_callback_is_told_by_one_clause(clause: str, trace: Tracing) -> None:
    assert trace.accused().keys() == {clause}


def soon(wait: float) -> Tracing:
    """A callback with the end, and a query a little later that does not know of it yet."""
    trace = asked()
    trace.delivery(completed(), url=URL)
    trace.query(processing(), after=wait)
    trace.query(completed())
    return trace


def unwatched() -> Tracing:
    trace = uncalled(receiver="")
    trace.query(completed())
    return trace


@pytest.mark.parametrize(
    "trace",
    [
        called(),
        called(failed(), failed()),
        called(failed() | {"results": None}, failed()),
        called(completed() | {"error": None, "results": [completed()["results"][0] + "?signed=anew"]}),
        called({name: value for name, value in completed().items() if name not in {"usage", "task_info"}}),
        called(completed(more=True)),
        called(sent=(("content-type", "application/json; charset=utf-8"),)),
        called(sent=(("Content-Type", "application/cloudevents+json"),)),
        soon(1.0),
        unwatched(),
        uncalled(url="https://elsewhere.example.com/hook"),
        uncalled(processing()),
        uncalled(url=None),
        delivered_to(f"{HOOKS}/c/1", f"{HOOKS}/c/1#part"),
        delivered_to(f"{HOOKS}/", HOOKS),
        delivered_to(f"{HOOKS}/?s", f"{HOOKS}?s"),
        repeated(completed(), completed(), completed(), queried=True),
    ],
)
def test_a_callback_in_order_accuses_nobody(trace: Tracing) -> None:
    assert trace.accused() == {}


def test_a_callback_in_order_keeps_every_clause_of_it() -> None:
    passed = called().passed()
    for clause in ("at-end", "post", "body-equals-query", "query-kept", "no-key", "2xx-success"):
        assert passed[f"callback.{clause}"] == 1
    assert uncalled(url=None).passed()["callback.only-when-asked"] == 1
    assert (
        called(failed("request_cancelled"), failed("request_cancelled")).passed()["callback.cancelled"] == 1
    )


@pytest.mark.parametrize("trace", [unwatched(), asked(), uncalled(processing()), Tracing()])
def test_nothing_is_said_where_nothing_could_come(trace: Tracing) -> None:
    assert not {*rules_of(callbacks, callback_retries)} & trace.passed().keys()


def test_a_task_that_ended_as_the_watching_did_proves_nothing() -> None:
    trace = uncalled()
    reading = trace.reading()
    assert [one.passed for one in callbacks.at_end(reading)] == [False]
    trace.at -= 60.0 - 15.0
    assert trace.accused() == {}


def test_a_query_that_is_wrong_is_told_of_the_query_alone() -> None:
    for clause, end in (
        ("task.progress-completed", completed(progress=99)),
        ("task.results-when-completed", completed(results=None)),
        ("task.identity", completed(model="another")),
        ("query.same-id", completed(id=ANOTHER)),
        ("failure.type", failed(error={"code": "service_error", "message": "x", "type": "error"})),
        ("task.status-words", completed(status="succeeded")),
    ):
        assert called(failed() if clause == "failure.type" else None, end).accused().keys() == {clause}


def test_what_the_create_has_wrong_is_not_told_of_the_callback() -> None:
    trace = Tracing(receiver=HOOKS)
    wrong = {"type": "image"}
    trace.create(task(**wrong), body=BODY | {"callback_url": URL})
    trace.query(completed(**wrong))
    trace.delivery(completed(), url=URL)
    assert trace.accused().keys() == {"task.kind"}


def test_tasks_with_one_address_are_told_apart_by_their_ids() -> None:
    trace = called()
    trace.create(task(id=ANOTHER), body=BODY | {"callback_url": URL})
    trace.query(failed(id=ANOTHER), id_=ANOTHER)
    trace.delivery(failed(id=ANOTHER), url=URL)
    assert trace.accused() == {}
    assert trace.passed()["callback.body-equals-query"] == 2
    trace.delivery({"ping": True}, url=URL)
    assert trace.accused() == {}, "whose it is cannot be known"


def test_a_delivery_that_did_not_come_whole_says_nothing() -> None:
    torn = (*JSON, ("Content-Length", "400"))
    trace = called(b'{"id":', sent=torn, status=0, problem="the sender closed")
    assert trace.accused() == {}
    assert called(b'{"id":').accused().keys() == {"callback.post"}


def test_a_server_too_slow_to_call_in_time_is_not_told_that_it_did_not() -> None:
    for took, accused in ((12.0, set()), (9.0, {"callback.at-end"})):
        trace = asked()
        trace.query(completed(), took=took)
        assert trace.accused().keys() == accused


def test_a_stranger_at_the_receiver_is_nobody_of_the_server() -> None:
    trace = called()
    trace.delivery({"hello": 1}, 404, f"{HOOKS}/admin", method="GET")
    assert trace.accused() == {}


def test_a_host_that_is_internal_is_told_where_the_callback_url_was_not() -> None:
    trace = called()
    trace.delivery(completed(), url="http://10.0.0.1/c/1")
    assert "callback.no-internal-at-delivery" in trace.accused()
    local = "http://127.0.0.1:8000"
    trace = Tracing(receiver=local)
    trace.create(body=BODY | {"callback_url": f"{local}/c/1"})
    trace.query(completed())
    trace.delivery(completed(), url=f"{local}/c/1")
    assert trace.accused() == {}, "it was asked for, and a server under test may allow it"


def test_nothing_secret_of_a_callback_url_is_shown() -> None:
    for trace in (delivered_to(f"{URL}&more"), delivered_to(f"{HOOKS}/c/1?secret=other"), unasked()):
        assert not any("secret" in seen for seen in trace.accused().values())
