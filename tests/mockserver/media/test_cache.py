"""Files on demand: made once, off the loop, and gone when they should be."""

from __future__ import annotations

import asyncio
import gc
import stat
import threading
from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.media import renderer
from evolink_mock.media.cache import MediaCache, file_name
from evolink_mock.media.spec import MediaSpec, media_spec_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from evolink_spec.models import Medium

A, B, C = (MediaSpec("video", 6.0, 854, 480, hue) for hue in range(3))
PATIENCE = 10  # seconds until a test that hangs fails instead


class Painter:
    """A rendering that waits until it is let go, and notes what it was asked for and where."""

    def __init__(self, *, free: bool = True, fail: int = 0) -> None:
        self.begun = threading.Event()
        self.free = threading.Event()
        self.requested: list[MediaSpec] = []
        self.threads: set[int] = set()
        self._failures = fail
        if free:
            self.free.set()

    def __call__(self, spec: MediaSpec, path: Path) -> None:
        self.requested.append(spec)
        self.threads.add(threading.get_ident())
        self.begun.set()
        if not self.free.wait(PATIENCE):
            raise TimeoutError("nobody let the rendering go")
        if len(self.requested) <= self._failures:
            raise OSError("the disk is full")
        path.write_bytes(file_name(spec).encode())


def play(media_cache: MediaCache, scene: Coroutine[Any, Any, None]) -> None:
    """Run a scene, close the media_cache, and fail on anything the loop had to complain of."""
    complaints: list[dict[str, Any]] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
        try:
            await asyncio.wait_for(scene, PATIENCE)
        finally:
            media_cache.close()
        await asyncio.sleep(0)
        gc.collect()

    asyncio.run(watched())
    assert complaints == []


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, PATIENCE)


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_the_first_demand_renders_and_the_second_finds_the_file(tmp_path: Path) -> None:
    painter = Painter()
    media_cache = MediaCache(tmp_path / "new" / "place", render=painter)

    async def scene() -> None:
        first = await media_cache.file(A)
        assert first == tmp_path / "new" / "place" / "video-854x480-6s-0.mp4"
        assert first.read_bytes() == b"video-854x480-6s-0.mp4"
        assert await media_cache.file(A) == first

    play(media_cache, scene())
    assert painter.requested == [A]


def test_the_loop_keeps_turning_while_a_file_is_rendered(tmp_path: Path) -> None:
    painter = Painter(free=False)
    media_cache = MediaCache(tmp_path, render=painter)

    async def scene() -> None:
        wanted = asyncio.create_task(media_cache.file(A))
        await until(painter.begun)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not wanted.done()
        painter.free.set()
        await wanted

    play(media_cache, scene())
    assert threading.get_ident() not in painter.threads


def test_all_who_ask_meanwhile_share_one_rendering(tmp_path: Path) -> None:
    painter = Painter(free=False)
    media_cache = MediaCache(tmp_path, render=painter)

    async def scene() -> None:
        wanted = [asyncio.create_task(media_cache.file(A)) for _ in range(20)]
        await until(painter.begun)
        wanted.append(asyncio.create_task(media_cache.file(A)))
        await asyncio.sleep(0)
        painter.free.set()
        assert set(await asyncio.gather(*wanted)) == {tmp_path / file_name(A)}

    play(media_cache, scene())
    assert painter.requested == [A]


def test_a_failure_is_raised_to_all_and_the_next_demand_tries_anew(tmp_path: Path) -> None:
    painter = Painter(free=False, fail=1)
    media_cache = MediaCache(tmp_path, render=painter)

    async def scene() -> None:
        wanted = [asyncio.create_task(media_cache.file(A)) for _ in range(3)]
        await until(painter.begun)
        painter.free.set()
        ends = await asyncio.gather(*wanted, return_exceptions=True)
        assert [str(end) for end in ends] == ["the disk is full"] * 3
        assert (await media_cache.file(A)).exists()

    play(media_cache, scene())
    assert painter.requested == [A, A]


def test_one_who_leaves_does_not_stop_the_rendering_for_the_others(tmp_path: Path) -> None:
    painter = Painter(free=False)
    media_cache = MediaCache(tmp_path, render=painter)

    async def scene() -> None:
        leaver, stayer = (asyncio.create_task(media_cache.file(A)) for _ in range(2))
        await until(painter.begun)
        leaver.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaver
        painter.free.set()
        assert (await stayer).exists()

    play(media_cache, scene())
    assert painter.requested == [A]


def test_a_rendering_in_the_queue_survives_who_asked_for_it_first(tmp_path: Path) -> None:
    painter = Painter(free=False)
    media_cache = MediaCache(tmp_path, render=painter)

    async def scene() -> None:
        busy, leaver, stayer = (asyncio.create_task(media_cache.file(spec)) for spec in (A, B, B))
        await until(painter.begun)
        leaver.cancel()
        await asyncio.wait((leaver,))
        painter.free.set()
        assert {(await busy).exists(), (await stayer).exists()} == {True}

    play(media_cache, scene())
    assert painter.requested == [A, B]


def test_a_failure_that_nobody_waits_for_any_more_is_no_complaint(tmp_path: Path) -> None:
    painter = Painter(free=False, fail=1)
    media_cache = MediaCache(tmp_path, render=painter)

    async def scene() -> None:
        leaver = asyncio.create_task(media_cache.file(A))
        await until(painter.begun)
        leaver.cancel()
        await asyncio.wait((leaver,))
        painter.free.set()

    play(media_cache, scene())


def test_only_the_last_used_files_stay(tmp_path: Path) -> None:
    painter = Painter()
    media_cache = MediaCache(tmp_path, render=painter, limit=2)

    async def scene() -> None:
        for spec in (A, B, A, C):
            await media_cache.file(spec)
        assert names(tmp_path) == {file_name(A), file_name(C)}
        assert (await media_cache.file(B)).exists()

    play(media_cache, scene())
    assert painter.requested == [A, B, C, B]


def test_a_file_that_is_dropped_can_be_read_to_its_end_by_who_has_it_open(tmp_path: Path) -> None:
    media_cache = MediaCache(tmp_path, render=Painter(), limit=1)

    async def scene() -> None:
        with (await media_cache.file(A)).open("rb") as download:
            await media_cache.file(B)
            assert not (tmp_path / file_name(A)).exists()
            assert download.read() == b"video-854x480-6s-0.mp4"

    play(media_cache, scene())


def test_a_file_that_somebody_removed_is_made_again(tmp_path: Path) -> None:
    media_cache = MediaCache(tmp_path, render=Painter())

    async def scene() -> None:
        (await media_cache.file(A)).unlink()
        assert (await media_cache.file(A)).exists()

    play(media_cache, scene())


def test_a_given_directory_is_served_from_and_outlives_the_cache(tmp_path: Path) -> None:
    painter = Painter()
    (tmp_path / file_name(A)).write_bytes(b"of an earlier run")
    media_cache = MediaCache(tmp_path, render=painter)

    async def scene() -> None:
        assert (await media_cache.file(A)).read_bytes() == b"of an earlier run"

    play(media_cache, scene())
    assert painter.requested == []
    assert names(tmp_path) == {file_name(A)}


def test_the_private_directory_is_made_late_belongs_to_nobody_else_and_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    media_cache = MediaCache(render=Painter())

    async def scene() -> None:
        assert names(tmp_path) == set()
        private = (await media_cache.file(A)).parent
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        assert (await media_cache.file(B)).parent == private
        media_cache.close()

    play(media_cache, scene())
    assert names(tmp_path) == set()


def test_a_closed_cache_says_so(tmp_path: Path) -> None:
    media_cache = MediaCache(tmp_path, render=Painter())

    async def scene() -> None:
        media_cache.close()
        with pytest.raises(RuntimeError, match="closed"):
            await media_cache.file(A)

    play(media_cache, scene())


def test_closing_finishes_the_rendering_under_way_and_tells_who_still_waits(tmp_path: Path) -> None:
    painter = Painter(free=False)
    media_cache = MediaCache(tmp_path, render=painter)

    async def scene() -> None:
        first, queued = (asyncio.create_task(media_cache.file(spec)) for spec in (A, B))
        await until(painter.begun)
        closing = asyncio.create_task(asyncio.to_thread(media_cache.close))
        with pytest.raises(RuntimeError, match="closed before"):
            await queued
        assert not closing.done()
        painter.free.set()
        await closing
        assert (await first).exists()

    play(media_cache, scene())
    assert painter.requested == [A]


def test_closing_cancels_a_real_rendering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    media_cache, begun = MediaCache(tmp_path), threading.Event()
    check = renderer._check_cancelled  # noqa: SLF001  (called before each frame)

    def note(is_cancelled: Callable[[], bool]) -> None:
        begun.set()
        check(is_cancelled)

    monkeypatch.setattr(renderer, "_check_cancelled", note)

    async def scene() -> None:
        long = asyncio.create_task(media_cache.file(MediaSpec("video", 60.0, 1920, 1080, 0)))
        await until(begun)
        media_cache.close()  # a minute of this takes longer than the test may
        with pytest.raises(RuntimeError, match="closed before"):
            await long
        assert names(tmp_path) == set()

    play(media_cache, scene())


def test_a_loop_that_ended_in_the_middle_does_not_hold_up_the_next(tmp_path: Path) -> None:
    painter = Painter(free=False)
    media_cache = MediaCache(tmp_path, render=painter)

    async def leave() -> None:
        wanted = asyncio.create_task(media_cache.file(A))
        await until(painter.begun)
        wanted.cancel()

    async def come() -> None:
        painter.free.set()
        assert (await media_cache.file(A)).exists()

    asyncio.run(leave())
    play(media_cache, come())
    assert painter.requested == [A]


def test_different_looks_have_different_names() -> None:
    bodies: list[dict[str, Any]] = [{}, {"duration": 6.5}, {"quality": "720p"}, {"aspect_ratio": "9:16"}]
    media: tuple[Medium, ...] = ("video", "image", "audio")
    specs = {media_spec_of(body, medium, hue) for body in bodies for medium in media for hue in (0, 5)}
    file_names = set(map(file_name, specs))
    assert len(file_names) == len(specs)
    assert {"video-480x854-6s-5.mp4", "image-1280x720-0.png", "audio-6.5s-5.mp3"} <= file_names


def test_the_files_are_real_unless_told_otherwise() -> None:
    media_cache = MediaCache()

    async def scene() -> None:
        assert (await media_cache.file(MediaSpec("video", 0.125, 96, 64, 0))).read_bytes()[4:8] == b"ftyp"

    play(media_cache, scene())


def test_a_folder_that_cannot_be_written_is_a_problem_that_is_known_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MediaCache().problem() is None
    assert MediaCache(tmp_path / "new").problem() is None
    (tmp_path / "file").touch()
    assert "no folder for result files: Not a directory" in str(MediaCache(tmp_path / "file" / "x").problem())

    def none_usable() -> str:
        raise FileNotFoundError(2, "No usable temporary directory file_names")

    monkeypatch.setattr("tempfile.gettempdir", none_usable)
    assert "No usable temporary directory file_names; set TMPDIR" in str(MediaCache().problem())
