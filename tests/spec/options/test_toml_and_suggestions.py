"""TOML files and nearest words, as both commands use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from evolink_spec.options.suggestions import did_you_mean, nearest
from evolink_spec.options.toml import read_toml

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("content", [b"port 9000", b"name = '\xff'", b"a = 1\na = 2\n"])
def test_a_file_that_is_not_toml_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.toml: invalid TOML: "):
        read_toml(file)


def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no\.toml: cannot be read: No such file"):
        read_toml(tmp_path / "no.toml")


def test_the_nearest_word_is_suggested_and_none_that_is_not_like_it() -> None:
    assert nearest("prot", ("port", "host")) == "port"
    assert did_you_mean("prot", ("port", "host"), "X_") == " (did you mean X_port?)"
    assert did_you_mean("zzz", ("port", "host")) == ""
