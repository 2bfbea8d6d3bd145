"""Render a result file: a video, an image or a tone.

A video shows a moving colour gradient with a time code. An image shows a gradient.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import chain, pairwise
from math import ceil
from typing import TYPE_CHECKING, NamedTuple, cast

from evolink_mock.files import replace_atomically
from evolink_mock.media.spec import FRAME_RATE, MediaSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.filter import Graph
    from av.filter.context import FilterContext
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from evolink_spec.models import Medium

# The three colours of the gradient, one line for each hue.
_PALETTE = (
    ("1b2a6b", "f2784b", "7fd1c7"),
    ("5a1846", "ffb347", "8fb8ed"),
    ("0b4f4a", "f4d35e", "ee964b"),
    ("3d1a78", "ff6fb5", "ffe5a0"),
    ("7a1f1f", "f5b971", "2f4858"),
    ("123c69", "8ee3f5", "edc7b7"),
    ("214d1f", "c8e66b", "5c7aea"),
    ("2b2b2b", "e0e0e0", "8d99ae"),
)
_TONES = (220.0, 246.94, 261.63, 293.66, 329.63, 349.23, 392.0, 440.0)  # hertz: a scale from A to A
_COARSE = 6  # the gradient is drawn smaller by this factor and then enlarged, in an eighth of the time
_TIME_CODE_SIZE = (100, 16)  # in pixels, at (2, 2): the area of testsrc2's time code

# The cheapest preset, but with deblocking, because a slow gradient would show blocks. It has one thread, so that equal
# specs give equal bytes on any number of cores, and a key frame every two seconds, so that players can seek.
_X264 = {
    "preset": "ultrafast",
    "crf": "24",
    "g": str(2 * FRAME_RATE),
    "x264-params": "no-deblock=0:8x8dct=1:cabac=1",
}


# Container, codec and its options of each video format; codec and pixels of each image format.
_VIDEO_FORMATS: Mapping[str, tuple[str, str, dict[str, str]]] = {
    "mp4": ("mp4", "libx264", _X264),
    "mov": ("mov", "libx264", _X264),
    "webm": (
        "webm",
        "libvpx",
        {"deadline": "realtime", "cpu-used": "8", "b": "1M", "g": str(2 * FRAME_RATE)},
    ),
}
_IMAGE_FORMATS = {"png": ("png", "rgb24"), "jpeg": ("mjpeg", "yuvj420p"), "webp": ("libwebp", "yuv420p")}


class _AudioFormat(NamedTuple):
    container: str
    codec: str
    rate: int
    samples: str
    frame: int


_AUDIO_FORMATS = {
    "mp3": _AudioFormat("mp3", "libmp3lame", 44_100, "s16p", 1152),
    "wav": _AudioFormat("wav", "pcm_s16le", 44_100, "s16", 1024),
    "pcm": _AudioFormat("s16le", "pcm_s16le", 24_000, "s16", 1024),
    "opus": _AudioFormat("opus", "libopus", 48_000, "s16", 960),
    "ogg": _AudioFormat("ogg", "libopus", 48_000, "s16", 960),
    "flac": _AudioFormat("flac", "flac", 44_100, "s16", 4096),
}


class RenderingCancelledError(RuntimeError):
    """The rendering was cancelled before the file was complete."""


def render(spec: MediaSpec, path: Path, is_cancelled: Callable[[], bool] = lambda: False) -> None:
    """Write the file that `spec` describes to `path`, completely or not at all.

    Raises OSError if the folder cannot be written. Raises av.FFmpegError if a codec fails. Calls
    `is_cancelled` before each frame. Raises `RenderingCancelledError` if the result is true.
    """
    with replace_atomically(path) as temporary:
        _WRITERS[spec.medium](spec, temporary, is_cancelled)


def _write_video(spec: MediaSpec, path: Path, is_cancelled: Callable[[], bool]) -> None:
    import av

    container_format, codec, codec_options = _VIDEO_FORMATS[spec.extension]
    muxing = {"fflags": "+bitexact"}  # no date and no version, so that equal specs give equal bytes
    if container_format != "webm":
        muxing["movflags"] = "+faststart"
    with av.open(str(path), "w", format=container_format, options=muxing) as container:
        stream = cast("VideoStream", container.add_stream(codec, rate=FRAME_RATE, options=codec_options))
        stream.codec_context.width, stream.codec_context.height = spec.width, spec.height
        stream.codec_context.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for frame in chain(_video_frames(spec), (None,)):
            _check_cancelled(is_cancelled)
            container.mux(stream.encode(frame))


def _write_image(spec: MediaSpec, path: Path, _: Callable[[], bool]) -> None:
    import av

    name, pixels = _IMAGE_FORMATS[spec.extension]
    codec = cast("VideoCodecContext", av.CodecContext.create(name, "w"))
    codec.width, codec.height, codec.pix_fmt = spec.width, spec.height, pixels
    codec.time_base = Fraction(1, FRAME_RATE)
    codec.thread_count = 1
    graph = _new_graph()
    _add_sink(graph, _add_gradient(graph, spec, pixels))
    packets = [packet for frame in (graph.vpull(), None) for packet in codec.encode(frame)]
    path.write_bytes(b"".join(map(bytes, packets)))


def _write_audio(spec: MediaSpec, path: Path, is_cancelled: Callable[[], bool]) -> None:
    import av

    form = _AUDIO_FORMATS[spec.extension]
    with av.open(str(path), "w", format=form.container, options={"fflags": "+bitexact"}) as container:
        stream = cast("AudioStream", container.add_stream(form.codec, rate=form.rate))
        stream.codec_context.format, stream.codec_context.layout = form.samples, "stereo"
        stream.codec_context.bit_rate = 96_000
        for frame in chain(_audio_frames(spec, form), (None,)):
            _check_cancelled(is_cancelled)
            container.mux(stream.encode(frame))


def _check_cancelled(is_cancelled: Callable[[], bool]) -> None:
    if is_cancelled():
        raise RenderingCancelledError("the media cache was closed before the file was rendered")


_WRITERS: Mapping[Medium, Callable[[MediaSpec, Path, Callable[[], bool]], None]] = {
    "video": _write_video,
    "image": _write_image,
    "audio": _write_audio,
}


def _video_frames(spec: MediaSpec) -> Iterator[VideoFrame]:
    from av.video.frame import PictureType

    graph = _new_graph()
    margin = spec.height // 24
    overlay = graph.add("overlay", f"x={margin}:y=H-h-{margin}:format=yuv420")
    _add_gradient(graph, spec, "yuv420p").link_to(overlay, 0, 0)
    _add_time_code(graph, spec).link_to(overlay, 0, 1)
    _add_sink(graph, overlay)
    for _ in range(round(spec.seconds * FRAME_RATE)):
        frame = graph.vpull()
        frame.pict_type = (
            PictureType.NONE
        )  # the source marks every frame as a key frame; this lets the encoder choose
        yield frame


def _add_gradient(graph: Graph, spec: MediaSpec, pixels: str) -> FilterContext:
    width, height = spec.width // _COARSE, spec.height // _COARSE
    colours = ":".join(f"c{index}=0x{colour}" for index, colour in enumerate(_PALETTE[spec.hue]))
    ends = f"x0={width // 6}:y0={height // 2}:x1={width * 5 // 6}:y1={height // 2}"
    arguments = f"s={width}x{height}:r={FRAME_RATE}:type=radial:speed=0.02:nb_colors=3:{colours}:{ends}"
    return _add_chain(
        graph,
        ("gradients", arguments),
        ("format", pixels),
        ("scale", f"{spec.width}:{spec.height}:flags=bilinear"),
    )


def _add_time_code(graph: Graph, spec: MediaSpec) -> FilterContext:
    width, height = _TIME_CODE_SIZE
    factor = max(1, min(spec.height // 240, spec.width // 240))
    return _add_chain(
        graph,
        # The test picture contains a time code. No other filter draws text without a font file.
        ("testsrc2", f"s=128x64:r={FRAME_RATE}:alpha=0"),
        ("crop", f"{width}:{height}:2:2"),
        ("format", "gray"),
        ("lut", r"y=if(gt(val\,70)\,235\,24)"),
        ("format", "yuv420p"),
        ("scale", f"{width * factor}:{height * factor}:flags=neighbor"),
    )


def _audio_frames(spec: MediaSpec, form: _AudioFormat) -> Iterator[AudioFrame]:
    samples = round(spec.seconds * form.rate)
    fade = min(0.5, spec.seconds / 2)
    graph = _new_graph()
    tone = _add_chain(
        graph,
        ("sine", f"frequency={_TONES[spec.hue]}:sample_rate={form.rate}"),
        ("atrim", f"end_sample={samples}"),
        ("afade", f"t=in:d={fade}"),
        ("afade", f"t=out:st={spec.seconds - fade}:d={fade}"),
        ("aformat", f"sample_fmts={form.samples}:channel_layouts=stereo"),
        ("asetnsamples", f"n={form.frame}:p=0"),
    )
    _add_sink(graph, tone, "abuffersink")
    for _ in range(ceil(samples / form.frame)):
        yield cast("AudioFrame", graph.pull())


def _new_graph() -> Graph:
    from av.filter import Graph

    return Graph()


def _add_chain(graph: Graph, *filters: tuple[str, str]) -> FilterContext:
    nodes = [graph.add(name, arguments) for name, arguments in filters]
    _link(nodes)
    return nodes[-1]


def _add_sink(graph: Graph, last: FilterContext, kind: str = "buffersink") -> None:
    _link((last, graph.add(kind)))
    graph.configure()


def _link(nodes: Iterable[FilterContext]) -> None:
    for source, target in pairwise(nodes):
        source.link_to(target)
