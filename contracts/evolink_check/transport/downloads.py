"""Download result files, and read their properties, such as the duration.

Downloads are sent without an API key.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

from evolink_check.traffic.trace import Media
from evolink_check.transport.http import HttpClient

if TYPE_CHECKING:
    import av
    from av.video.stream import VideoStream

    from evolink_check.traffic.trace import Entry
    from evolink_check.transport.target import Target

_KEPT = 4096  # bytes of an error response that are kept
_RAW = ".pcm"  # a file of samples without a header, so that the sample rate is not known
_SHOWN = 120  # characters of a problem


def fetch(target: Target, url: str, name: str = "") -> Entry:
    """Download the file of one result link, record the exchange, and return its entry.

    After a 2xx, the entry has `media`, the properties of the file. Raw samples (`.pcm`) have no `media`. A download
    that was stopped has no `media`. Raises `HaltedError` if the request must not be sent.
    """
    entry = target.fetch_external(url, name)
    body = entry.exchange.response_body
    whole = not entry.problem.startswith(HttpClient.LEFT)
    has_head = not url.partition("?")[0].endswith(_RAW)
    if whole and has_head and 200 <= entry.exchange.status < 300:  # noqa: PLR2004  (success)
        entry = replace(entry, media=media_of(body, entry.problem))
    if len(body) > _KEPT:
        entry = replace(entry, size=len(body), exchange=replace(entry.exchange, response_body=b""))
    return target.recorder.add(entry)


def media_of(body: bytes, problem: str = "") -> Media:
    """Decode a file and return its properties.

    `problem` is the reason why the download is incomplete. An incomplete download is not decoded, and the result
    contains `problem`. If a completely downloaded file lacks its end, the duration covers the existing part. A file
    with sound and without pictures has the width and height 0.
    """
    if problem:
        return Media(problem=problem)
    import av

    try:
        with av.open(io.BytesIO(body), mode="r") as container:
            return _media(container)
    except (av.FFmpegError, ValueError, OSError) as error:
        return Media(problem=f"{type(error).__name__}: {error}"[:_SHOWN])


def _media(container: av.container.InputContainer) -> Media:
    if container.streams.video:
        stream = container.streams.video[0]
        seconds, (width, height) = _duration_and_size(container, stream)
        if not width:
            return Media(problem="not one picture can be decoded")
        return Media(seconds, width, height, stream.codec_context.name)
    if container.streams.audio:
        return _audio(container)
    return Media(problem="there is neither picture nor sound in it")


def _audio(container: av.container.InputContainer) -> Media:
    stream = container.streams.audio[0]
    samples = sum(frame.samples for frame in container.decode(stream))
    if not samples or not stream.rate:
        return Media(problem="not one sound can be decoded")
    return Media(samples / stream.rate, codec=stream.codec_context.name)


def _duration_and_size(
    container: av.container.InputContainer, stream: VideoStream
) -> tuple[float, tuple[int, int]]:
    size, begins, ends = (0, 0), float("inf"), float("-inf")
    for packet in container.demux(stream):  # the last packet is empty and flushes the decoder
        if size == (0, 0):
            size = next(((frame.width, frame.height) for frame in packet.decode()), size)
        if packet.pts is not None and packet.time_base is not None:
            begins = min(begins, float(packet.pts * packet.time_base))
            ends = max(ends, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return max(0.0, ends - begins) if begins <= ends else 0.0, size
