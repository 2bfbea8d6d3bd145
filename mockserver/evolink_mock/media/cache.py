"""The cache of result files. A thread renders each file at its first request."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

from evolink_mock.media import renderer
from evolink_mock.media.clips import MissingRendererError, clip, has_renderer
from evolink_mock.media.spec import MediaSpec, suffix

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future


class MediaCache:
    """The rendered files in `directory`.

    If `directory` is None, the files are in a temporary folder. `close` deletes the temporary folder. Existing files in
    `directory` are served unchanged. If more than `limit` files are requested, the least recently requested are
    deleted. This class is not thread-safe.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        render: Callable[[MediaSpec, Path], None] | None = None,
        limit: int = 64,
    ) -> None:
        self._chosen_directory = directory
        self._closed = False
        self._render = render or partial(renderer.render, is_cancelled=self._is_closed)
        self._limit = limit
        self._directory: Path | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._jobs: dict[Path, Future[None]] = {}
        self._used: dict[Path, None] = {}  # in the order of use, the latest last

    async def file(self, spec: MediaSpec) -> Path:
        """Return the path of the file that `spec` describes. Render a missing file.

        Concurrent calls for a file share one rendering. If the rendering fails, these calls raise its error. The next
        call renders again. The file is kept until `limit` other files have been requested. Raises RuntimeError if the
        cache is closed.

        Without the library PyAV, this method returns the path of a packaged clip. The clip has the right duration and
        size. Raises `MissingRendererError` if no packaged clip has this duration and size.
        """
        if not has_renderer():
            return _clip(spec)
        path = self._path_of(spec)
        job = self._jobs.get(path)  # read before the file is checked, because a finished job is removed
        if job is None and not _exists(path):
            job = self._start_rendering(spec, path)
        if job is not None:
            await _wait_for(job)
        self._mark_used(path)
        return path

    def problem(self) -> str | None:
        """Return why rendered files cannot be stored; None if there is no problem.

        Without the library PyAV, no files are stored, and the result is None.
        """
        from tempfile import gettempdir

        if not has_renderer():
            return None
        try:
            directory = (
                gettempdir() if self._chosen_directory is None else _make_directory(self._chosen_directory)
            )
        except OSError as error:
            place = f": {self._chosen_directory}" if self._chosen_directory else ""
            remedy = "set TMPDIR or --media-dir (EVOLINK_MOCK_MEDIA_DIR) to a writable folder"
            return f"no folder for result files: {error.strerror}{place}; {remedy}"
        return None if os.access(directory, os.W_OK) else f"{directory} is not writable"

    def close(self) -> None:
        """Cancel all renderings, and delete the temporary folder."""
        self._closed = True
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        if self._directory is not None and self._chosen_directory is None:
            rmtree(self._directory, ignore_errors=True)

    def _is_closed(self) -> bool:
        return self._closed

    def _path_of(self, spec: MediaSpec) -> Path:
        if self._closed:
            raise RuntimeError("the media cache is closed")
        if self._directory is None:
            self._directory = _make_directory(self._chosen_directory)
        return self._directory / file_name(spec)

    def _start_rendering(self, spec: MediaSpec, path: Path) -> Future[None]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="media_cache")
        job = self._jobs[path] = self._pool.submit(self._render, spec, path)
        job.add_done_callback(lambda _: self._jobs.pop(path))  # before any waiter is resumed
        return job

    def _mark_used(self, path: Path) -> None:
        self._used.pop(path, None)
        self._used[path] = None
        while len(self._used) > self._limit:
            oldest = next(iter(self._used))
            del self._used[oldest]
            with suppress(OSError):  # on some systems an open file cannot be removed
                oldest.unlink(missing_ok=True)


def _clip(spec: MediaSpec) -> Path:
    path = clip(spec)
    if path is None:
        raise MissingRendererError
    return path


def file_name(spec: MediaSpec) -> str:
    """Return the name of a spec's file, such as `video-854x480-6s-3.mp4`.

    Different specs have different names.
    """
    size = f"{spec.width}x{spec.height}" if spec.height else ""
    seconds = f"{spec.seconds:g}s" if spec.seconds else ""
    parts = (spec.medium, size, seconds, str(spec.hue))
    return "-".join(filter(None, parts)) + suffix(spec)


def _make_directory(chosen: Path | None) -> Path:
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
        return chosen
    from tempfile import mkdtemp

    return Path(mkdtemp(prefix="evolink-mock-"))


def _exists(path: Path) -> bool:
    return path.is_file()


async def _wait_for(job: Future[None]) -> None:
    # asyncio.wait does not cancel the job when its waiter is cancelled, so a client that disconnects does not
    # cancel a rendering for which other clients wait.
    future = asyncio.wrap_future(job)
    future.add_done_callback(_retrieve_exception)
    await asyncio.wait((future,))
    if future.cancelled():
        raise RuntimeError("the media cache was closed before the file was rendered")
    future.result()


def _retrieve_exception(future: asyncio.Future[None]) -> None:
    if not future.cancelled():
        # asyncio would log an error that no request retrieves.
        future.exception()
