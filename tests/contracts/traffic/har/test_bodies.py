"""Bodies in HAR files: unpacked, and told from those that were not recorded."""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import b64encode, encodebytes
from importlib import import_module
from typing import Any

import pytest
from evolink_check.traffic.content_coding import Decoder, UndecodableError, decode_whole
from evolink_check.traffic.har import bodies as har_bodies
from evolink_check.traffic.har.bodies import ResponseBody, response_body
from evolink_check.traffic.har.headers import Pair
from evolink_check.traffic.har.schema import Content, Response

PLAIN = json.dumps({"id": "task-1", "status": "pending"}).encode()


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def response(coding: str, body: bytes, **content: Any) -> Response:
    pairs = [Pair("Content-Type", "application/json"), Pair("Content-Encoding", coding)]
    return Response(200, pairs, Content(len(body), b64encode(body).decode(), "base64", **content))


def read(recorded: Response, *, streams: bool = False) -> ResponseBody:
    return response_body("GET", 200, recorded, streams=streams)


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
    ],
)
def test_a_body_that_is_still_packed_is_unpacked(coding: str, pack: Any) -> None:
    assert read(response(coding, pack(PLAIN))) == ResponseBody(PLAIN)


@pytest.mark.parametrize(("coding", "module"), [("br", "brotli"), ("zstd", "backports.zstd")])
def test_a_body_in_a_coding_of_a_library_is_unpacked_where_it_is_installed(coding: str, module: str) -> None:
    library = pytest.importorskip(module)
    assert read(response(coding, library.compress(PLAIN))) == ResponseBody(PLAIN)
    with pytest.raises(UndecodableError, match="larger than 1 MiB"):
        decode_whole(library.compress(b"\0" * 3_000_000), coding, 1024 * 1024)
    with pytest.raises(UndecodableError):
        decode_whole(library.compress(PLAIN)[:-3], coding, 1024)
    with pytest.raises(UndecodableError):
        decode_whole(b"\xff" * 50, coding, 1024)


def test_without_the_library_a_packed_body_is_unknown_and_the_reason_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> Any:
        if name in {"brotli", "compression.zstd", "backports.zstd"}:
            raise ImportError(name)
        return import_module(name)

    monkeypatch.setattr("evolink_check.traffic.content_coding.import_module", missing)
    body = read(response("br", b"\x8b\xff\x80\x03"))
    assert (body.data, body.size) == (b"", 4)
    assert "no library for br" in body.problem


@pytest.mark.parametrize("end", [b"", b"\0" * 512, b"anything"])
def test_a_body_of_several_gzip_members_is_unpacked_whole(end: bytes) -> None:
    members = [gzip.compress(part) for part in (PLAIN[:5], b"", PLAIN[5:])]
    assert read(response("gzip", b"".join(members) + end)) == ResponseBody(PLAIN)
    decoder = Decoder("gzip")
    bytewise = b"".join(decoder.decode(bytes([byte]), 1024) for byte in b"".join(members))
    assert (bytewise, decoder.complete) == (PLAIN, True)


def test_a_body_of_several_zstd_frames_is_unpacked_whole() -> None:
    library = pytest.importorskip("backports.zstd")
    frames = library.compress(PLAIN[:5]) + library.compress(PLAIN[5:])
    assert read(response("zstd", frames)) == ResponseBody(PLAIN)


def test_base64_in_lines_or_without_padding_is_decoded() -> None:
    for text in (encodebytes(PLAIN * 9).decode(), encodebytes(PLAIN * 9).decode().rstrip("=\n")):
        recorded = Response(200, [Pair("X-A", "1")], Content(None, text, "base64"))
        assert read(recorded) == ResponseBody(PLAIN * 9)


def test_two_codings_are_undone_in_turn() -> None:
    assert read(response("deflate, gzip", gzip.compress(zlib.compress(PLAIN)))) == ResponseBody(PLAIN)


def test_a_body_that_the_tool_has_unpacked_is_left_as_it_is() -> None:
    assert read(response("br", PLAIN)) == ResponseBody(PLAIN)


def test_packed_bytes_that_were_taken_for_text_are_unpacked() -> None:
    packed = gzip.compress(PLAIN)
    recorded = Response(
        200, [Pair("content-encoding", "gzip")], Content(len(packed), packed.decode("latin-1"))
    )
    assert read(recorded) == ResponseBody(PLAIN)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(PLAIN, mtime=0)[:-9]),
        ("snappy", b"\xff\x06\x00\x00"),
        ("gzip", b"\xff\xfe nothing"),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_unknown_and_not_empty(coding: str, body: bytes) -> None:
    recorded = read(response(coding, body))
    assert (recorded.data, recorded.size) == (b"", len(body))
    assert recorded.problem


def test_a_body_is_unpacked_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(har_bodies, "LARGEST", 1024 * 1024)
    body = read(response("gzip", gzip.compress(b" " * 3_000_000)))
    assert (body.data, "larger than 1 MiB" in body.problem) == (b"", True)
    assert read(Response(200, [], Content(None, " " * 1_500_000))) == ResponseBody(b"", 1_500_000)


@pytest.mark.parametrize(
    ("status", "headers", "size"),
    [
        (200, [], 0),
        (500, [], 0),
        (200, [Pair("Content-Length", "0")], None),
        (204, [], None),
        (304, [], None),
    ],
)
def test_an_empty_body_of_unknown_size_is_unknown_unless_the_message_says_that_it_is_empty(
    status: int, headers: list[Pair], size: int | None
) -> None:
    recorded = Response(status, headers, Content(0, ""), size=-1)
    assert response_body("GET", status, recorded, streams=False) == ResponseBody(b"", size)


@pytest.mark.parametrize(
    ("content", "headers", "streams", "size"),
    [
        (Content(0, ""), {"content-length": "246"}, True, 246),
        (Content(0, ""), {"transfer-encoding": "chunked"}, True, 0),
        (Content(0, ""), {"content-length": "0"}, True, None),
        (Content(0, ""), {"content-length": "246"}, False, 246),
        (Content(-1, ""), {}, False, 0),
        (Content(0, ""), {}, False, None),
        (Content("246", None), {}, False, 246),
    ],
)
def test_a_body_that_was_streamed_past_the_recorder_is_unknown(
    content: Content, headers: dict[str, str], *, streams: bool, size: int | None
) -> None:
    pairs = [Pair(name, value) for name, value in headers.items()]
    assert read(Response(200, pairs, content), streams=streams) == ResponseBody(b"", size)
