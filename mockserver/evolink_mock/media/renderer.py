"""Makes the file a look describes: an orb of light on its orbit, a time code, a soft tone."""

from __future__ import annotations

import os
from contextlib import contextmanager
from itertools import chain, pairwise
from math import ceil
from typing import TYPE_CHECKING, cast

from evolink_mock.media.spec import FRAME_RATE, MediaSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from av.audio.frame import AudioFrame
    from av.filter import Graph
    from av.filter.context import FilterContext
    from av.video.frame import VideoFrame
    from evolink_spec.models import Medium

# The orb, its halo and the room around it, one line for each hue.
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
_TONES = (220.0, 246.94, 261.63, 293.66, 329.63, 349.23, 392.0, 440.0)  # hertz: a scale on A
_SAMPLE_RATE = 44_100
_MP3_FRAME = 1152  # samples; the encoder takes no other count
_COARSE = 6  # an orb has no detail: it is drawn this much smaller and scaled up, in an eighth of the time
_STAMP = (100, 16)  # the pixels testsrc2 writes its time code on, from (2, 2)

# Cheap, but deblocked: without it a slow gradient falls into squares. One thread, so that the same
# look is the same bytes on any number of cores; a key frame every two seconds, so that players can seek.
_X264 = {
    "preset": "ultrafast",
    "crf": "24",
    "g": str(2 * FRAME_RATE),
    "x264-params": "no-deblock=0:8x8dct=1:cabac=1",
}


def render(look: MediaSpec, path: Path) -> None:
    """Write the file of `look` at `path`, all of it or nothing. Takes 0.4 s for 6 s of 480p.

    OSError when the directory cannot be written to, av.FFmpegError when a codec refuses.
    """
    with _complete(path) as unfinished:
        _WRITERS[look.medium](look, unfinished)


@contextmanager
def _complete(path: Path) -> Iterator[Path]:
    """Lend a name beside `path`, which becomes `path` at the end: anonymous sees half a file."""
    from tempfile import mkstemp

    handle, name = mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    unfinished = path.with_name(os.path.basename(name))  # noqa: PTH119 - mkstemp deals in strings
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _video(look: MediaSpec, path: Path) -> None:
    import av

    muxing = {"movflags": "+faststart", "fflags": "+bitexact"}  # no date, no version: bytes that repeat
    with av.open(str(path), "w", format="mp4", options=muxing) as container:
        stream = container.add_stream("libx264", rate=FRAME_RATE, options=_X264)
        stream.codec_context.width, stream.codec_context.height = look.width, look.height
        stream.codec_context.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for frame in chain(_stamped(look), (None,)):
            container.mux(stream.encode(frame))


def _image(look: MediaSpec, path: Path) -> None:
    import av

    codec = av.CodecContext.create("png", "w")
    codec.width, codec.height, codec.pix_fmt = look.width, look.height, "rgb24"
    codec.thread_count = 1
    graph = _graph()
    _sink(graph, _orb(graph, look, "rgb24"))
    packets = [packet for frame in (graph.vpull(), None) for packet in codec.encode(frame)]
    path.write_bytes(b"".join(map(bytes, packets)))


def _audio(look: MediaSpec, path: Path) -> None:
    import av

    with av.open(str(path), "w", format="mp3", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libmp3lame", rate=_SAMPLE_RATE)
        stream.codec_context.format, stream.codec_context.layout = "s16p", "stereo"
        stream.codec_context.bit_rate = 96_000
        for frame in chain(_tone(look), (None,)):
            container.mux(stream.encode(frame))


_WRITERS: Mapping[Medium, Callable[[MediaSpec, Path], None]] = {
    "video": _video,
    "image": _image,
    "audio": _audio,
}


def _stamped(look: MediaSpec) -> Iterator[VideoFrame]:
    """Yield every frame: the orb, and the time code that tells one frame from the next."""
    from av.video.frame import PictureType

    graph = _graph()
    margin = look.height // 24
    overlay = graph.add("overlay", f"x={margin}:y=H-h-{margin}:format=yuv420")
    _orb(graph, look, "yuv420p").link_to(overlay, 0, 0)
    _time_code(graph, look).link_to(overlay, 0, 1)
    _sink(graph, overlay)
    for _ in range(round(look.seconds * FRAME_RATE)):
        frame = graph.vpull()
        frame.pict_type = (
            PictureType.NONE
        )  # a source marks every frame as a key frame: let the encoder choose
        yield frame


def _orb(graph: Graph, look: MediaSpec, pixels: str) -> FilterContext:
    across, down = look.width // _COARSE, look.height // _COARSE
    colours = ":".join(f"c{place}=0x{colour}" for place, colour in enumerate(_PALETTE[look.hue]))
    ends = f"x0={across // 6}:y0={down // 2}:x1={across * 5 // 6}:y1={down // 2}"
    picture = f"s={across}x{down}:r={FRAME_RATE}:type=radial:speed=0.02:nb_colors=3:{colours}:{ends}"
    return _line(
        graph,
        ("gradients", picture),
        ("format", pixels),
        ("scale", f"{look.width}:{look.height}:flags=bilinear"),
    )


def _time_code(graph: Graph, look: MediaSpec) -> FilterContext:
    """Cut the clock out of testsrc2, the only filter that writes text without a font."""
    across, down = _STAMP
    times = max(1, min(look.height // 240, look.width // 240))
    return _line(
        graph,
        ("testsrc2", f"s=128x64:r={FRAME_RATE}:alpha=0"),
        ("crop", f"{across}:{down}:2:2"),
        ("format", "gray"),
        ("lut", r"y=if(gt(val\,70)\,235\,24)"),
        ("format", "yuv420p"),
        ("scale", f"{across * times}:{down * times}:flags=neighbor"),
    )


def _tone(look: MediaSpec) -> Iterator[AudioFrame]:
    samples = round(look.seconds * _SAMPLE_RATE)
    fade = min(0.5, look.seconds / 2)
    graph = _graph()
    tone = _line(
        graph,
        ("sine", f"frequency={_TONES[look.hue]}:sample_rate={_SAMPLE_RATE}"),
        ("atrim", f"end_sample={samples}"),
        ("afade", f"t=in:d={fade}"),
        ("afade", f"t=out:st={look.seconds - fade}:d={fade}"),
        ("aformat", "sample_fmts=s16p:channel_layouts=stereo"),
        ("asetnsamples", f"n={_MP3_FRAME}:p=0"),
    )
    _sink(graph, tone, "abuffersink")
    for _ in range(ceil(samples / _MP3_FRAME)):
        yield cast("AudioFrame", graph.pull())


def _graph() -> Graph:
    from av.filter import Graph

    return Graph()


def _line(graph: Graph, *filters: tuple[str, str]) -> FilterContext:
    """Chain filters, given as name and arguments; returns the last."""
    nodes = [graph.add(name, arguments) for name, arguments in filters]
    _link(nodes)
    return nodes[-1]


def _sink(graph: Graph, last: FilterContext, kind: str = "buffersink") -> None:
    _link((last, graph.add(kind)))
    graph.configure()


def _link(nodes: Iterable[FilterContext]) -> None:
    for source, target in pairwise(nodes):
        source.link_to(target)
