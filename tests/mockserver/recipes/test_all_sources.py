"""Every recipe, from every source: it affects the request that names it, and no other."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from evolink_check import Exchange as Recorded
from evolink_mock.http.connection import ConnectionDroppedError
from evolink_mock.recipes import assignments, network_faults
from evolink_mock.recipes.body_variants import UNKNOWN, UNKNOWN_HEADER
from evolink_mock.recipes.effects import EFFECTS, FAIL, STATUS
from evolink_mock.recipes.registry import RecipeRegistry
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mocks.in_process import BODY, CREATE, SPEC, VOICE, playing
from support.rewritten_responses import REWRITING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx2
    from support.mocks.in_process import Mock

OPERATION = next(op for by_model in SPEC.creates.values() for op in by_model.values())
CODES = [failure.code for failure in SPEC.failures]
REGISTRY = RecipeRegistry({*OPERATION.errors, *SPEC.query.errors}, SPEC.failures)
SOURCES = ("header", "prompt", "token", "assigned")
USUAL = {"prefer": "mock=ok"}
_numbers = iter(range(10**9))


@dataclass
class World:
    """One account on a mock, and requests that name a recipe in one of the sources."""

    mock: Mock
    token: str

    async def asks(self, method: str, path: str, **more: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        return await self.mock.client.request(method, path, headers=headers, **more)

    def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        return self.mock.run(self.asks(method, path, **more))

    def account(self) -> Any:
        """The account as the mock stores it."""
        return self.mock.account(self.token)

    def assign(self, text: str, operation: str = "any", times: int | None = None) -> None:
        assert assignments.assign(self.account(), REGISTRY, text, times=times, operation=operation) is None

    def create(self, source: str = "", text: str = "", **fields: Any) -> httpx2.Response:
        body, headers = BODY | fields, {}
        if source == "header":
            headers = {"prefer": f'mock="{text}"'}
        elif source == "prompt":
            body["prompt"] = f"A dog [[{text}]] dances"
        elif source == "token" and "~" not in self.token:
            self.token += f"~{text}"
        elif source == "assigned":
            self.assign(text, "create")
        return self.ask("POST", CREATE, json=body, headers=headers)

    def query(self, task: str, source: str = "", text: str = "") -> httpx2.Response:
        headers = {"prefer": f'mock="{text}"'} if source == "header" else {}
        if source == "assigned":
            self.assign(text, "query")
        return self.ask("GET", f"/v1/tasks/{task}", headers=headers)

    def link(self, task: str, **more: Any) -> httpx2.Response:
        return self.ask("GET", f"/media/{task}.mp4", **more)

    def left(self, **more: Any) -> float:
        left: float = self.ask("GET", "/v1/credits", **more).json()["data"]["user"]["remaining_credits"]
        return left


@pytest.fixture(scope="module")
def shared() -> Iterator[Mock]:
    """One mock for all tests: accounts do not affect each other."""
    with playing(credits=100) as mock:
        yield mock


@pytest.fixture
def world(shared: Mock) -> World:
    return World(shared, f"account-{next(_numbers)}")


def undocumented(answer: httpx2.Response) -> bool:
    """Whether openapi-core finds a problem in it."""
    request = answer.request
    recorded = Recorded(
        request.method, str(request.url), tuple(request.headers.items()), request.content, answer.status_code,
        tuple(answer.headers.items()), answer.content,
    )  # fmt: skip
    return bool(VOICE.response_problems(recorded))


def is_usual(answer: httpx2.Response) -> bool:
    return (
        answer.status_code == 200
        and answer.json()["status"] == "pending"
        and answer.headers["content-type"] == "application/json"
        and UNKNOWN_HEADER[0].decode() not in answer.headers
        and set(answer.json()) == set(OPERATION.answer)
    )


def ends(world: World, made: httpx2.Response, seconds: float = 5.0) -> dict[str, Any]:
    """The task after so many seconds."""
    world.mock.clock.advance(seconds)
    task: dict[str, Any] = world.query(made.json()["id"]).json()
    return task


def check_status(world: World, source: str, text: str) -> None:
    answer = world.create(source, text)
    status = int(text)
    if status not in OPERATION.errors:
        assert is_usual(answer)
        return
    assert answer.status_code == status
    assert answer.json() == OPERATION.errors[status].body
    assert (answer.headers.get("retry-after") == "1") is (status == 429)
    assert world.left(headers=USUAL) == 100


def check_usual(world: World, source: str, text: str) -> None:
    assert is_usual(world.create(source, text))


def check_failure(world: World, source: str, text: str) -> None:
    code, _, progress = text.removeprefix("fail=").partition("@")
    made = world.create(source, text)
    assert is_usual(made)
    late = ends(world, made)
    assert (late["status"], late["error"]["code"]) == ("failed", code)
    if progress:
        again = world.create(source, text)
        shown = [ends(world, again, 0.05)["progress"] for _ in range(60)]
        assert max(shown) == int(progress)


def check_slow(world: World, source: str, text: str) -> None:
    made = world.create(source, text)
    seconds = 600 if "=" in text else 50
    assert made.json()["task_info"]["estimated_time"] == seconds
    assert ends(world, made, seconds - 1)["status"] == "processing"
    assert ends(world, made, 1)["status"] == "completed"


def check_stuck(world: World, source: str, text: str) -> None:
    assert ends(world, world.create(source, text), 1e6)["status"] == text.removeprefix("stuck=")


def check_queue(world: World, source: str, text: str) -> None:
    if source != "token":
        world.create()
    else:
        world.create(source, text)
    second = world.create(source, text)
    assert second.json()["task_info"]["estimated_time"] == 10
    assert ends(world, second, 5.4)["status"] == "pending"
    assert ends(world, second, 4.5)["status"] == "processing"
    assert ends(world, second, 0.2)["status"] == "completed"


def declared(beginning: bytes) -> int:
    """How long an MP4 file says that it is: the sizes of its boxes, whose headers stand in its beginning."""
    place = 0
    while place < len(beginning):
        place += int.from_bytes(beginning[place : place + 4])
    return place


def check_link(world: World, source: str, text: str) -> None:
    made = world.create(source, text)
    assert ends(world, made)["status"] == "completed"
    answer = world.link(made.json()["id"])
    if text == "link=truncated":
        assert answer.status_code == 200
        assert len(answer.content) == declared(answer.content) // 2
        assert int(answer.headers["content-length"]) == len(answer.content)
    elif text in {"link=page", "link=empty"}:
        assert answer.status_code == 200
        assert ("<html>" in answer.text, bool(answer.content)) == (text == "link=page",) * 2
    else:
        assert answer.status_code == {"link=expired": 410, "link=404": 404, "link=redirect": 302}[text]


def check_latency(world: World, source: str, text: str) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network_faults, "sleep", sleep)
        assert is_usual(world.create(source, text))
    assert len(slept) == 1
    assert 0.001 <= slept[0] <= (0.003 if ".." in text else 0.001)


def check_drop(world: World, source: str, text: str) -> None:
    with pytest.raises(ConnectionDroppedError) as lost:
        world.create(source, text)
    assert not lost.value.sent
    assert world.account().task_count == 1


def check_cut(world: World, source: str, text: str) -> None:
    with pytest.raises(ConnectionDroppedError) as lost:
        world.create(source, text)
    assert lost.value.sent
    exchange = world.mock.noted[-1]
    announced = int(dict(exchange.answer_headers)[b"content-length"])
    assert len(exchange.answer_body) == announced // 2 > 0


def check_type(world: World, source: str, text: str) -> None:
    answer = world.create(source, text)
    assert answer.headers.get_list("content-type") == ["text/html"]
    assert answer.json()["status"] == "pending"


def check_shape(world: World, source: str, text: str) -> None:
    answer = world.create(source, text)
    shape, body = text.removeprefix("shape="), answer.json()
    assert answer.status_code == 200
    assert not undocumented(answer)
    assert (UNKNOWN_HEADER[0].decode() in answer.headers) is (shape == "extra")
    if shape == "minimal":
        assert body == {}
    if shape == "full":
        assert set(OPERATION.answer) <= set(body)
    if shape == "extra":
        assert set(body) == {*OPERATION.answer, *UNKNOWN}
        assert body["task_info"].keys() >= UNKNOWN.keys()


def check_word(world: World, source: str, text: str) -> None:
    answer = world.create(source, text)
    assert answer.json()["status"] == text.removeprefix("status=")
    assert undocumented(answer)


def check_credits(world: World, source: str, text: str) -> None:
    left = int(text.removeprefix("credits="))
    answers = [world.create(source if number == 0 or source == "prompt" else "", text) for number in range(4)]
    afforded = left // 5
    assert [answer.status_code for answer in answers] == [200] * afforded + [402] * (4 - afforded)
    assert world.left(headers=USUAL) == left - 5 * afforded


def check_rate(world: World, source: str, text: str) -> None:
    times = int(text.removeprefix("rate=").partition("/")[0])
    if source == "token":
        world.token += f"~{text}"
    world.account().granted = 10**6
    for number in range(times):
        assert is_usual(world.create(source if number == 0 or source == "prompt" else "", text))
    refused = world.create()
    assert refused.status_code == 429
    world.mock.clock.advance(float(refused.headers["retry-after"]))
    assert is_usual(world.create())


def check_cancelled(world: World, source: str, text: str) -> None:
    ended = ends(world, world.create(source, text))
    assert (ended["status"], ended["error"]["code"]) == (
        "failed",
        "request_cancelled",
    )  # as the document has it


def check_forgotten(world: World, source: str, text: str) -> None:
    made = world.create(source, text)
    assert world.query(made.json()["id"]).status_code == 200
    world.mock.clock.advance(6)
    assert world.query(made.json()["id"]).status_code == 404


CHECKS: dict[str, Callable[[World, str, str], None]] = {
    "ok": check_usual,
    STATUS: check_status,
    FAIL: check_failure,
    "cancel": check_cancelled,
    "task": check_forgotten,
    "slow": check_slow,
    "stuck": check_stuck,
    "queue": check_queue,
    "link": check_link,
    "latency": check_latency,
    "drop": check_drop,
    "cut": check_cut,
    "type": check_type,
    "shape": check_shape,
    "status": check_word,
    "credits": check_credits,
    "rate": check_rate,
    **REWRITING,
}
CALLBACKS = "callback"  # needs a receiver: test_odd_callbacks.py
STATUSES = sorted({*OPERATION.errors, *SPEC.query.errors})
RECIPES = [
    *((STATUS, str(status)) for status in STATUSES),
    *((FAIL, f"fail={code}") for code in CODES),
    (FAIL, "fail=service_error@40"),
    *(
        (effect.name, text)
        for effect in EFFECTS
        if effect.name not in {STATUS, FAIL, CALLBACKS}
        for text in effect.examples
    ),
]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("effect", "text"), RECIPES, ids=[text for _, text in RECIPES])
def test_every_recipe_works_from_every_source(world: World, effect: str, text: str, source: str) -> None:
    CHECKS[effect](world, source, text)


def test_every_effect_of_the_table_is_tested() -> None:
    assert {effect.name for effect in EFFECTS} == {*CHECKS, CALLBACKS}
    assert len(CODES) == 13


@pytest.mark.parametrize("source", ["header", "assigned", "token"])
@pytest.mark.parametrize("status", [*SPEC.query.errors, 502, 503, 504])
def test_every_documented_error_of_a_query_is_reached(world: World, status: int, source: str) -> None:
    task = world.create().json()["id"]
    if source == "token":
        world.token += f"~{status}"
    answer = world.query(task, source, str(status))
    assert answer.status_code == status
    if status in SPEC.query.errors:
        assert answer.json() == SPEC.query.errors[status].body


def test_all_documented_errors_and_failures_are_counted(shared: Mock) -> None:
    seen: set[tuple[str, int | str]] = set()
    for status in STATUSES:
        world = World(shared, f"count-{status}")
        task = world.create().json()["id"]
        seen |= {("create", world.create("header", str(status)).status_code)}
        seen |= {("query", world.query(task, "header", str(status)).status_code)}
    for code in CODES:
        world = World(shared, f"count-{code}")
        seen |= {("task", ends(world, world.create("prompt", f"fail={code}"))["error"]["code"])}
    expected: set[tuple[str, int | str]] = {("create", status) for status in (200, *OPERATION.errors)}
    expected |= {("query", status) for status in SPEC.query.errors} | {("task", code) for code in CODES}
    assert seen == expected
    assert len(seen) == 1 + 6 + 7 + 13


def test_the_header_precedes_the_prompt_the_assigned_recipe_and_the_token(world: World) -> None:
    world.token += "~400"
    seen = [world.create().status_code]
    world.assign("401", "create")
    seen.append(world.create().status_code)
    seen.append(world.create("prompt", "402").status_code)
    both = BODY | {"prompt": "[[402]]"}
    seen.append(world.ask("POST", CREATE, json=both, headers={"prefer": "mock=403"}).status_code)
    seen.append(world.ask("POST", CREATE, json=both, headers={"prefer": "code=200"}).status_code)
    assert seen == [400, 401, 402, 403, 200]


def test_another_preference_does_not_hide_the_prompt(world: World) -> None:
    answer = world.ask("POST", CREATE, json=BODY | {"prompt": "[[402]]"}, headers={"prefer": "wait=10"})
    assert answer.status_code == 402


@pytest.mark.parametrize("source", SOURCES)
def test_a_client_that_retries_gets_the_next_step(world: World, source: str) -> None:
    if source == "assigned":
        world.assign("429*2, ok, 500", "create")
        source = ""
    answers = [world.create(source, "429*2, ok, 500") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [429, 429, 200, 500, 200, 200]
    assert [answer.headers.get("retry-after") for answer in answers[:3]] == ["1", "1", None]


def test_each_operation_and_each_account_has_its_own_turn_in_a_sequence(world: World) -> None:
    task = world.create().json()["id"]
    other = World(world.mock, f"{world.token}-other")
    text = "500, 429"
    assert [world.create("header", text).status_code, world.query(task, "header", text).status_code] == [
        500,
        500,
    ]
    assert other.create("header", text).status_code == 500
    assert [world.create("header", text).status_code, world.create("header", "500,429").status_code] == [
        429,
        200,
    ]


NOT_RECIPES = pytest.mark.parametrize("text", ["latncy=1s", "fail=service_eror", "402+429", "ok,", "slow=0s"])


@pytest.mark.parametrize("source", ["header", "assigned"])
@NOT_RECIPES
def test_an_unknown_recipe_for_the_mock_is_a_400_that_names_the_nearest(
    world: World, text: str, source: str
) -> None:
    if source == "assigned":
        error = assignments.assign(world.account(), REGISTRY, text, times=None, operation="any")
        assert error is not None
        message = error.detail
    else:
        answer = world.create(source, text)
        assert answer.status_code == 400
        message = answer.json()["error"]["message"]
    assert f"unknown recipe {text!r}" in message
    assert "the nearest are" in message


@pytest.mark.parametrize("source", ["prompt", "token"])
@NOT_RECIPES
def test_an_unknown_recipe_in_the_client_s_own_text_changes_nothing_and_is_noted(
    world: World, text: str, source: str
) -> None:
    assert is_usual(world.create(source, text))
    (note,) = world.mock.noted[-1].notes
    assert "the nearest are" in note
    assert (text in note) is (source == "prompt")
    assert world.query(world.mock.noted[-1].task_id).status_code == 200


def test_a_note_on_an_unknown_recipe_is_no_violation_of_the_contract(world: World) -> None:
    from evolink_mock.domain.exchange import violation_texts

    world.create("prompt", "tiny cat")
    assert violation_texts(world.mock.noted[-1]) == []
    assert world.create("prompt", "tiny cat", duration=7).status_code == 400
    assert [note[:9] for note in violation_texts(world.mock.noted[-1])] == ["duration:"]


def test_no_effect_lasts_into_the_next_request(world: World) -> None:
    for _, text in RECIPES:
        if text.startswith(("credits", "rate", "latency", "queue")):
            continue
        world.account().granted = 10**6
        for source in ("header", "prompt"):
            with suppress(ConnectionDroppedError):
                world.create(source, text)
            usual = world.create()
            assert is_usual(usual), text
            assert usual.json()["task_info"]["estimated_time"] == 5


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(["402", "429*2, ok", "shape=minimal", ""])), max_size=12
    )
)
def test_accounts_with_different_recipes_do_not_affect_each_other(
    shared: Mock, script: list[tuple[int, str]]
) -> None:
    """What an account sees does not depend on what others ask for at the same time."""

    def play(chosen: int | None) -> dict[int, list[int]]:
        run, seen = next(_numbers), dict[int, list[int]]()
        for number, text in script:
            if chosen in {None, number}:
                world = World(shared, f"meet-{run}-{number}")
                source = "header" if text else ""
                seen.setdefault(number, []).append(world.create(source, text).status_code)
        return seen

    together = play(None)
    assert together == {number: play(number)[number] for number in together}


def test_a_recipe_needs_a_token_that_is_known(world: World) -> None:
    for recipe in ("402", "drop", "nonsense"):
        answer = world.mock.ask("POST", CREATE, None, json=BODY, headers={"prefer": f"mock={recipe}"})
        assert answer.status_code == 401


def test_a_result_takes_recipes_from_a_header_and_from_the_account(world: World) -> None:
    task = world.create().json()["id"]
    world.mock.clock.advance(5)
    assert world.link(task, headers={"prefer": "mock=503"}).status_code == 503
    assert world.link(task, headers={"prefer": "mock=nonsense"}).status_code == 400
    world.assign("type=text/plain", "media", times=1)
    assert world.link(task).headers["content-type"] == "text/plain"
    world.assign("cut", times=1)
    with pytest.raises(ConnectionDroppedError):
        world.link(task)
    assert world.link(task).headers["content-type"] == "video/mp4"
    with pytest.raises(ConnectionDroppedError):
        world.link(task, headers={"prefer": "mock=drop"})


def test_the_credits_take_recipes(world: World) -> None:
    answer = world.ask("GET", "/v1/credits", headers={"prefer": "mock=504"})
    assert (answer.status_code, answer.headers["content-type"]) == (504, "text/html")
    assert world.ask("GET", "/v1/credits", headers={"prefer": "mock=nonsense"}).status_code == 400
    world.assign("credits=7", "credits")
    assert world.left() == 7
    world.create()
    assert world.left() == 2  # it was set once, and not again by each request of the permanent recipe
    world.assign("credits=7", "credits")
    assert world.left() == 7


def test_credits_are_set_to_the_number_of_the_recipe_whatever_was_returned_by_then(world: World) -> None:
    world.create("header", "fail=service_error")
    world.mock.clock.advance(5)
    assert world.left(headers={"prefer": "mock=credits=3"}) == 3


def test_a_query_takes_shapes_and_status_words(world: World) -> None:
    task = world.create().json()["id"]
    assert world.query(task, "header", "shape=minimal").json() == {}
    assert world.query(task, "header", "status=archived").json()["status"] == "archived"
    full = world.query(task, "header", "shape=full").json()
    assert (full["error"], full["results"]) == (None, [])
    assert not undocumented(world.query(task, "header", "shape=any"))
    assert is_usual(world.query(task))


def test_a_recipe_for_a_head_request_sends_no_body(world: World) -> None:
    task = world.create().json()["id"]
    world.mock.clock.advance(5)
    for text in ("cut", "503"):
        answer = world.mock.run(world.asks("HEAD", f"/media/{task}.mp4", headers={"prefer": f"mock={text}"}))
        assert answer.content == b""
        assert int(answer.headers["content-length"]) > 0


def test_a_dropped_response_is_recorded_as_none(world: World) -> None:
    with pytest.raises(ConnectionDroppedError):
        world.create("header", "drop")
    exchange = world.mock.noted[-1]
    assert (exchange.status, exchange.answer_body, list(exchange.answer_headers)) == (0, b"", [])
    assert exchange.notes == ("a recipe dropped the response",)


def test_the_exchange_has_the_response_that_was_sent(world: World) -> None:
    answer = world.create("header", "502")
    exchange = world.mock.noted[-1]
    assert (exchange.status, exchange.answer_body) == (502, answer.content)
    answer = world.create("header", "shape=extra")
    assert world.mock.noted[-1].answer_body == answer.content
    assert UNKNOWN_HEADER in world.mock.noted[-1].answer_headers


def test_the_same_seed_makes_the_same_any_shape() -> None:
    def bodies() -> list[Any]:
        with playing(seed=7) as mock:
            return [World(mock, "key").create("header", "shape=any").json() for _ in range(5)]

    first = bodies()
    assert first == bodies()
    assert len({json.dumps(body) for body in first}) > 1
