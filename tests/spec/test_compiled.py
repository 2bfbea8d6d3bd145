"""The compiled contract is the contract that reading gives, and is never taken when it is not."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from evolink_spec import compiled, load, loading

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another compiled.json, the same as ours at first."""
    path = tmp_path / "compiled.json"
    path.write_bytes(compiled.COMPILED.read_bytes())
    monkeypatch.setattr(compiled, "COMPILED", path)
    return path


def test_what_is_compiled_equals_what_reading_gives() -> None:
    found = compiled.read()
    assert found is not None, "stale: run python -m evolink_spec"
    assert compiled.expand(found) == loading.load()


def test_compiling_again_changes_no_byte(elsewhere: Path) -> None:
    before = elsewhere.read_bytes()
    elsewhere.unlink()
    compiled.main()
    assert elsewhere.read_bytes() == before


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"sources": {}}'])
def test_an_unreadable_file_is_as_good_as_none(elsewhere: Path, text: bytes) -> None:
    elsewhere.write_bytes(text)
    assert compiled.read() is None
    assert load() == loading.load()


def test_a_missing_file_is_as_good_as_none(elsewhere: Path) -> None:
    elsewhere.unlink()
    assert compiled.read() is None


@pytest.mark.parametrize("source", sorted(compiled.sources()))
def test_a_source_that_has_changed_is_read_again(elsewhere: Path, source: str) -> None:
    elsewhere.write_bytes(elsewhere.read_bytes().replace(compiled.sources()[source].encode(), b"0" * 64))
    assert compiled.read() is None
    assert load() == loading.load()


def test_named_documents_are_read_not_taken_from_the_compiled(tmp_path: Path) -> None:
    given = tmp_path / "other.json"
    vendored = loading.vendored()[0]
    given.write_bytes(vendored.read_bytes())
    (operation,) = load(given).creates["POST", "/v1/videos/generations"].values()
    assert operation.source == str(given)


def test_loading_the_built_in_documents_imports_neither_yaml_nor_jsonpath() -> None:
    code = "import sys, evolink_spec; evolink_spec.load(); print({'yaml', 'jsonpath_rfc9535'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
