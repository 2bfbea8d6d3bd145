"""Check before a run that its reports can be written. Write them after the run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

from evolink_check.cli.output import say
from evolink_check.cli.reports.summary_files import write_markdown
from evolink_check.files import STDOUT, check_writable, is_special, write

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path
    from typing import TextIO

    from evolink_check.reports.baseline import Baseline

Result = TypeVar("Result")


def check_files(paths: Collection[Path]) -> None:
    """Raise ValueError if a report file cannot be written.

    Call this before a run.
    """
    # A problem after the run could cost the results.
    plain = [path.resolve() for path in paths if path != STDOUT and not is_special(path)]
    if list(paths).count(STDOUT) > 1:
        raise ValueError("only one report can go to stdout")
    for path in paths:
        check_writable(path)
        if plain.count(path.resolve()) > 1:
            raise ValueError(f"{path}: two reports cannot be written to the same file")


def write_reports(
    result: Result,
    paths: Mapping[str, Path],
    makers: Mapping[str, Callable[[Result], str | bytes]],
    show: Callable[[Result, TextIO], None],
    *,
    baseline: tuple[Path, Baseline] | None = None,
) -> None:
    """Write the report files and a new `baseline`, and print the report with `show`.

    For each wanted format, such as `json`, `paths` has the path of the file. For each format, `makers` has the function
    that makes the content of the file. If a report is written to stdout, `show` prints to stderr. Raises ValueError at
    the end if a file could not be written.
    """
    problems = []

    def attempt(path: Path, write_file: Callable[[Path, str | bytes], None], content: str | bytes) -> None:
        try:
            write_file(path, content)
        except OSError as problem:
            file = "stdout" if path == STDOUT else path
            problems.append(f"{file}: cannot be written: {problem.strerror or problem}")

    for name, path in paths.items():  # one content after the other, because a content can be large
        attempt(path, write_markdown if name == "markdown" else write, makers[name](result))
    if baseline is not None:
        from evolink_check.reports.baseline import to_json

        attempt(baseline[0], write, to_json(baseline[1]))
    show(result, sys.stderr if STDOUT in paths.values() else sys.stdout)
    if problems:
        raise ValueError("; ".join(problems))
    if baseline is not None:
        path, count = baseline[0], len(baseline[1].known)
        say(f"{path} now has {count} {'entry' if count == 1 else 'entries'}")
