"""Result links: real files for whoever has the link, for a day."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import av
import pytest
from support.mocks.in_process import BODY, Mock, playing, shaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAY = 86_400.0


@pytest.fixture(scope="module")
def world() -> Iterator[Mock]:
    """One mock for the tests that only look."""
    with playing() as mock:
        yield mock


@pytest.fixture(scope="module")
def link(world: Mock) -> str:
    return completed(world)


def completed(mock: Mock, **fields: Any) -> str:
    """The link to the result of a task that has just been completed."""
    task = mock.create(**fields)
    mock.clock.advance(5)
    results: list[str] = mock.query(task)["results"]
    assert len(results) == 1
    return results[0]


def fetch(mock: Mock, link: str, method: str = "GET", **headers: str) -> Any:
    return mock.ask(
        method, link, token=None, headers={name.replace("_", "-"): headers[name] for name in headers}
    )


@pytest.mark.parametrize(
    ("fields", "seconds", "height"),
    [({}, 6, 480), ({"duration": 10, "quality": "720p"}, 10, 720)],
    ids=["default", "720p"],
)
def test_a_result_is_an_h264_mp4_of_the_requested_duration_and_height(
    world: Mock, fields: dict[str, Any], seconds: int, height: int
) -> None:
    answer = fetch(world, completed(world, **fields))
    with av.open(io.BytesIO(answer.content), "r") as file:
        stream = file.streams.video[0]
        frames = [frame.height for frame in file.decode(stream)]
        assert stream.average_rate is not None
        assert len(frames) / stream.average_rate == seconds
        assert (file.format.name.split(",")[1], stream.codec_context.name) == ("mp4", "h264")
        assert file.duration == pytest.approx(seconds * 1_000_000, rel=0.01)
    assert set(frames) == {height}


def test_a_result_is_served_whole_with_its_type_and_length_and_needs_no_token(world: Mock, link: str) -> None:
    answer = fetch(world, link)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "video/mp4"
    assert int(answer.headers["content-length"]) == len(answer.content) > 1000
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("token", ["key", "other", "nonsense"])
def test_a_result_can_be_downloaded_with_any_token(world: Mock, link: str, token: str) -> None:
    assert world.get(link, token=token).status_code == 200


def test_head_returns_the_same_headers_without_the_file(world: Mock, link: str) -> None:
    head, get = fetch(world, link, "HEAD"), fetch(world, link)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == get.headers


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [("bytes=0-0", 0, 1), ("bytes=10-19", 10, 20), ("bytes=-5", -5, None), ("bytes=7-", 7, None)],
)
def test_a_range_is_that_part_of_the_file(
    world: Mock, link: str, wanted: str, first: int, last: int | None
) -> None:
    whole, part = fetch(world, link).content, fetch(world, link, range=wanted)
    assert part.status_code == 206
    assert part.content == whole[first:last]
    begin = first % len(whole)
    assert part.headers["content-range"] == f"bytes {begin}-{begin + len(part.content) - 1}/{len(whole)}"


@pytest.mark.parametrize("wanted", ["bytes=99999999-", "bytes=99999999-999999999"])
def test_a_range_beyond_the_end_is_416_in_the_documented_shape(world: Mock, link: str, wanted: str) -> None:
    answer = fetch(world, link, range=wanted)
    assert answer.status_code == 416
    assert shaped(answer)["code"] == "range_not_satisfiable"
    size = len(fetch(world, link).content)
    assert answer.headers["content-range"] == f"bytes */{size}"


@pytest.mark.parametrize(
    "wanted",
    [
        *("bytes=5-1", "bytes=a-b", "bytes=", "lines=1-2", "bytes", "", "bytes=--5", "bytes=0-1,5-1"),
        *("items=0-3", "bytes 0-3", "bytes=1", "bytes=0-" + "9" * 5000, "bytes=,"),
    ],
)
def test_a_range_that_cannot_be_understood_is_ignored(world: Mock, link: str, wanted: str) -> None:
    answer = fetch(world, link, range=wanted)
    assert answer.status_code == 200
    assert answer.content == fetch(world, link).content


def test_the_case_of_the_range_unit_does_not_matter(world: Mock, link: str) -> None:
    assert fetch(world, link, range="Bytes=0-3").status_code == 206


def test_two_range_lines_are_ignored(world: Mock, link: str) -> None:
    headers = [("range", "bytes=0-1"), ("range", "bytes=0-3")]
    assert world.run(world.client.get(link, headers=headers)).status_code == 200


def test_ranges_without_an_overlap_are_parts_of_one_response(world: Mock, link: str) -> None:
    answer = fetch(world, link, range="bytes=0-1, 10-11,")
    assert answer.status_code == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges")


def test_if_range_with_the_etag_gets_the_range_and_otherwise_the_file(world: Mock, link: str) -> None:
    etag = fetch(world, link).headers["etag"]
    part = fetch(world, link, range="bytes=0-3", if_range=etag)
    stale = fetch(world, link, range="bytes=0-3", if_range='"another"')
    assert (part.status_code, stale.status_code) == (206, 200)


def test_before_completion_there_is_no_result(mock: Mock) -> None:
    task = mock.create()
    url = f"/media/{task['id']}.mp4"
    for wait in (0, 4.9):
        mock.clock.advance(wait)
        answer = mock.get(url, token=None)
        assert answer.status_code == 404
        shaped(answer)


def test_a_failed_task_has_no_result(mock: Mock) -> None:
    task = mock.post(BODY, headers={"prefer": "mock=fail=service_error"}).json()
    mock.clock.advance(60)
    assert mock.get(f"/media/{task['id']}.mp4", token=None).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        (".mp4", ".png"),
        (".mp4", ""),
        (".mp4", ".mp4.mp4"),
        (".mp4", ".MP4"),
        ("1757", "1758"),
        ("task-", "../task-"),
    ],
)
def test_any_other_name_is_404_in_the_documented_shape(
    world: Mock, link: str, change: tuple[str, str]
) -> None:
    answer = fetch(world, link.replace(*change))
    assert answer.status_code == 404
    shaped(answer)


@pytest.mark.parametrize("name", ["..%2f..%2fetc%2fpasswd", "%2e%2e", "a%00.mp4", "%0a.mp4", ".mp4"])
def test_no_name_leads_out_of_the_results(world: Mock, name: str) -> None:
    answer = fetch(world, f"/media/{name}")
    assert answer.status_code == 404
    shaped(answer)


def test_a_link_lives_24_hours_from_completion_and_is_gone_then(mock: Mock) -> None:
    task = mock.create()
    mock.clock.advance(5)
    link = mock.query(task)["results"][0]
    mock.clock.advance(DAY - 0.001)
    assert fetch(mock, link).status_code == 200
    mock.clock.advance(0.002)
    for method in ("GET", "HEAD"):
        assert fetch(mock, link, method).status_code == 410
    assert shaped(fetch(mock, link))["code"] == "link_expired"
    assert mock.query(task)["results"] == [link], "the answer stays the same for ever"


def test_a_client_that_leaves_does_not_disturb_the_next(start: Callable[..., Mock]) -> None:
    mock = start()
    link = completed(mock)

    async def impatient() -> None:
        hurried = asyncio.create_task(mock.asks("GET", link))
        await asyncio.sleep(0)
        hurried.cancel()
        await asyncio.gather(hurried, return_exceptions=True)

    mock.run(impatient())
    assert fetch(mock, link).status_code == 200


def test_a_result_that_cannot_be_rendered_is_an_error_without_a_traceback(
    mock: Mock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none_usable(**_: str) -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    task = mock.create()
    mock.clock.advance(60)
    monkeypatch.setattr("tempfile.mkdtemp", none_usable)
    answer = mock.get(f"/media/{task['id']}.mp4")
    assert (answer.status_code, shaped(answer)["code"]) == (500, "internal_error")
    assert "No usable temporary directory" in mock.noted[-1].notes[-1]
    assert caplog.records == []
