from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import httpx2
import pytest
from evolink_check.traffic.trace import Media
from evolink_check.transport.downloads import fetch, media_of
from evolink_mock.media.renderer import render
from evolink_mock.media.spec import MediaSpec
from support.mocks.targets import subject_at, target_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from evolink_check.traffic.trace import Entry

URL = "https://media.example.test/a.mp4?signed=1"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("clips") / "a.mp4"
    render(MediaSpec("video", 2.0, 160, 90, 0), path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("sounds") / "a.mp3"
    render(MediaSpec("audio", 1.0, 0, 0, 0), path)
    return path.read_bytes()


def fetched(*answers: httpx2.Response) -> tuple[Entry, list[httpx2.Request]]:
    asked: list[httpx2.Request] = []
    left = iter(answers)

    def handle(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return next(left)

    with target_of(subject_at("https://api.example.test"), transport=httpx2.MockTransport(handle)) as target:
        entry = fetch(target, URL, "its result")
    assert target.recorder.entries() == (entry,)
    return entry, asked


def test_a_video_is_known_by_its_own_packets(clip: bytes) -> None:
    assert media_of(clip) == Media(pytest.approx(2.0, abs=0.05), 160, 90, "h264")  # type: ignore[arg-type]


def test_a_cut_video_is_as_long_as_what_there_is_of_it(clip: bytes) -> None:
    cut = media_of(clip[: len(clip) * 2 // 3])
    assert (cut.width, cut.height, cut.problem) == (160, 90, "")
    assert 0.1 < cut.seconds < 1.9


@pytest.mark.parametrize("body", [b"", b"no video", b"\0\0\0\x18ftypisom\0\0\0\0" + bytes(200)])
def test_what_is_no_video_says_so(body: bytes) -> None:
    media = media_of(body)
    assert media.problem
    assert (media.seconds, media.width) == (0.0, 0)


def test_a_video_without_one_whole_picture_says_so(clip: bytes) -> None:
    begins = clip.index(b"mdat")
    media = media_of(clip[:begins] + b"mdat" + bytes(len(clip) - begins - 4))
    assert media.problem


def test_sound_has_a_length_and_no_picture(sound: bytes) -> None:
    media = media_of(sound)
    assert (media.problem, media.width, media.height) == ("", 0, 0)
    assert media.seconds > 0


def test_a_result_is_recorded_with_its_media_and_without_its_body(clip: bytes) -> None:
    entry, (asked,) = fetched(httpx2.Response(200, content=clip, headers={"Content-Type": "video/mp4"}))
    assert (entry.size, entry.exchange.response_body, entry.case) == (len(clip), b"", "its result")
    assert entry.media is not None
    assert entry.media.height == 90
    assert ("Content-Type", "video/mp4") in entry.exchange.response_headers
    assert (entry.who, "authorization" in asked.headers, str(asked.url)) == ("nobody", False, URL)


def test_a_refusal_is_kept_as_it_is() -> None:
    entry, _ = fetched(httpx2.Response(410, content=b'{"error":{}}'))
    assert (entry.exchange.status, entry.exchange.response_body, entry.media) == (410, b'{"error":{}}', None)
    assert entry.size is None


def test_a_result_may_be_elsewhere(clip: bytes) -> None:
    there = httpx2.Response(302, headers={"Location": "https://cdn.example.test/b.mp4"})
    entry, asked = fetched(there, httpx2.Response(200, content=clip))
    assert (entry.exchange.url, entry.exchange.status) == (URL, 200)
    assert [one.url.host for one in asked] == ["media.example.test", "cdn.example.test"]


def test_a_file_that_breaks_off_has_a_status_and_a_problem() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"the beginning"
        raise httpx2.ReadError("gone")

    entry, _ = fetched(httpx2.Response(200, content=broken()))
    assert entry.exchange.status == 200
    assert entry.media == Media(problem="ReadError: gone")


def test_a_file_that_is_not_read_to_its_end_because_the_run_is_over_says_nothing_of_the_server() -> None:
    stop = threading.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"the beginning"
        stop.set()
        await asyncio.Event().wait()

    async def late() -> AsyncIterator[bytes]:
        yield b"the beginning"
        stop.set()
        raise httpx2.ReadTimeout("it was short, so near the end")

    for body in (slow(), late()):
        stop.clear()
        answer = httpx2.Response(200, content=body)
        transport = httpx2.MockTransport(lambda _, answer=answer: answer)
        with target_of(subject_at("https://api.example.test"), transport=transport, stop=stop) as target:
            entry = fetch(target, URL)
        assert (entry.exchange.status, entry.media) == (200, None)
        assert "the time of the run was over" in entry.problem


def test_the_host_that_is_not_there_is_named() -> None:
    def handle(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no such name")

    with target_of(subject_at("https://api.example.test"), transport=httpx2.MockTransport(handle)) as target:
        entry = fetch(target, URL)
    assert entry.problem == "no server answers at https://media.example.test/a.mp4: no such name"


def test_a_host_that_is_not_there_is_no_end_of_the_run() -> None:
    def handle(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    with target_of(subject_at("https://api.example.test"), transport=httpx2.MockTransport(handle)) as target:
        entry = fetch(target, URL)
        assert target.gone == ""
    assert (entry.exchange.status, "refused" in entry.problem) == (0, True)
