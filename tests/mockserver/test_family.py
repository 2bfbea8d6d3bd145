"""Every document of the family is played as it says: its errors, answers, results, names and prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from evolink_mock.domain.units import Speed
from evolink_mock.media import renderer
from evolink_mock.recipes.effects import CANCELLED
from evolink_spec import load
from support.mocks.in_process import playing
from support.records import family_documents as family

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2
    from evolink_mock.media.spec import MediaSpec
    from support.mocks.in_process import Mock

RENDER = renderer.render
SPEED = Speed(5.0, 5.0)
PAGES = family.creations()
MODELS = [
    (name, model)
    for name, page in PAGES.items()
    if not name.endswith("overview")
    for model in family.models_of(page)
]
PAGE_OF = {model: name for name, model in MODELS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return family.save(tmp_path_factory.mktemp("family"), {**PAGES, "get-task-detail": family.query()})


@pytest.fixture(scope="module")
def mock(folder: Path) -> Iterator[Mock]:
    """One mock of all documents, whose videos are not rendered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(renderer, "render", _render_no_video)
        with playing(load(folder, with_built_in=True), duration=SPEED) as mock:
            yield mock


def _render_no_video(spec: MediaSpec, path: Path, **more: Any) -> None:
    if spec.medium == "video":
        path.write_bytes(b"a video")
    else:
        RENDER(spec, path, **more)


def asked(mock: Mock, method: str, path: str, token: str | None = "key", **more: Any) -> httpx2.Response:
    """Without the check by openapi-core, which knows only the built-in document."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return mock.run(mock.client.request(method, path, headers=headers | more.pop("headers", {}), **more))


def made(mock: Mock, model: str, **fields: Any) -> httpx2.Response:
    page = PAGES[PAGE_OF[model]]
    headers = fields.pop("headers", {})
    body = family.request_of(page, model) | fields
    return asked(mock, "POST", next(iter(page["paths"])), json=body, headers=headers)


def ended(mock: Mock, model: str, **fields: Any) -> dict[str, Any]:
    """The task at its end."""
    answer = made(mock, model, **fields)
    assert answer.status_code == 200, answer.text
    mock.clock.advance(10)
    body: dict[str, Any] = asked(mock, "GET", f"/v1/tasks/{answer.json()['id']}").json()
    return body


def answer_schema(page: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    schemas = page["components"]["schemas"]
    name = next(name for name in schemas if name.endswith("Response") and name != "ErrorResponse")
    return jsonschema_rs.Draft202012Validator({**schemas[name], "components": {"schemas": schemas}})


@pytest.mark.parametrize(("name", "model"), MODELS)
def test_every_model_is_played_to_its_end_as_its_document_says(mock: Mock, name: str, model: str) -> None:
    page, schema = PAGES[name], answer_schema(PAGES[name])
    answer = made(mock, model)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    schema.validate(body)
    documented = next(
        schema for key, schema in page["components"]["schemas"].items() if key.endswith("GenerationResponse")
    )["properties"]
    assert body.keys() - documented.keys() <= {"progress"}
    assert documented.keys() - body.keys() <= {"result_data"}
    assert body.get("task_info", {}).keys() == documented.get("task_info", {}).get("properties", {}).keys()
    mock.clock.advance(10)
    body = asked(mock, "GET", f"/v1/tasks/{body['id']}").json()
    schema.validate(body)
    answer_schema(family.query()).validate({key: body[key] for key in body if key != "result_data"})
    assert (body["status"], body["model"]) == ("completed", model)


def test_each_document_answers_with_its_own_errors(mock: Mock) -> None:
    code = {"prefer": "code=429"}
    assert made(mock, "remix-1", headers=code).json()["error"]["code"] == 429
    assert made(mock, "reel-1", headers=code).json()["error"]["code"] == "rate_limit_exceeded"
    assert made(mock, "many-1", headers={"prefer": "code=413"}).status_code == 413
    assert made(mock, "reel-1", headers={"prefer": "code=413"}).status_code == 200
    assert made(mock, "tune-persona", headers={"prefer": "code=403"}).status_code == 200


def test_a_request_whose_document_is_unknown_gets_what_most_documents_say(mock: Mock) -> None:
    answer = asked(mock, "POST", "/v1/videos/generations", None, json={"model": "remix-1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    answer = asked(mock, "POST", "/v1/videos/generations", json={"prompt": "A cat"})
    assert answer.json()["error"]["message"].endswith("model: is required")


def test_an_unknown_model_is_refused_with_the_nearest_names(mock: Mock) -> None:
    answer = asked(mock, "POST", "/v1/videos/generations", json={"model": "studio-3", "prompt": "A cat"})
    message = answer.json()["error"]["message"]
    assert "studio-2" in message.rpartition("nearest are")[2]
    assert "horse" not in message


@pytest.mark.parametrize(
    ("model", "older", "current"),
    [
        ("reel-beta", "reel", "reel-beta"),
        ("tune-4-beta", "tune-4", "tune-4-beta"),
        ("banana-pro-beta", "banana-2-lite", "banana-pro-beta"),
    ],
)
def test_an_older_name_is_served_as_the_current_one(mock: Mock, model: str, older: str, current: str) -> None:
    body = family.request_of(PAGES[PAGE_OF[model]], older)
    answer = asked(mock, "POST", next(iter(PAGES[PAGE_OF[model]]["paths"])), json=body)
    assert (answer.status_code, answer.json()["model"]) == (200, current)


@pytest.mark.parametrize(
    ("model", "fields", "links"),
    [
        ("reel-1", {}, [".mp4"]),
        ("container-1", {"format": "mov"}, [".mov"]),
        ("container-1", {"format": "webm"}, [".webm"]),
        ("seed-5", {"output_format": "jpeg"}, [".jpeg"]),
        ("seed-audio", {"format": "ogg_opus"}, [".ogg"]),
        ("voice-1", {}, [".wav"]),
        ("clips-1", {"n": 3}, [".mp4", "-2.mp4", "-3.mp4"]),
        ("journey-8", {}, [".png", "-2.png", "-3.png", "-4.png"]),
        ("tune-5-beta", {}, [".mp3", "-2.mp3"]),
        ("element-1", {}, None),
        ("tune-persona", {}, None),
    ],
)
def test_the_results_are_as_many_and_of_the_format_as_asked(
    mock: Mock, model: str, fields: dict[str, Any], links: list[str] | None
) -> None:
    body = ended(mock, model, **fields)
    prefix = f"http://mock.test/media/{body['id']}"
    assert body.get("results") == (None if links is None else [prefix + link for link in links])


@pytest.mark.parametrize(
    ("model", "fields", "kind"),
    [
        ("seed-5", {"output_format": "webp", "size": "64x64"}, "image/webp"),
        ("seed-audio", {"format": "wav", "duration": 1}, "audio/wav"),
        ("container-1", {"format": "mov"}, "video/quicktime"),
    ],
)
def test_a_link_gives_the_file_with_its_content_type(
    mock: Mock, model: str, fields: dict[str, Any], kind: str
) -> None:
    (link,) = ended(mock, model, **fields)["results"]
    answer = mock.run(mock.client.get(link))
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.content


def test_result_data_is_given_where_a_document_describes_or_mentions_it(mock: Mock) -> None:
    assert ended(mock, "character-1")["result_data"] == {"character_id": "ch_1", "name": "Cat"}
    layers = ended(mock, "layers-1", n=3)
    assert [entry["z_index"] for entry in layers["result_data"]] == [0, 1, 2]
    assert [entry["image_url"] for entry in layers["result_data"]] == layers["results"]
    assert "result_data" not in ended(mock, "reel-1")


def test_links_live_as_long_as_the_document_says(mock: Mock) -> None:
    link = ended(mock, "seed-5")["results"][0]
    long = ended(mock, "journey-8")["results"][0]
    mock.clock.advance(25 * 3600)
    assert [mock.run(mock.client.get(url)).status_code for url in (link, long)] == [410, 200]


def test_a_task_that_can_never_be_cancelled_says_so(mock: Mock) -> None:
    assert made(mock, "hail-3").json()["task_info"]["can_cancel"] is False
    assert made(mock, "reel-1").json()["task_info"] == {
        "can_cancel": True,
        "estimated_time": 5,
        "video_duration": 5,
    }


def test_a_cancelled_task_has_the_status_of_its_document(mock: Mock) -> None:
    body = ended(mock, "horse-1", headers={"prefer": "mock=cancel"})
    assert (body["status"], "error" in body, "results" in body) == ("cancelled", False, False)
    body = ended(mock, "reel-1", headers={"prefer": "mock=cancel"})
    assert (body["status"], body["error"]["code"]) == ("failed", CANCELLED)


def test_a_code_that_no_document_lists_can_be_the_reason_of_a_failure(mock: Mock) -> None:
    code = "InvalidParameter.TaskTypeConstraint"
    assert ended(mock, "wan-3", headers={"prefer": f'mock="fail={code}"'})["error"]["code"] == code


def test_prices_are_those_of_the_request_and_settled_at_the_end(mock: Mock) -> None:
    def left() -> float:
        credits_left: float = asked(mock, "GET", "/v1/credits").json()["data"]["user"]["remaining_credits"]
        return credits_left

    before = left()
    assert made(mock, "qwen-3", n=4).json()["usage"]["credits_reserved"] == 10
    assert left() == before - 10
    assert (
        made(mock, "wan-3", duration=-1).json()["usage"]["credits_reserved"] == 300
    )  # 50 for 5 s, 30 s held
    assert left() == before - 310
    mock.clock.advance(10)
    assert left() == before - 10 - 60  # 6 s were made


def test_any_model_is_played_if_that_is_wanted(folder: Path) -> None:
    with playing(load(folder), any_model=True) as mock:
        answer = asked(
            mock, "POST", "/v1/images/generations", json={"model": "qwen-4", "prompt": "A cat", "n": 2}
        )
        assert (answer.status_code, answer.json()["model"]) == (200, "qwen-4")
        assert 'no document describes the model "qwen-4"; it is served as qwen-3' in mock.logged()


def test_the_control_api_shows_every_document(mock: Mock) -> None:
    documents = asked(mock, "GET", "/__mock__/spec").json()["documents"]
    served = {
        operation.source for by_model in mock.service.spec.creates.values() for operation in by_model.values()
    }
    assert served <= documents.keys()
    assert all(document["openapi"] == "3.1.0" for document in documents.values())
