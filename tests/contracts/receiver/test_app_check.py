"""`evolink_check.receiver.check`, as a test of a user calls it."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from evolink_check.client.harness.mock_process import new_token
from evolink_check.receiver import ReceiverFaultError, check
from evolink_check.receiver.app_check import is_asgi
from starlette.responses import Response
from support.receivers import django_app, fastapi_app, flask_app
from support.receivers.app import SECRET, Receiver
from support.receivers.faulty import BooksTwice, PrintsTheKey

HOOK = f"/hook?secret={SECRET}"
FEW = ("completed", "twice", "secret-*")


class Printing(PrintsTheKey):
    async def ask(self, task_id: str) -> dict[str, Any] | None:
        answer = await super().ask(task_id)
        print(self.output[-1])  # noqa: T201
        return answer


def checked(receiver: type[Receiver], url: str, **more: Any) -> Receiver:
    token = new_token()
    checked = receiver(url, token)
    ledger = lambda: list(checked.booked)  # noqa: E731
    options = {"scenarios": FEW, "patience": 2.0, "secret": SECRET, "ledger": ledger, **more}
    check(checked.app, url=HOOK, mock=url, token=token, **options)
    return checked


def test_an_honest_application_passes_within_a_running_event_loop(mock_url: str) -> None:
    async def test() -> Receiver:
        return checked(Receiver, mock_url)

    assert asyncio.run(test()).booked


def test_a_faulty_application_fails_with_what_was_seen_and_what_to_change(mock_url: str) -> None:
    with pytest.raises(ReceiverFaultError, match=r"receiver\.idempotent failed") as failure:
        checked(BooksTwice, mock_url)
    assert "in twice: expected one booking; seen 2 bookings" in str(failure.value)
    assert "to change: Remember the ids" in str(failure.value)
    assert [verdict.clause.id for verdict in failure.value.verdicts] == ["receiver.idempotent"]
    assert checked(BooksTwice, mock_url, ignore=["receiver.idempotent"]).booked


def test_what_an_application_prints_is_searched_and_still_shown(
    mock_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ReceiverFaultError, match=r"receiver\.no-leak"):
        checked(Printing, mock_url, scenarios=("completed",))
    assert "Bearer" in capsys.readouterr().out


def test_an_unknown_clause_to_ignore_is_an_error(mock_url: str) -> None:
    with pytest.raises(ValueError, match=r"no clause that binds a receiver: task\.final"):
        checked(Receiver, mock_url, ignore=["task.final"])


def test_a_flask_application_is_called_by_wsgi_and_finds_the_mock_in_its_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EVOLINK_CALLBACK_SECRET", SECRET)
    monkeypatch.delenv("EVOLINK_LEDGER", raising=False)
    monkeypatch.delenv("EVOLINK_BASE_URL", raising=False)
    scenarios = ("completed", "failed", "twice*", "chunked", "slow-body", "forged-*", "secret-*", "api-500")
    ledger = lambda: list(flask_app.booked.values())  # noqa: E731
    verdicts = check(
        flask_app.app, url="/hook", secret=SECRET, ledger=ledger, scenarios=scenarios, burst=8, seed=3
    )
    assert {verdict.status for verdict in verdicts} == {"passed", "not observed"}
    assert {verdict.clause.id: verdict.status for verdict in verdicts}["receiver.reads-body"] == "passed"
    assert "EVOLINK_BASE_URL" not in os.environ


@pytest.mark.parametrize("kind", ["fastapi by asgi", "django by wsgi"])
def test_applications_of_other_frameworks_are_called(kind: str, mock_url: str) -> None:
    app, booked = (
        (fastapi_app.app, fastapi_app.booked)
        if kind == "fastapi by asgi"
        else (django_app.application(), django_app.booked)
    )
    scenarios = ("completed", "twice", "no-json", "forged-id", "secret-wrong")
    more: dict[str, Any] = {
        "url": HOOK,
        "secret": SECRET,
        "mock": mock_url,
        "token": new_token(),
        "scenarios": scenarios,
    }
    verdicts = check(app, ledger=lambda: list(booked.values()), **more)
    assert {verdict.status for verdict in verdicts} == {"passed", "not observed"}
    assert len(booked) >= 2


def test_an_application_with_a_table_of_its_tasks_is_told_of_each_before_its_callback(mock_url: str) -> None:
    class KnowsItsTasks(Receiver):
        async def locked(self, task_id: str, body: dict[str, Any]) -> Response:
            return await super().locked(task_id, body) if task_id in created else Response(status_code=404)

    class DropsUnknownTasks(KnowsItsTasks):
        async def locked(self, task_id: str, body: dict[str, Any]) -> Response:
            answer = await super().locked(task_id, body)
            return Response(status_code=204) if task_id not in created else answer

    created: set[str] = set()
    register = lambda body: created.add(body["id"])  # noqa: E731
    few = ("completed", "failed", "before-create")
    assert checked(KnowsItsTasks, mock_url, scenarios=few, register=register).booked
    with pytest.raises(ReceiverFaultError, match=r"receiver\.asks-again failed") as failure:
        checked(DropsUnknownTasks, mock_url, scenarios=few, register=register)
    assert "before the response to the create request" in str(failure.value)
    assert [verdict.clause.id for verdict in failure.value.verdicts] == ["receiver.asks-again"]
    with pytest.raises(ReceiverFaultError, match=r"receiver\.answers-2xx"):
        checked(KnowsItsTasks, mock_url, scenarios=("completed",))


def test_asgi_and_wsgi_applications_are_told_apart() -> None:
    async def asgi(scope: Any, receive: Any, send: Any) -> None: ...

    class Asgi:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    assert is_asgi(asgi)
    assert is_asgi(Asgi())
    assert not is_asgi(flask_app.app)
