"""Whether reports can be written is checked before a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from evolink_check.cli.output import check_files


@pytest.mark.parametrize(
    ("paths", "problem"),
    [(["no/x"], "there is no folder no"), (["/"], "is a folder"), (["-", "-"], "only one")],
)
def test_where_nothing_can_be_written_is_told_before(paths: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check_files([Path(path) for path in paths])
