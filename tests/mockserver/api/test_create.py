"""Creating a task: what is accepted, what is refused, in which words."""

from __future__ import annotations

import gzip
import json
import re
import string
from typing import TYPE_CHECKING, Any

import pytest
from evolink_check import Exchange
from evolink_mock.domain.exchange import KEPT
from evolink_mock.domain.units import Rate
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.mocks.in_process import BODY, CREATE, MODEL, SPEC, VOICE, shaped

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.mocks.in_process import Mock

OPERATION = SPEC.creates["POST", CREATE][MODEL]
ALIAS, ACTUAL = next(iter(OPERATION.aliases.items()))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


def near(name: str) -> st.SearchStrategy[Any]:
    """Values of a documented field: right ones as often as wrong ones."""
    schema = SPEC.documents[OPERATION.source]["components"]["schemas"]["GrokImagineImageToVideoRequest"]
    known = schema["properties"][name]
    right = known.get("enum") or [known["example"]]
    return st.sampled_from([*right, *([ALIAS] if name == "model" else [])]) | JSON


NEARLY = st.fixed_dictionaries(
    {name: near(name) for name in BODY},
    optional={name: near(name) for name in ("duration", "mode", "quality")} | {"aspect_ratio": JSON},
)


def test_a_create_is_answered_with_200_and_every_documented_field(mock: Mock) -> None:
    answer = mock.post(BODY)
    assert answer.status_code == 200
    task = answer.json()
    assert task.keys() == OPERATION.answer.keys()
    assert (task["status"], task["progress"], task["model"]) == ("pending", 0, BODY["model"])
    assert (task["object"], task["type"]) == ("video.generation.task", "video")
    assert task["usage"] == {"billing_rule": "per_call", "credits_reserved": 5, "user_group": "default"}


def test_an_id_holds_the_time_of_its_creation(mock: Mock) -> None:
    task = mock.create()
    assert task["created"] == int(mock.clock.now())
    assert re.fullmatch(rf"task-unified-{task['created']}-[0-9a-z]{{8}}", task["id"])


@pytest.mark.parametrize(("choices", "seconds"), [("fixed", 5), ("spread", (3, 20)), ("realtime", (80, 250))])
def test_the_estimate_is_true_for_the_speed_chosen(
    start: Callable[..., Mock], choices: str, seconds: int | tuple[int, int]
) -> None:
    from evolink_mock.domain.units import REALTIME, Speed

    speed = {"fixed": Speed(5.0, 5.0), "spread": Speed(3.0, 20.0), "realtime": REALTIME}[choices]
    mock = start(duration=speed)
    shortest, longest = seconds if isinstance(seconds, tuple) else (seconds, seconds)
    for _ in range(20):
        task = mock.create()
        estimate = task["task_info"]["estimated_time"]
        assert shortest <= estimate <= longest
        mock.clock.advance(estimate)
        assert mock.query(task)["status"] == "completed"


def test_no_two_creates_are_answered_with_the_same_id(mock: Mock) -> None:
    ids = [mock.create(token)["id"] for token in ("one", "two") for _ in range(100)]
    assert len(set(ids)) == 200


def test_the_old_model_name_is_mapped_and_the_answer_names_the_actual_one(mock: Mock) -> None:
    task = mock.create(model=ALIAS)
    assert task["model"] == ACTUAL == mock.query(task)["model"]


@pytest.mark.parametrize(
    "field",
    [{"aspect_ratio": "16:9"}, {"generate_audio": True}, {"id": 1}, {"": None}, {"messages": [{"role": {}}]}],
)
def test_an_unknown_field_is_accepted_with_a_warning_in_the_log(mock: Mock, field: dict[str, Any]) -> None:
    mock.create(**field)
    assert mock.noted[-1].notes == (f"warning: unknown field {next(iter(field))}",)


@pytest.mark.parametrize(("name", "nearest"), [("durration", "duration"), ("callbackUrl", "callback_url")])
def test_the_warning_of_a_misspelled_field_names_the_nearest(mock: Mock, name: str, nearest: str) -> None:
    assert mock.post(BODY | {name: 6}).status_code == 200
    assert mock.noted[-1].notes == (f"warning: unknown field {name} (did you mean {nearest}?)",)


def test_documented_fields_cause_no_warning(mock: Mock) -> None:
    mock.create(duration=6, mode="fun", quality="720p", callback_url="https://example.com/hook")
    assert mock.noted[-1].notes == ()


def test_an_empty_image_list_is_accepted_with_a_warning(mock: Mock) -> None:
    mock.create(image_urls=[])
    assert mock.noted[-1].notes == ("warning: image_urls is empty",)


@pytest.mark.parametrize("name", ["Idempotency-Key", "X-Request-Id", "Accept", "Prefer"])
def test_an_unknown_header_changes_nothing(start: Callable[..., Mock], name: str) -> None:
    plain, decorated = start(seed=1), start(seed=1)
    assert decorated.post(BODY, headers={name: "respond-async"}).content == plain.post(BODY).content


@pytest.mark.parametrize(
    ("change", "param", "words"),
    [
        ({"duration": 7}, "duration", "7 is not one of 6, 10"),
        ({"duration": "6"}, "duration", '"6" is not'),
        ({"duration": None}, "duration", "null is not"),
        ({"mode": "Fun"}, "mode", '"Fun" is not one of fun, normal, spicy'),
        ({"quality": "1080p"}, "quality", '"1080p" is not one of 480p, 720p'),
        ({"model": "another"}, "model", '"another" is not one of grok-imagine-image-to-video-beta'),
        ({"model": 5}, "model", "5 is not"),
        ({"prompt": 5}, "prompt", "5 is not of type string"),
        ({"image_urls": "https://example.com/a"}, "image_urls", "is not of type array"),
        ({"image_urls": ["words"]}, "image_urls.0", '"words" is not a valid uri'),
        ({"image_urls": ["https://a.example/1", "https://a.example/2"]}, "image_urls", "more than 1 items"),
        ({"callback_url": "words"}, "callback_url", "this value is not a valid uri"),
        ({"callback_url": "http://example.com/"}, "callback_url", "only https"),
        ({"callback_url": "https://example.com/" + 2048 * "a"}, "callback_url", "2048"),
    ],
)
def test_a_400_keeps_the_documented_message_and_adds_the_field_and_the_reason(
    mock: Mock, change: dict[str, Any], param: str, words: str
) -> None:
    answer = mock.post(BODY | change)
    assert answer.status_code == 400
    error = shaped(answer)
    documented = OPERATION.errors[400].body["error"]
    assert (error["code"], error["type"], error["param"]) == (documented["code"], documented["type"], param)
    assert error["message"].startswith(f"{documented['message']}: {param}: ")
    assert words in error["message"]
    assert mock.noted[-1].notes[0] in error["message"]


@pytest.mark.parametrize("name", BODY)
def test_a_required_field_that_is_missing_is_named(mock: Mock, name: str) -> None:
    error = shaped(mock.post({key: value for key, value in BODY.items() if key != name}))
    assert (error["param"], error["message"]) == (name, f"Invalid request parameters: {name}: is required")


def test_the_value_of_a_callback_url_is_never_shown(mock: Mock) -> None:
    answer = mock.post(BODY | {"callback_url": "http://example.com/?secret=hush"})
    assert answer.status_code == 400
    assert "hush" not in answer.text + mock.logged()


@pytest.mark.parametrize("duration", [6.0, 10.0])
def test_a_whole_number_is_an_integer_however_it_is_written(mock: Mock, duration: float) -> None:
    assert mock.post(json.dumps(BODY | {"duration": duration}).encode()).status_code == 200


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"]
)
def test_another_content_type_is_400(mock: Mock, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    answer = mock.ask("POST", CREATE, content=json.dumps(BODY), headers=headers)
    assert answer.status_code == 400
    assert "application/json" in shaped(answer)["message"]


@pytest.mark.parametrize("coding", ["gzip", "br", "GZip", "identity, zstd", "deflate"])
def test_an_encoded_body_is_a_400_that_names_the_coding(mock: Mock, coding: str) -> None:
    answer = mock.post(gzip.compress(json.dumps(BODY).encode()), headers={"content-encoding": coding})
    assert answer.status_code == 400
    error = shaped(answer)
    assert error["param"] == "Content-Encoding"
    assert f"encoded with {coding.lower().removeprefix('identity, ')}; send it without" in error["message"]


@pytest.mark.parametrize("coding", ["identity", "", "Identity"])
def test_a_body_that_is_declared_not_to_be_encoded_is_accepted(mock: Mock, coding: str) -> None:
    assert mock.post(BODY, headers={"content-encoding": coding}).status_code == 200


def test_a_gzip_body_without_its_header_is_recognised(mock: Mock) -> None:
    error = shaped(mock.post(gzip.compress(json.dumps(BODY).encode())))
    assert error["message"].endswith("the body is not valid JSON: it is compressed with gzip")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"prefer": "mock=429"}, 429),
        ({"content-type": "text/plain"}, 400),
        ({"content-encoding": "gzip"}, 400),
        ({"prefer": "mock=nonsense"}, 400),
        ({"authorization": "nonsense"}, 401),
    ],
)
def test_the_body_of_a_refused_create_is_kept(mock: Mock, headers: dict[str, str], status: int) -> None:
    raw = json.dumps(BODY).encode()
    assert mock.post(raw, headers=headers).status_code == status
    assert mock.noted[-1].request_body == raw


def test_the_body_of_a_create_that_a_gateway_refuses_is_kept(mock: Mock) -> None:
    raw = json.dumps(BODY).encode()
    headers = {"authorization": "Bearer key", "content-type": "application/json", "prefer": "mock=503"}
    assert mock.run(mock.client.request("POST", CREATE, content=raw, headers=headers)).status_code == 503
    assert mock.noted[-1].request_body == raw


def test_the_body_of_a_create_beyond_the_rate_limit_is_kept(start: Callable[..., Mock]) -> None:
    mock, raw = start(rate=Rate(1, 60.0)), json.dumps(BODY).encode()
    assert [mock.post(raw).status_code for _ in range(2)] == [200, 429]
    assert mock.noted[-1].request_body == raw


def test_of_a_body_that_is_too_large_the_beginning_is_kept(start: Callable[..., Mock]) -> None:
    mock = start(max_body=100)
    raw = json.dumps(BODY | {"prompt": "x" * KEPT}).encode()
    assert mock.post(raw).status_code == 400
    assert mock.noted[-1].request_body == raw[:KEPT]


def test_of_a_large_body_the_beginning_is_kept(mock: Mock) -> None:
    raw = json.dumps(BODY | {"prompt": "x" * 3 * KEPT}).encode()
    assert mock.post(raw).status_code == 200
    assert mock.noted[-1].request_body == raw[:KEPT]


@pytest.mark.parametrize(
    "lines", [("wait=10", "mock=402"), ("mock=402", "mock=500"), ("mock=402, ok", "wait=1")]
)
def test_several_prefer_lines_are_one_list(mock: Mock, lines: tuple[str, str]) -> None:
    headers = [("authorization", "Bearer key"), ("content-type", "application/json")]
    headers += [("prefer", line) for line in lines]
    sent = mock.run(mock.client.request("POST", CREATE, content=json.dumps(BODY), headers=headers))
    assert sent.status_code == 402


@pytest.mark.parametrize(
    ("recipes", "expected"),
    [
        ("off", [200, 200, 200]),
        ("header", [402, 200, 200]),
        ("prompt", [200, 402, 200]),
        ("token", [200, 200, 402]),
        ("header,prompt,assigned,token", [402, 402, 402]),
    ],
)
def test_recipes_are_read_from_the_sources_that_are_set(
    start: Callable[..., Mock], recipes: str, expected: list[int]
) -> None:
    mock = start(recipes=recipes)
    answers = [
        mock.post(BODY, headers={"prefer": "mock=402"}),
        mock.post(BODY | {"prompt": "[[402]]"}),
        mock.post(BODY, token="key~402"),
    ]
    assert [answer.status_code for answer in answers] == expected


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON;charset=UTF-8"]
)
def test_parameters_and_case_of_the_content_type_do_not_matter(mock: Mock, content_type: str) -> None:
    assert mock.post(BODY, headers={"content-type": content_type}).status_code == 200


@settings(max_examples=60, deadline=None)
@given(JSON | NEARLY)
@example({**BODY, "duration": 6.5})
@example({**BODY, "image_urls": ["http://[::1]:80/%41?x=[]"]})
def test_any_json_gets_a_task_or_the_documented_400_and_openapi_core_agrees(lasting: Mock, body: Any) -> None:
    raw = json.dumps(body).encode()
    answer = lasting.post(raw)
    headers = (("authorization", "Bearer key"), ("content-type", "application/json"))
    problems = VOICE.request_problems(Exchange("POST", CREATE, headers, raw, 0, (), b""))
    assert (answer.status_code, bool(problems)) in {(200, False), (400, True)}, (answer.text, problems)
    if problems:
        assert shaped(answer)["code"] == "invalid_request"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=40) | st.text(string.printable, max_size=40).map(str.encode))
def test_any_bytes_get_the_documented_400(lasting: Mock, raw: bytes) -> None:
    answer = lasting.post(raw)
    assert answer.status_code == 400
    assert shaped(answer)["type"] == "invalid_request_error"
