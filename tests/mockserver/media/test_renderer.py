"""The files, as a player sees them."""

from __future__ import annotations

import struct
import subprocess
import sys
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import av
import pytest
from evolink_mock.media.renderer import RenderingCancelledError, render
from evolink_mock.media.spec import FRAME_RATE, MediaSpec, media_spec_of, suffix
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from evolink_spec import Medium

SIX_SECONDS = media_spec_of({"duration": 6, "quality": "480p"}, "video", 0)
TEN_SECONDS = media_spec_of({"duration": 10, "quality": "720p"}, "video", 1)
BLINK = MediaSpec("video", 3 / FRAME_RATE, 160, 90, 0)
NO_FRAME = MediaSpec("video", 1.0, 0, 0, 0)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[MediaSpec], Path]:
    """Render a spec once in a session, when a test first asks for it."""
    directory = tmp_path_factory.mktemp("clips")

    @cache
    def find(spec: MediaSpec) -> Path:
        path = directory / f"{spec.height}.mp4"
        render(spec, path)
        return path

    return find


def rendered(directory: Path, spec: MediaSpec) -> Path:
    path = directory / f"result{suffix(spec)}"
    render(spec, path)
    return path


def pictures(path: Path) -> list[bytes]:
    """The brightness and the colour of every frame."""
    with av.open(str(path)) as container:
        return [b"".join(map(bytes, frame.planes)) for frame in container.decode(video=0)]


def facts(path: Path) -> dict[str, Any]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        return {
            "codec": stream.codec_context.name,
            "pixels": stream.codec_context.pix_fmt,
            "size": (stream.codec_context.width, stream.codec_context.height),
            "rates": {stream.average_rate, stream.codec_context.framerate},
            "seconds": stream.duration * stream.time_base,
            "container": Fraction(container.duration or 0, av.time_base),
        }


def boxes(data: bytes) -> list[bytes]:
    """The names of an MP4 file's outermost boxes, in their order."""
    names, place = [], 0
    while place < len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        names.append(name)
        place += length
    return names


@pytest.mark.parametrize("spec", [SIX_SECONDS, TEN_SECONDS], ids=["6s-480p", "10s-720p"])
def test_a_video_is_h264_of_exactly_the_asked_duration_and_size(
    clip: Callable[[MediaSpec], Path], spec: MediaSpec
) -> None:
    assert facts(clip(spec)) == {
        "codec": "h264",
        "pixels": "yuv420p",
        "size": (spec.width, spec.height),
        "rates": {FRAME_RATE},
        "seconds": spec.seconds,
        "container": spec.seconds,
    }


def test_every_frame_of_a_video_decodes_and_none_is_like_another(clip: Callable[[MediaSpec], Path]) -> None:
    frames = pictures(clip(SIX_SECONDS))
    assert len(frames) == 6 * FRAME_RATE
    assert len(set(frames)) == len(frames)


def test_a_player_can_jump_to_every_other_second(clip: Callable[[MediaSpec], Path]) -> None:
    with av.open(str(clip(SIX_SECONDS))) as container:
        keys = [frame.time for frame in container.decode(video=0) if frame.key_frame]
    assert keys == [0, 2, 4]


def test_a_video_shows_a_time_code_in_white_on_black(clip: Callable[[MediaSpec], Path]) -> None:
    with av.open(str(clip(SIX_SECONDS))) as container:
        plane = next(container.decode(video=0)).planes[0]
    lines = [bytes(plane)[row * plane.line_size :][20:220] for row in range(430, 458)]
    brightness = b"".join(lines)
    assert min(brightness) < 40
    assert max(brightness) > 220


def test_a_video_is_small(clip: Callable[[MediaSpec], Path]) -> None:
    assert clip(SIX_SECONDS).stat().st_size < 500_000


def test_a_video_plays_before_it_is_wholly_loaded(clip: Callable[[MediaSpec], Path]) -> None:
    names = boxes(clip(SIX_SECONDS).read_bytes())
    assert names[0] == b"ftyp"
    assert names.index(b"moov") < names.index(b"mdat")


@pytest.mark.parametrize("medium", ["video", "image", "audio"])
def test_the_same_look_is_the_same_bytes(tmp_path: Path, medium: Any) -> None:
    spec = media_spec_of({"duration": 0.25, "size": "160x90"}, medium, 2)
    first = rendered(tmp_path, spec).read_bytes()
    assert rendered(tmp_path, spec).read_bytes() == first


def test_a_video_tells_neither_when_nor_by_what_it_was_muxed(tmp_path: Path) -> None:
    path = rendered(tmp_path, BLINK)
    assert b"Lavf" not in path.read_bytes()
    with av.open(str(path)) as container:
        assert "creation_time" not in container.metadata


@pytest.mark.parametrize("medium", ["video", "image"])
def test_every_hue_shows_another_picture(tmp_path: Path, medium: Any) -> None:
    specs = (media_spec_of({"duration": 0.04, "size": "96x64"}, medium, hue) for hue in range(8))
    assert len({pictures(rendered(tmp_path, spec))[0] for spec in specs}) == 8


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(32, 400), st.integers(32, 400), st.integers(1, 2), st.integers(0, 7))
def test_a_video_of_any_size_can_be_made(
    tmp_path: Path, width: int, height: int, frames: int, hue: int
) -> None:
    spec = MediaSpec("video", frames / FRAME_RATE, 2 * width, 2 * height, hue)
    path = rendered(tmp_path, spec)
    assert facts(path)["size"] == (spec.width, spec.height)
    assert len(pictures(path)) == frames


def test_an_image_is_a_png_of_the_asked_size(tmp_path: Path) -> None:
    path = rendered(tmp_path, media_spec_of({"size": "320x200"}, "image", 0))
    assert path.read_bytes().startswith(b"\x89PNG\r\n")
    with av.open(str(path)) as container:
        (picture,) = container.decode(video=0)
    assert (picture.width, picture.height, picture.format.name) == (320, 200, "rgb24")


def test_audio_is_an_mp3_that_sounds_for_the_asked_duration(tmp_path: Path) -> None:
    path = rendered(tmp_path, media_spec_of({"duration": 2}, "audio", 0))
    with av.open(str(path)) as container:
        assert container.streams.audio[0].codec_context.name.startswith("mp3")
        frames = list(container.decode(audio=0))
    samples = sum(frame.samples for frame in frames)
    assert samples / 44_100 == pytest.approx(2, abs=0.06)  # the codec works in frames of 26 ms
    assert any(any(bytes(frame.planes[0])) for frame in frames)


@pytest.mark.parametrize("hue", [0, 7])
def test_a_tone_has_the_pitch_of_its_hue(tmp_path: Path, hue: int) -> None:
    path = rendered(tmp_path, media_spec_of({"duration": 1}, "audio", hue))
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("s16", "mono", 44_100)
        heard = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    wave = b"".join(bytes(part.planes[0])[: 2 * part.samples] for part in heard)
    middle = struct.unpack("<22050h", wave[22_050 : 22_050 + 44_100])
    risings = sum(before < 0 <= after for before, after in pairwise(middle))
    assert risings * 2 == pytest.approx((220, 440)[hue == 7], abs=4)


def test_a_failed_rendering_leaves_the_directory_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "result.mp4"
    path.write_bytes(b"an earlier one")
    with pytest.raises((av.FFmpegError, ValueError)):
        render(NO_FRAME, path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"an earlier one"


@pytest.mark.parametrize("medium", ["video", "audio"])
def test_a_rendering_can_be_cancelled_between_two_frames(tmp_path: Path, medium: Any) -> None:
    answers = iter([False, False, True])
    with pytest.raises(RenderingCancelledError):
        render(media_spec_of({"duration": 60}, medium, 0), tmp_path / "result", lambda: next(answers))
    assert list(tmp_path.iterdir()) == []


def test_a_finished_rendering_takes_the_place_of_an_earlier_one_that_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "result.mp4"
    path.write_bytes(b"an earlier one")
    with path.open("rb") as download:
        render(BLINK, path)
        assert download.read() == b"an earlier one"
    assert list(tmp_path.iterdir()) == [path]
    assert len(pictures(path)) == 3


def test_a_missing_directory_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        render(BLINK, tmp_path / "nowhere" / "result.mp4")


def test_a_rendering_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rendered(tmp_path, BLINK)
    assert capfd.readouterr() == ("", "")


def test_the_codecs_are_not_loaded_before_they_are_needed() -> None:
    code = "import sys, evolink_mock.media.cache; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("medium", "name", "codec"),
    [
        ("video", "mov", "h264"),
        ("video", "webm", "vp8"),
        ("image", "jpeg", "mjpeg"),
        ("image", "webp", "webp"),
        ("audio", "wav", "pcm_s16le"),
        ("audio", "opus", "opus"),
        ("audio", "ogg_opus", "opus"),
        ("audio", "flac", "flac"),
    ],
)
def test_a_file_is_in_the_format_that_was_asked_for(
    tmp_path: Path, medium: Medium, name: str, codec: str
) -> None:
    spec = media_spec_of({"format": name, "duration": 0.5, "size": "64x64"}, medium, 0)
    path = rendered(tmp_path, spec)
    first = path.read_bytes()
    with av.open(str(path)) as container:
        assert container.streams[0].codec_context.name == codec
    assert rendered(tmp_path, spec).read_bytes() == first


def test_pcm_has_no_head_and_two_bytes_a_sample(tmp_path: Path) -> None:
    spec = media_spec_of({"format": "pcm", "duration": 0.5}, "audio", 0)
    assert rendered(tmp_path, spec).stat().st_size == 24_000 * 0.5 * 2 * 2
