"""The tables of Hypothesis: in a temporary folder, the largest one as Hypothesis itself computes it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from evolink_check.generation import hypothesis_home
from evolink_check.generation.hypothesis_home import temporary_hypothesis_home
from hypothesis.configuration import storage_directory
from hypothesis.internal.charmap import charmap_file, intervals_from_codec


def test_the_table_of_utf_8_is_there_and_equals_the_one_that_hypothesis_computes() -> None:
    with temporary_hypothesis_home():
        table = charmap_file("codec-v2-utf-8")
        ours, written = intervals_from_codec.__wrapped__("utf-8"), table.stat().st_mtime_ns
        table.unlink()
        theirs = intervals_from_codec.__wrapped__("utf-8")
        assert ours == theirs
        assert table.stat().st_mtime_ns > written


def test_the_folder_is_removed_and_hypothesis_returns_to_its_own() -> None:
    before = Path(storage_directory().path)
    with temporary_hypothesis_home():
        temporary = Path(storage_directory().path)
        assert temporary.is_dir()
        assert temporary != before
    assert not temporary.exists()
    assert Path(storage_directory().path) == before


def test_no_source_of_a_checkout_is_parsed_for_constants() -> None:
    providers: Any = import_module("hypothesis.internal.conjecture.providers")
    local = providers.is_local_module_file
    assert local(hypothesis_home.__file__)
    with temporary_hypothesis_home():
        assert not providers.is_local_module_file(hypothesis_home.__file__)
    assert providers.is_local_module_file is local
