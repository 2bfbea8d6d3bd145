"""What a request says of its result, and what is made of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from evolink_mock.media.spec import FRAME_RATE, HUES, MediaSpec, content_type, media_spec_of, suffix
from hypothesis import given, settings
from hypothesis import strategies as st

WORDS = ("duration", "quality", "resolution", "size", "aspect_ratio")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
SIZES = st.builds("{}{}{}".format, st.integers(0, 99_999), st.sampled_from("x*"), st.integers(0, 99_999))
RATIOS = st.builds("{}:{}".format, st.integers(0, 999), st.integers(0, 999))
LINES = st.builds("{}p".format, st.integers(0, 9999))
VALUES = JSON | SIZES | RATIOS | LINES | st.sampled_from(["4k", "6s", "-1", "auto", "8K"])

if TYPE_CHECKING:
    from evolink_spec import Medium


def frame(**body: object) -> tuple[int, int]:
    spec = media_spec_of(body, "video", 0)
    return spec.width, spec.height


def seconds(duration: object) -> float:
    return media_spec_of({"duration": duration}, "video", 0).seconds


def test_a_request_that_says_nothing_gets_six_seconds_of_480p() -> None:
    assert media_spec_of({}, "video", 0) == MediaSpec("video", 6.0, 854, 480, 0)


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        (6, 6),
        (10, 10),
        (5.0, 5),
        (2.5, 2.5),
        ("8", 8),
        ("8s", 8),
        (" 12 S ", 12),
        ("2.5s", 2.5),
        (60, 60),
        (1, 1),
    ],
)
def test_a_duration_is_read_as_a_number_or_a_string_of_seconds(duration: object, expected: float) -> None:
    assert seconds(duration) == expected


@pytest.mark.parametrize(
    "duration", [None, True, 0, -1, "", "auto", "-5", "5m", [6], {"s": 6}, float("nan"), "1" * 50]
)
def test_an_odd_duration_is_six_seconds(duration: object) -> None:
    assert seconds(duration) == 6


@pytest.mark.parametrize("duration", [61, 10**400, 1e300, "999999"])
def test_a_long_duration_is_capped_at_a_minute(duration: object) -> None:
    assert seconds(duration) == 60


def test_a_duration_is_a_whole_number_of_frames_and_never_none() -> None:
    assert seconds(1.01) * FRAME_RATE == 24
    assert seconds(1e-9) * FRAME_RATE == 1


@pytest.mark.parametrize("word", ["quality", "resolution", "size"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("480p", (854, 480)),
        ("720p", (1280, 720)),
        ("1080P", (1920, 1080)),
        ("768", (1366, 768)),
        ("2k", (2560, 1440)),
        ("4K", (3840, 2160)),
        ("1280x720", (1280, 720)),
        ("720*1280", (720, 1280)),
        ("1024 × 1024", (1024, 1024)),  # noqa: RUF001 - as some documents print it
    ],
)
def test_the_height_is_read_from_any_of_the_words_for_it(
    word: str, value: str, expected: tuple[int, int]
) -> None:
    assert frame(**{word: value}) == expected


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        ("16:9", (854, 480)),
        ("9:16", (480, 854)),
        ("1:1", (480, 480)),
        ("4:3", (640, 480)),
        ("21:9", (1120, 480)),
    ],
)
def test_the_aspect_ratio_turns_the_frame_and_480p_stays_its_shorter_side(
    ratio: str, expected: tuple[int, int]
) -> None:
    assert frame(quality="480p", aspect_ratio=ratio) == expected


def test_a_ratio_may_stand_in_size() -> None:
    assert frame(size="1:1", quality="720p") == (720, 720)


def test_a_size_in_pixels_outweighs_a_ratio() -> None:
    assert frame(size="1280x720", aspect_ratio="9:16") == (1280, 720)


@pytest.mark.parametrize("ratio", ["auto", "0:1", "1:0", "0:0", "100:1", "1:5", "16/9", 1.5])
def test_an_odd_ratio_is_sixteen_to_nine(ratio: object) -> None:
    assert frame(aspect_ratio=ratio) == (854, 480)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"quality": "9999p"}, (3840, 2160)),
        ({"size": "99999x99999"}, (2160, 2160)),
        ({"size": "9999x100"}, (3840, 64)),
        ({"quality": "2160p", "aspect_ratio": "9:16"}, (2160, 3840)),
        ({"size": "0x0"}, (64, 64)),
    ],
)
def test_a_frame_is_kept_between_64_and_what_4k_is(body: dict[str, str], expected: tuple[int, int]) -> None:
    assert frame(**body) == expected


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(WORDS), VALUES), st.integers())
def test_any_body_gives_a_spec_that_can_be_rendered(body: dict[str, object], hue: int) -> None:
    spec = media_spec_of(body, "video", hue)
    assert 1 / FRAME_RATE <= spec.seconds <= 60
    assert (spec.seconds * FRAME_RATE).is_integer()
    assert 64 <= min(spec.width, spec.height) <= 2160
    assert max(spec.width, spec.height) <= 3840
    assert (spec.width % 2, spec.height % 2) == (0, 0)
    assert 0 <= spec.hue < HUES


@settings(deadline=None)
@given(st.integers(144, 2160), st.integers(1, 40), st.integers(1, 40))
def test_the_shorter_side_is_what_was_asked_for(lines: int, across: int, down: int) -> None:
    width, height = frame(quality=f"{lines}p", aspect_ratio=f"{across}:{down}")
    if max(width, height) < 3840:
        assert abs(min(width, height) - lines) <= 1


def test_equal_specs_are_one_object_however_they_were_spelled() -> None:
    spelled: tuple[dict[str, object], ...] = (
        {"duration": 6, "quality": "480p"},
        {"duration": "6s", "resolution": "480P"},
        {"duration": 6.0},
        {},
    )
    assert len({id(media_spec_of(body, "video", 3)) for body in spelled}) == 1


def test_true_is_not_taken_for_one_second() -> None:
    assert (seconds(1), seconds(duration=True), seconds(1.0)) == (1, 6, 1)


@pytest.mark.parametrize("huge", ["x" * 10_000, 10**400])
def test_a_huge_value_is_not_kept(huge: object) -> None:
    held = sys.getrefcount(huge)
    media_spec_of({"duration": huge, "size": huge}, "video", 0)
    assert sys.getrefcount(huge) == held


def test_an_image_has_no_seconds_and_audio_no_frame() -> None:
    body = {"duration": 10, "size": "1024x1024"}
    assert media_spec_of(body, "image", 1) == MediaSpec("image", 0.0, 1024, 1024, 1)
    assert media_spec_of(body, "audio", 1) == MediaSpec("audio", 10.0, 0, 0, 1)


def test_a_spec_is_a_frozen_key_that_the_collector_does_not_track() -> None:
    spec = media_spec_of({}, "video", 0)
    assert {spec: 1}[MediaSpec("video", 6.0, 854, 480, 0)] == 1
    assert (MediaSpec.__struct_config__.gc, MediaSpec.__struct_config__.frozen) == (False, True)
    assert msgspec.structs.replace(spec, hue=1) != spec


def test_a_medium_has_its_suffix_and_content_type() -> None:
    specs = [media_spec_of({}, medium, 0) for medium in ("video", "image", "audio")]
    assert [*map(suffix, specs)] == [".mp4", ".png", ".mp3"]
    assert [*map(content_type, specs)] == [
        "video/mp4",
        "image/png",
        "audio/mpeg",
    ]


@pytest.mark.parametrize(
    ("body", "medium", "extension"),
    [
        ({"format": "MOV"}, "video", "mov"),
        ({"output_format": "jpg"}, "image", "jpeg"),
        ({"audio_setting": {"format": "pcm"}}, "audio", "pcm"),
        ({"format": "ogg_opus"}, "audio", "ogg"),
        ({"format": "wav"}, "video", "mp4"),
        ({"format": 7, "output_format": "webp"}, "image", "webp"),
        ({"model_params": "mov"}, "video", "mp4"),
    ],
)
def test_the_format_is_the_requested_one_if_the_medium_has_it(
    body: dict[str, Any], medium: Medium, extension: str
) -> None:
    assert suffix(media_spec_of(body, medium, 0)) == f".{extension}"


def test_the_usual_format_asked_for_or_not_is_one_spec() -> None:
    assert media_spec_of({"format": "mp4"}, "video", 0) is media_spec_of({}, "video", 0)
