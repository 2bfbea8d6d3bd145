"""HAR files are read plain, packed, and from zip files with attachments."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest
from evolink_check.traffic.har import file_loading as har_files
from evolink_check.traffic.har.file_loading import load_archives

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT: dict[str, Any] = {"log": {"version": "1.2", "entries": []}}
RAW = json.dumps(DOCUMENT).encode()


def written(folder: Path, name: str, raw: bytes) -> Path:
    path = folder / name
    path.write_bytes(raw)
    return path


def with_attachment(name: str = "a1.json") -> dict[str, Any]:
    entry = {
        "request": {"postData": {"mimeType": "application/json", "text": "", "_file": name}},
        "response": {"content": {"size": 2, "_file": name}},
    }
    return {"log": {"entries": [entry, {"request": None}, 5]}}


def bodies(document: Any) -> list[Any]:
    entry = document["log"]["entries"][0]
    return [entry["request"]["postData"].get("text"), entry["response"]["content"].get("text")]


@pytest.mark.parametrize(
    "raw", [RAW, b"\xef\xbb\xbf" + RAW, gzip.compress(RAW, mtime=0), json.dumps(DOCUMENT).encode("utf-16")]
)
def test_a_file_is_read_whatever_its_packing_and_encoding(tmp_path: Path, raw: bytes) -> None:
    path = written(tmp_path, "a.har.gz", raw)
    assert load_archives(path) == [(str(path), DOCUMENT)]


def test_a_file_packed_with_zstd_is_read(tmp_path: Path) -> None:
    zstd = pytest.importorskip("backports.zstd")
    path = written(tmp_path, "a.har.zst", zstd.compress(RAW))
    assert load_archives(path) == [(str(path), DOCUMENT)]


def test_each_archive_in_a_zip_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "har.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("a.har", RAW)
        archive.writestr("notes.txt", "x")
        archive.writestr("b/b.har", RAW)
    assert load_archives(path) == [(f"{path}:a.har", DOCUMENT), (f"{path}:b/b.har", DOCUMENT)]


def test_an_archive_in_a_zip_file_is_found_in_any_case_and_packing(tmp_path: Path) -> None:
    path = tmp_path / "har.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("A.HAR", RAW)
        archive.writestr("b.har.gz", gzip.compress(RAW[:9]) + gzip.compress(RAW[9:]))
        archive.writestr("__MACOSX/._A.HAR", b"\x00\x05\x16\x07")
    assert load_archives(path) == [(f"{path}:A.HAR", DOCUMENT), (f"{path}:b.har.gz", DOCUMENT)]


def test_attachments_in_a_folder_of_a_zip_file_are_the_bodies(tmp_path: Path) -> None:
    path = tmp_path / "har.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("monday/har.har", json.dumps(with_attachment()))
        archive.writestr("monday/a1.json", "{}")
    assert bodies(load_archives(path)[0][1]) == ["e30=", "e30="]


def test_attachments_in_a_zip_file_are_the_bodies(tmp_path: Path) -> None:
    path = tmp_path / "har.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("har.har", json.dumps(with_attachment()))
        archive.writestr("a1.json", "{}")
    ((name, document),) = load_archives(path)
    assert (name, bodies(document)) == (str(path), ["e30=", "e30="])


def test_attachments_beside_a_file_are_the_bodies(tmp_path: Path) -> None:
    written(tmp_path, "a1.json", b"{}")
    path = written(tmp_path, "a.har", json.dumps(with_attachment()).encode())
    assert bodies(load_archives(path)[0][1]) == ["e30=", "e30="]


@pytest.mark.parametrize("name", ["../a1.json", "..\\a1.json", "missing.json", "..", "/etc/hostname"])
def test_only_a_file_of_the_same_folder_is_an_attachment(tmp_path: Path, name: str) -> None:
    written(tmp_path, "a1.json", b"{}")
    (tmp_path / "folder").mkdir()
    path = written(tmp_path / "folder", "a.har", json.dumps(with_attachment(name)).encode())
    assert bodies(load_archives(path)[0][1]) == ["", None]


def test_an_attachment_that_is_larger_than_a_body_may_be_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(har_files, "LARGEST", 1)
    written(tmp_path, "a1.json", b"{}")
    path = written(tmp_path, "a.har", json.dumps(with_attachment()).encode())
    assert bodies(load_archives(path)[0][1]) == ["", None]


def test_a_file_is_unpacked_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(har_files, "LARGEST_FILE", 1024 * 1024)
    path = written(tmp_path, "a.har.gz", gzip.compress(b" " * 2_000_000))
    with pytest.raises(ValueError, match=r"a\.har\.gz: not a HAR file: larger than 1 MiB"):
        load_archives(path)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", "not a HAR file: invalid JSON"),
        (b"[" * 100_000, "not a HAR file: (nested too deeply|invalid JSON)"),
        (gzip.compress(RAW, mtime=0)[:-9], "not a HAR file: incomplete gzip"),
        (b"PK\x03\x04nothing", "invalid zip file"),
    ],
)
def test_what_is_not_a_har_file_is_named(tmp_path: Path, raw: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=rf"bad\.har: {reason}"):
        load_archives(written(tmp_path, "bad.har", raw))


def test_a_zip_file_without_an_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "other.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(ValueError, match=r"other\.zip: no \.har file in the zip file"):
        load_archives(path)


def test_a_number_of_thousands_of_digits_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, "a.har", b'{"log": {"entries": [], "size": ' + b"9" * 5000 + b"}}")
    assert load_archives(path)[0][1]["log"]["size"] == float("inf")
