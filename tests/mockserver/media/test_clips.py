"""Without PyAV the results of the built-in document are clips that were rendered beforehand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from evolink_mock.media import cache, clips
from evolink_mock.media.cache import MediaCache
from evolink_mock.media.clips import MissingRendererError, clip, render_all
from evolink_mock.media.spec import MediaSpec, media_spec_of
from support.mocks.in_process import playing

if TYPE_CHECKING:
    from pathlib import Path

    from evolink_spec.models import Medium

CHOICES = [(duration, quality) for duration in (6, 10) for quality in ("480p", "720p")]


def spec_of(duration: int, quality: str, hue: int = 0, medium: Medium = "video") -> MediaSpec:
    return media_spec_of({"duration": duration, "quality": quality}, medium, hue)


@pytest.fixture
def no_renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "has_renderer", lambda: False)


def test_the_clips_are_what_the_renderer_makes(tmp_path: Path) -> None:
    render_all(tmp_path)
    rendered = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    packaged = {path.name: path.read_bytes() for path in clips._FOLDER.iterdir()}  # noqa: SLF001
    assert rendered == packaged


@pytest.mark.usefixtures("no_renderer")
@pytest.mark.parametrize(("duration", "quality"), CHOICES)
def test_every_choice_of_the_built_in_document_has_a_clip_in_each_colour(duration: int, quality: str) -> None:
    files = {asyncio.run(MediaCache().file(spec_of(duration, quality, hue))) for hue in range(3)}
    assert len(files) == 1
    assert files.pop().read_bytes()[4:8] == b"ftyp"


@pytest.mark.usefixtures("no_renderer")
@pytest.mark.parametrize("spec", [spec_of(7, "480p"), spec_of(6, "480p", medium="image")])
def test_any_other_result_names_what_to_install(spec: MediaSpec) -> None:
    assert clip(spec) is None
    with pytest.raises(MissingRendererError, match=r"pip install .path/to/evolink-mock\[media\]."):
        asyncio.run(MediaCache().file(spec))


@pytest.mark.usefixtures("no_renderer")
def test_a_download_without_the_renderer_is_a_video() -> None:
    with playing() as mock:
        task = mock.create()
        mock.clock.advance(60)
        video = mock.get(mock.query(task)["results"][0].partition("mock.test")[2])
    assert (video.status_code, video.headers["content-type"]) == (200, "video/mp4")
    assert video.content == (clip(spec_of(6, "480p")) or clips._FOLDER).read_bytes()  # noqa: SLF001


@pytest.mark.usefixtures("no_renderer")
def test_clips_need_no_folder_for_rendered_files(tmp_path: Path) -> None:
    assert MediaCache(tmp_path / "missing").problem() is None
    assert list(tmp_path.iterdir()) == []
