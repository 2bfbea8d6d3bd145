"""Keeps the result files: each is made when it is first asked for, off the event loop, once."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

from evolink_mock.media.renderer import render
from evolink_mock.media.spec import MediaSpec, suffix

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future


class MediaCache:
    """The files of all looks, in `directory`, or in a private one that `close` removes.

    A given directory is the media_cache's own: a file already there under a look's name is served as it
    is, and of the files served only the `limit` last used stay on disk. Belongs to one thread.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        render: Callable[[MediaSpec, Path], None] = render,
        limit: int = 64,
    ) -> None:
        self._given = directory
        self._render = render
        self._limit = limit
        self._directory: Path | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._jobs: dict[Path, Future[None]] = {}
        self._used: dict[Path, None] = {}  # the last used one last
        self._closed = False

    async def file(self, look: MediaSpec) -> Path:
        """Return the complete file of `look`, rendering it first when it is not there.

        Whoever asks while it is being rendered waits for the same rendering, whose failure is
        raised to all of them; the next to ask starts anew. The file stays at least until `limit`
        other looks have been asked for. RuntimeError once the media_cache is closed.
        """
        path = self._place(look)
        job = self._jobs.get(path)  # before the file is looked for: a job is forgotten once its file is there
        if job is None and not _exists(path):
            job = self._begin(look, path)
        if job is not None:
            await _end_of(job)
        self._keep(path)
        return path

    def close(self) -> None:
        """Wait for the rendering under way, drop those that have not begun, remove the private files."""
        self._closed = True
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        if self._directory is not None and self._given is None:
            rmtree(self._directory, ignore_errors=True)

    def _place(self, look: MediaSpec) -> Path:
        if self._closed:
            raise RuntimeError("the media_cache is closed")
        if self._directory is None:
            self._directory = _made_directory(self._given)
        return self._directory / file_name(look)

    def _begin(self, look: MediaSpec, path: Path) -> Future[None]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="media_cache")
        job = self._jobs[path] = self._pool.submit(self._render, look, path)
        job.add_done_callback(lambda _: self._jobs.pop(path))  # before any waiter can hear of it
        return job

    def _keep(self, path: Path) -> None:
        self._used.pop(path, None)
        self._used[path] = None
        while len(self._used) > self._limit:
            oldest = next(iter(self._used))
            del self._used[oldest]
            with suppress(OSError):  # where an open file cannot be removed, it stays
                oldest.unlink(missing_ok=True)


def file_name(look: MediaSpec) -> str:
    """Name the file of a look, as in `video-854x480-6s-3.mp4`: different looks, different names."""
    size = f"{look.width}x{look.height}" if look.height else ""
    seconds = f"{look.seconds:g}s" if look.seconds else ""
    parts = (look.medium, size, seconds, str(look.hue))
    return "-".join(filter(None, parts)) + suffix(look.medium)


def _made_directory(given: Path | None) -> Path:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        return given
    from tempfile import mkdtemp

    return Path(mkdtemp(prefix="evolink-mock-"))


def _exists(path: Path) -> bool:
    return path.is_file()


async def _end_of(job: Future[None]) -> None:
    """Wait for a job; raises what it raised, RuntimeError when it was dropped."""
    # Each waiter has a future of its own and only watches it: asyncio.wait cancels nothing, so a
    # client that hangs up leaves the rendering to the others.
    mine = asyncio.wrap_future(job)
    mine.add_done_callback(_look_at)
    await asyncio.wait((mine,))
    if mine.cancelled():
        raise RuntimeError("the media_cache closed before the file was made")
    mine.result()


def _look_at(future: asyncio.Future[None]) -> None:
    """Count a failure as seen, also when who waited for it has gone."""
    if not future.cancelled():
        future.exception()
