"""Set the folder for the character tables of Hypothesis. Write the UTF-8 table to the folder."""

from __future__ import annotations

import gzip
import json
import sys
import unicodedata
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from evolink_check.files import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SURROGATES = (0xD800, 0xDFFF)


@contextmanager
def temporary_hypothesis_home() -> Iterator[None]:
    """Let Hypothesis write its tables to a temporary folder, not to the current folder."""
    from hypothesis.configuration import set_hypothesis_home_dir

    with temporary_folder("evolink-check-") as folder:
        # to compute the largest table, Hypothesis would encode every character, which takes a second
        _write_utf8_table(folder)
        set_hypothesis_home_dir(str(folder))
        try:
            with without_own_constants():
                yield
        finally:
            set_hypothesis_home_dir(None)


@contextmanager
def without_own_constants() -> Iterator[None]:
    """Keep Hypothesis from using constants in the source files of evolink-check.

    Hypothesis uses these constants in a checkout, but not in an installed package. Without the constants, the same seed
    generates the same requests in both cases.
    """
    providers: Any = import_module("hypothesis.internal.conjecture.providers")
    is_local = getattr(providers, "is_local_module_file", None)
    if is_local is None:  # another version of Hypothesis
        yield
        return
    providers.is_local_module_file = lambda _: False
    try:
        yield
    finally:
        providers.is_local_module_file = is_local


def _write_utf8_table(folder: Path) -> None:
    before, after = _SURROGATES[0] - 1, _SURROGATES[1] + 1
    # The first list contains the ranges of the characters that UTF-8 can encode. The second list would contain
    # characters that change when they are encoded and decoded again.
    table = [[[0, before], [after, sys.maxunicode]], []]
    # a version of Hypothesis with another file name or format computes the table itself
    place = folder / "unicode_data" / unicodedata.unidata_version / "codec-v2-utf-8.json.gz"
    place.parent.mkdir(parents=True)
    place.write_bytes(gzip.compress(json.dumps(table).encode(), mtime=0))
