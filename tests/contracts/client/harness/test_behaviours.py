"""What a server may do to a client: it can be ordered, it shrinks to nothing unusual, and it can be repeated."""

from __future__ import annotations

import json
import shlex
from typing import Any

import httpx2
import pytest
from evolink_check.analysis.request_faults import create_faults
from evolink_check.client.harness.behaviours import Behaviour, behaviours, reproduction, requests
from evolink_mock import MockServer
from hypothesis import find, given, settings
from support.records.trace_builders import SPEC

CREATES = next(iter(SPEC.creates.values()))
JSON = [("content-type", "application/json")]


@pytest.fixture(scope="module")
def server() -> Any:
    with MockServer(duration="1s") as found:
        yield found


def test_the_simplest_behaviour_is_the_usual_one() -> None:
    simplest = find(behaviours(SPEC), lambda _: True)
    assert (simplest, str(simplest), simplest.orders) == (Behaviour(), "ok", ())


def test_a_failure_shrinks_to_what_provokes_it() -> None:
    found = find(
        behaviours(SPEC),
        lambda one: "429" in one.query and one.task.startswith("fail="),
        settings=settings(database=None, max_examples=5000),
    )
    assert found == Behaviour(query=("429",), task="fail=content_policy_violation@99")


@given(behaviours(SPEC))
@settings(max_examples=150, deadline=None)
def test_every_behaviour_can_be_ordered(server: Any, behaviour: Behaviour) -> None:
    account = server.account()
    with httpx2.Client(
        base_url=server.base_url, headers={"Authorization": f"Bearer {account.token}"}
    ) as client:
        for operation, recipe in behaviour.orders:
            answer = client.post("/__mock__/recipes", json={"recipe": recipe, "operation": operation})
            assert answer.status_code == 201, answer.text


@given(requests(SPEC))
@settings(deadline=None)
def test_every_request_is_allowed(request: dict[str, Any]) -> None:
    assert create_faults(JSON, json.dumps(request).encode(), CREATES) == ()


def test_a_create_that_makes_no_task_orders_nothing_for_one() -> None:
    refused = Behaviour(create=("429", "402"), task="slow=30s", link="link=404")
    assert refused.makes_no_task
    assert refused.orders == (("create", "429, 402"),)


def test_what_becomes_of_the_task_is_the_last_step_of_its_create() -> None:
    behaviour = Behaviour(create=("429",), task="slow=30s", query=("cut", "429"), link="link=404")
    assert behaviour.orders == (("create", "429, slow=30s+link=404"), ("query", "cut, 429"))
    assert str(behaviour) == "create: 429, slow=30s+link=404; query: cut, 429"


def test_the_reproduction_is_shell_that_orders_the_same(server: Any) -> None:
    behaviour = Behaviour(create=("429",), task="fail=service_error@40")
    account = server.account()
    first, order = reproduction(behaviour, url=server.base_url, key=account.token).splitlines()
    assert first == "evolink-mock serve &"
    words = shlex.split(order)
    assert words[0] == "curl"
    assert f"{server.base_url}/__mock__/recipes" in words
    sent = json.loads(words[words.index("-d") + 1])
    assert sent == {"recipe": "429, fail=service_error@40", "operation": "create"}
