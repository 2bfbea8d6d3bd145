"""The file API: a file that was uploaded has a link that serves it, for 72 hours."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.service.uploads import MOST_FILES
from support.mocks.in_process import BODY, playing

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2
    from support.mocks.in_process import Mock

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) + b"\r\n--x\r\n"
DATA_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with playing() as mock:
        yield mock


def ask(mock: Mock, method: str, path: str, token: str | None = "key", **more: Any) -> httpx2.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return mock.run(mock.client.request(method, f"/api/v1/files{path}", headers=headers, **more))


def uploaded(mock: Mock, token: str = "key", **fields: Any) -> dict[str, Any]:
    answer = ask(mock, "POST", "/upload/base64", token, json={"base64_data": DATA_URL} | fields)
    assert (answer.status_code, answer.json()["success"]) == (200, True), answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


@pytest.mark.parametrize("text", [DATA_URL, base64.b64encode(PNG).decode()], ids=["data URL", "plain"])
def test_a_file_in_base64_has_a_link_that_serves_it(mock: Mock, text: str) -> None:
    data = uploaded(mock, base64_data=text, file_name="cat.png", upload_path="pets")
    assert (data["file_name"], data["mime_type"], data["file_size"], data["upload_path"]) == (
        "cat.png",
        "image/png",
        len(PNG),
        "pets",
    )
    for url in (data["file_url"], data["download_url"]):
        answer = mock.run(mock.client.get(url))
        assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "image/png", PNG)


def test_a_link_can_be_used_as_the_image_of_a_task(mock: Mock) -> None:
    assert mock.create(image_urls=[uploaded(mock)["file_url"]])["status"] == "pending"


def test_a_file_of_a_form_is_kept_byte_for_byte(mock: Mock) -> None:
    files = {"file": ("dog.png", PNG, "image/png")}
    answer = ask(mock, "POST", "/upload/stream", files=files, data={"uploadPath": "pets"})
    data = answer.json()["data"]
    assert (data["file_name"], data["upload_path"]) == ("dog.png", "pets")
    assert mock.run(mock.client.get(data["file_url"])).content == PNG


def test_a_file_by_its_address_is_copied_if_it_is_here_and_else_drawn(mock: Mock) -> None:
    known = uploaded(mock)["file_url"]
    data = ask(mock, "POST", "/upload/url", json={"file_url": known}).json()["data"]
    assert mock.run(mock.client.get(data["file_url"])).content == PNG
    data = ask(mock, "POST", "/upload/url", json={"file_url": "https://example.com/a.jpg"}).json()["data"]
    assert (data["file_name"], data["mime_type"]) == ("a.jpg", "image/jpeg")


@pytest.mark.parametrize(
    ("way", "more", "status"),
    [
        ("base64", {"json": {}}, 400),
        ("base64", {"json": {"base64_data": "%%%"}}, 400),
        ("base64", {"content": b"["}, 400),
        ("base64", {"json": {"base64_data": base64.b64encode(b"MZ").decode()}}, 400),
        ("base64", {"json": {"base64_data": "data:audio/x\r\nset-cookie: a,AAAA"}}, 400),
        ("stream", {"json": {}}, 400),
        ("stream", {"files": {"other": ("a.png", PNG)}}, 400),
        ("url", {"json": {"file_url": "ftp://example.com/a"}}, 400),
    ],
)
def test_what_is_no_file_is_refused_with_the_reason(
    mock: Mock, way: str, more: dict[str, Any], status: int
) -> None:
    answer = ask(mock, "POST", f"/upload/{way}", **more)
    body = answer.json()
    assert (answer.status_code, body["success"], body["code"], body["error"]["code"]) == (
        status,
        False,
        400,
        400,
    )
    assert body["msg"] == body["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/upload/base64"), ("GET", "/quota"), ("GET", "/list")]
)
def test_a_key_is_needed(mock: Mock, method: str, path: str) -> None:
    assert ask(mock, method, path, None).status_code == 401


def test_an_account_sees_and_removes_its_own_files_only(mock: Mock) -> None:
    data = uploaded(mock, "one")
    assert ask(mock, "DELETE", f"/{data['file_id']}", "two").status_code == 404
    assert [file["file_id"] for file in ask(mock, "GET", "/list", "one").json()["data"]["files"]] == [
        data["file_id"]
    ]
    assert ask(mock, "DELETE", f"/{data['file_id']}", "one").status_code == 200
    assert mock.run(mock.client.get(data["file_url"])).status_code == 404


def test_the_quota_is_counted_and_kept(mock: Mock) -> None:
    for _ in range(MOST_FILES):
        uploaded(mock, "full")
    assert ask(mock, "GET", "/quota", "full").json()["data"] == {"total": 100, "used": 100, "remaining": 0}
    answer = ask(mock, "POST", "/upload/base64", "full", json={"base64_data": DATA_URL})
    assert (answer.status_code, answer.json()["success"]) == (403, False)


def test_a_file_expires_after_72_hours() -> None:
    with playing() as mock:
        url = uploaded(mock)["file_url"]
        statuses = []
        for seconds in (72 * 3600 - 1, 1):
            mock.clock.advance(seconds)
            statuses.append(mock.run(mock.client.get(url)).status_code)
        assert statuses == [200, 404]


def test_the_models_are_listed_for_a_key(mock: Mock) -> None:
    answer = mock.run(mock.client.get("/v1/models", headers={"authorization": "Bearer key"}))
    assert [model["id"] for model in answer.json()["data"]] == [BODY["model"]]
    assert mock.run(mock.client.get("/v1/models")).status_code == 401


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
def test_every_error_of_the_credits_is_reached_with_an_integer_code(mock: Mock, status: int) -> None:
    headers = {"authorization": "Bearer key", "prefer": f"code={status}"}
    answer = mock.run(mock.client.get("/v1/credits", headers=headers))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, status)
