"""Whether reports can be written is checked before a run, and a file that fails after all costs no other."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TextIO

import pytest
from evolink_check.cli.reports.writing import check_files, write_reports
from evolink_check.reports.baseline import Baseline, read


@pytest.mark.parametrize(
    ("paths", "problem"),
    [(["no/x"], "there is no folder no"), (["/"], "is a folder"), (["-", "-"], "only one")],
)
def test_where_nothing_can_be_written_is_told_before(paths: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check_files([Path(path) for path in paths])


FULL = Path("/dev/full")
MAKERS = {name: f"{name} of {{}}".format for name in ("json", "html", "markdown")}


def show(result: str, file: TextIO) -> None:
    file.write(f"shown: {result}\n")


def test_a_file_that_cannot_be_written_costs_no_other_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = {"json": FULL, "html": tmp_path / "r.html", "markdown": tmp_path / "r.md"}
    known = (tmp_path / "known.json", Baseline())
    with pytest.raises(ValueError, match=r"^/dev/full: cannot be written: No space left on device$"):
        write_reports("run", paths, MAKERS, show, baseline=known)
    assert (tmp_path / "r.html").read_text() == "html of run"
    assert (tmp_path / "r.md").read_text() == "markdown of run"
    assert read(tmp_path / "known.json") == Baseline()
    assert capsys.readouterr().out == "shown: run\n"


def test_a_baseline_that_cannot_be_written_costs_no_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match=r"^/dev/full: cannot be written"):
        write_reports("run", {"html": tmp_path / "r.html"}, MAKERS, show, baseline=(FULL, Baseline()))
    assert (tmp_path / "r.html").is_file()
    told = capsys.readouterr()
    assert (told.out, told.err) == ("shown: run\n", ""), "no line says that the baseline was written"


def test_the_text_moves_to_stderr_if_a_report_is_written_to_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdout = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr("sys.stdout", stdout)
    write_reports("run", {"json": Path("-")}, MAKERS, show)
    assert stdout.buffer.getvalue() == b"json of run"
    assert capsys.readouterr().err == "shown: run\n"
