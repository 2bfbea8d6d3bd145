"""A Python callable is led through what a server may do: a good one is left alone, a bad one shrunk to its fault."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from evolink_check.client import ClientFaultError, check
from evolink_check.client.harness.behaviours import Behaviour
from evolink_check.client.harness.journal_trace import trace_of
from evolink_check.client.harness.mock_process import Mock, MockError
from evolink_check.client.harness.outcome import Outcome
from evolink_check.client.harness.scenario import Scenario
from evolink_check.client.harness.virtual_time import TimeLimits
from evolink_check.client.verdicts.verdicts import verdicts_of
from evolink_spec import load
from support.mocks.mock_process import BIN, served
from support.records.trace_builders import CREATE

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 150.0
GONE = (httpx2.TransportError, ValueError)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A mock in a process of its own: time is changed in this one."""
    with served() as found:
        yield found


class Failed(Exception):  # noqa: N818  (a word for it)
    """What a client says to its user."""


def good(base_url: str, token: str, request: dict[str, Any]) -> Any:
    """Waits when it is told to, gives up in time, and minds nothing that the documents allow."""
    with httpx2.Client(
        base_url=base_url, headers={"Authorization": f"Bearer {token}"}, trust_env=False
    ) as api:
        return _followed(api, _created(api, request))


def _created(api: httpx2.Client, request: dict[str, Any]) -> str:
    for attempt in range(5):
        try:
            answer = api.post(CREATE, json=request)
            told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        except GONE as error:
            raise Failed("the answer is lost; a task may have been made") from error
        if answer.status_code == 200 and told.get("id"):
            return str(told["id"])
        if answer.status_code not in {429, 500} or not told:
            raise Failed(str(told.get("error", {}).get("code", f"no id, HTTP {answer.status_code}")))
        time.sleep(float(answer.headers.get("retry-after", 0)) + 2.0**attempt)
    raise Failed(str(told["error"]["code"]))


def _followed(api: httpx2.Client, task_id: str) -> Any:
    wait = 5.0
    deadline = time.monotonic() + PATIENCE - 50
    while time.monotonic() < deadline:
        time.sleep(wait)
        try:
            answer = api.get(f"/v1/tasks/{task_id}")
            told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        except GONE:
            answer, told = None, {}
        if answer is not None and answer.status_code in {400, 401, 402, 403, 404}:
            raise Failed(str(told["error"]["code"]))
        if told.get("status") == "failed":
            raise Failed(str((told.get("error") or {}).get("code")))
        if told.get("status") == "completed":
            return told.get("results") or []
        wait = 5.0 if told.get("status") else wait * 2
    raise Failed(f"it takes too long; ask for {task_id} later")


def test_a_good_client_is_left_alone(url: str) -> None:
    check(good, examples=25, seed=1, mock=url, patience=PATIENCE)


@pytest.mark.parametrize("seed", range(2))
def test_an_asynchronous_one_too(url: str, seed: int) -> None:
    async def drive(base_url: str, token: str, request: dict[str, Any]) -> Any:
        await asyncio.sleep(3600)  # takes no time
        return good(base_url, token, request)

    check(drive, examples=5, seed=seed, mock=url, patience=2 * 3600)


def caught(drive: Any, url: str, **more: Any) -> ClientFaultError:
    with pytest.raises(ClientFaultError) as found:
        check(drive, examples=150, seed=2, mock=url, patience=PATIENCE, **more)
    return found.value


def test_who_does_not_wait_after_a_429_is_shown_the_least_that_shows_it(url: str) -> None:
    fault = caught(_hasty, url)
    assert {verdict.clause.id for verdict in fault.verdicts} == {"client.retry-after"}
    assert fault.run.behaviour == Behaviour(create=("429",))
    text = str(fault)
    assert "create: 429" in text
    assert '"recipe": "429", "operation": "create"' in text
    assert "evolink-mock serve" in text


def _hasty(base_url: str, token: str, request: dict[str, Any]) -> Any:
    sleep, time.sleep = time.sleep, lambda seconds: None if seconds == 2.0 else sleep(seconds)
    try:
        return good(base_url, token, request)
    finally:
        time.sleep = sleep


def test_what_is_printed_makes_a_served_mock_provoke_the_same_fault_in_real_time() -> None:
    with pytest.raises(ClientFaultError) as found:
        check(_hasty, examples=150, seed=2, patience=PATIENCE)
    with pasted(str(found.value)) as mock:
        _hasty(mock.url, mock.token, found.value.run.request)
        journals = mock.journal()
    trace = trace_of(journals, ended=time.time())
    clauses = [verdict.clause for verdict in found.value.verdicts]
    again = verdicts_of(trace, Outcome("success", 0, time.time()), Scenario("again", ""), clauses, load())
    assert [(one.clause.id, one.status) for one in again] == [("client.retry-after", "failed")]


@contextmanager
def pasted(text: str) -> Iterator[Mock]:
    """What a fault says is to be typed into a shell is typed into one, on a port that is free here."""
    lines = text.partition("to reproduce it, in a shell\n")[2].splitlines()
    serving, *placing, last = (line.strip() for line in lines)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    words = [f"{BIN}/{serving}".replace(" &", f" --quiet --port {port} &"), *placing, "echo placed", "wait"]
    shell = ["bash", "-c", "\n".join(words).replace(":8080", f":{port}")]
    pipe = subprocess.PIPE
    with subprocess.Popen(shell, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            assert any(line.endswith("placed\n") for line in process.stdout)
            url = re.search(r"http://[\d.]+:8080", last)
            assert url
            yield Mock(url[0].replace("8080", port), last.rpartition(" ")[2], {}, alone=True)
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def test_who_takes_failed_for_running_is_shown_a_failing_task(url: str) -> None:
    def blind(base_url: str, token: str, request: dict[str, Any]) -> Any:
        with httpx2.Client(
            base_url=base_url, headers={"Authorization": f"Bearer {token}"}, trust_env=False
        ) as api:
            task_id = _created(api, request)
            for _ in range(25):
                time.sleep(5)
                told = api.get(f"/v1/tasks/{task_id}").json()
                if told.get("status") == "completed":
                    return told["results"]
        raise Failed("it takes too long")

    fault = caught(
        blind, url, ignore=["client.no-crash", "client.asks-again", "client.tells-code", "client.no-abandon"]
    )
    assert {verdict.clause.id for verdict in fault.verdicts} == {"client.stops-at-end"}


def test_who_reads_what_is_not_promised_crashes_in_its_own_name(url: str) -> None:
    def trusting(base_url: str, token: str, request: dict[str, Any]) -> Any:
        with httpx2.Client(
            base_url=base_url, headers={"Authorization": f"Bearer {token}"}, trust_env=False
        ) as api:
            task = api.post(CREATE, json=request).json()
            return task["usage"]["credits_reserved"] and _followed(api, task["id"])

    fault = caught(trusting, url)
    assert "client.no-crash" in {verdict.clause.id for verdict in fault.verdicts}
    assert "KeyError" in str(fault) or "JSONDecodeError" in str(fault) or "TypeError" in str(fault)


def test_who_never_ends_is_stopped(url: str) -> None:
    def patient(*_: Any) -> Any:
        while True:
            time.sleep(60)

    fault = caught(patient, url)
    assert fault.run.outcome.end == "killed"


def test_who_asks_on_without_a_pause_is_stopped_too(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def hasty(base_url: str, token: str, request: dict[str, Any]) -> Any:
        with httpx2.Client(
            base_url=base_url, headers={"Authorization": f"Bearer {token}"}, trust_env=False
        ) as api:
            task_id = _created(api, request)
            while True:
                api.get(f"/v1/tasks/{task_id}")

    monkeypatch.setattr("evolink_check.client.callable_check.TimeLimits", partial(TimeLimits, busy=3.0))
    fault = caught(hasty, url)
    assert {verdict.clause.id for verdict in fault.verdicts} == {"client.poll-interval"}
    assert (fault.run.outcome.end, fault.run.behaviour) == ("killed", Behaviour())


@pytest.mark.parametrize("tasks", [False, True])
def test_whatever_raises_through_it_patience_is_patience(url: str, *, tasks: bool) -> None:
    async def waiting(*_: Any) -> None:
        async def sleep() -> None:
            for _ in range(100):
                await asyncio.sleep(60)

        async with asyncio.TaskGroup() as group:
            group.create_task(sleep())

    def careless(*_: Any) -> str:
        with suppress(BaseException):
            time.sleep(2 * PATIENCE)
        return "done"

    assert caught(waiting if tasks else careless, url).run.outcome.end == "killed"


def test_a_program_may_end_as_programs_do(url: str) -> None:
    def program(base_url: str, token: str, request: dict[str, Any]) -> Any:
        try:
            return good(base_url, token, request)
        except Failed as error:
            sys.exit(str(error))

    check(program, examples=10, seed=1, mock=url, patience=PATIENCE)

    async def cancelled(*_: Any) -> None:
        raise asyncio.CancelledError("invalid_request_error unauthorized")

    check(cancelled, examples=3, seed=1, mock=url, patience=PATIENCE)


def test_a_ctrl_c_is_no_end_of_a_client(url: str) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(interrupted, examples=3, mock=url)


def test_the_key_stands_in_no_text(url: str) -> None:
    keys = []

    def talkative(_: str, token: str, __: dict[str, Any]) -> Any:
        keys.append(token)
        raise TypeError(f"I was given {token}")

    assert not any(key in str(caught(talkative, url)) for key in keys)


def test_a_clause_that_there_is_not_is_a_wrong_choice(url: str) -> None:
    with pytest.raises(ValueError, match="no clause that binds a client"):
        check(good, ignore=["task.final"], mock=url)


def test_without_a_mock_nothing_is_said() -> None:
    with pytest.raises(MockError, match="there is no mock"):
        check(good, examples=1, mock="http://127.0.0.1:9")
