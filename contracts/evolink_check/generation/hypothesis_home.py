"""Set the folder in which Hypothesis stores its character tables, and write the largest of these tables in advance."""

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
    """Let Hypothesis write its tables to a temporary folder, not to the user's current folder.

    The largest table is written in advance, because Hypothesis would encode every character to compute the table, which
    takes a second.
    """
    from hypothesis.configuration import set_hypothesis_home_dir

    with temporary_folder("evolink-check-") as folder:
        _write_utf8_table(folder)
        set_hypothesis_home_dir(str(folder))
        try:
            with without_own_constants():
                yield
        finally:
            set_hypothesis_home_dir(None)


@contextmanager
def without_own_constants() -> Iterator[None]:
    """Keep Hypothesis from using constants that occur in the source files of evolink-check.

    Hypothesis would use these constants in generated requests if evolink-check runs from a checkout, but not if it is
    an installed package. Without the constants, the same seed generates the same requests in both cases.
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
    """Write the table of the characters that UTF-8 can encode, in the format of Hypothesis.

    The table consists of two lists. The first list contains the ranges of these characters. The second list is for
    characters that change when they are encoded and decoded again; UTF-8 changes none, so this list is empty. A
    version of Hypothesis that expects another file or format computes the table itself.
    """
    before, after = _SURROGATES[0] - 1, _SURROGATES[1] + 1
    table = [[[0, before], [after, sys.maxunicode]], []]
    place = folder / "unicode_data" / unicodedata.unidata_version / "codec-v2-utf-8.json.gz"
    place.parent.mkdir(parents=True)
    place.write_bytes(gzip.compress(json.dumps(table).encode(), mtime=0))
