"""How a run of a client ended: as it says itself, and what it left behind. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

End = Literal["success", "failure", "killed"]
_SIGNALS = {4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV"}
_SHELL = 128  # and a number: how a shell tells of a signal
_PYTHON = "Traceback (most recent call last):"
_BETWEEN = ("During handling of", "The above exception", "For more information", "Traceback (")
_CRASHES = re.compile(
    r"^(Node\.js v\d+|panic: |goroutine \d+ \[|Exception in thread |\s+at .+:\d+:\d+\)?$|thread '.*' panicked"
    r"|Unhandled exception|.*: unbound variable$|.*: syntax error)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Saved:
    """The file that a client was to save its result in. `whole`: nothing shows that a part of it is missing."""

    size: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run. Times are Unix seconds; the texts are without keys and may be cut in the middle.

    `end` is what the client says by its exit status, its output and its file, or that it had to be killed when its
    time was up. `status` is the exit status, -n when signal n ended it, None for a callable. `patience` is how many
    seconds the client says it waits for a task, None when it does not say. `saved` is None without a file.
    """

    end: End
    began: float
    ended: float
    status: int | None = None
    output: str = ""
    errors: str = ""
    saved: Saved | None = None
    patience: float | None = None

    @property
    def text(self) -> str:
        """All that the user can read."""
        return f"{self.output}\n{self.errors}"


def describe_crash(outcome: Outcome) -> str:
    """How a client crashed, in a few words; empty when it ended in words of its own, or well."""
    if outcome.end != "failure":
        return ""
    status = outcome.status or 0
    number = -status if status < 0 else status - _SHELL
    if number in _SIGNALS:
        return f"it died of {_SIGNALS[number]}"
    return _traceback(outcome.errors) or _other(outcome.errors)


def _traceback(errors: str) -> str:
    """The exception that a Python program ended with, when nothing of its own follows."""
    if _PYTHON not in errors:
        return ""
    lines = [line for line in errors.rpartition(_PYTHON)[2].splitlines() if line.strip()]
    flush = [line for line in lines if not line[0].isspace() and not line.startswith(_BETWEEN)]
    flush = [line for line in flush if not set(line) <= set("+-| ^~")]
    return f"a traceback: {flush[0][:120]}" if len(flush) == 1 else ""


def _other(errors: str) -> str:
    found = _CRASHES.search(errors)
    if found is None:
        return ""
    named = re.search(r"^(?:Uncaught )?\w*Error\b.*$", errors, re.MULTILINE)
    return f"a crash: {(named[0] if named else found[0]).strip()[:120]}"


def is_whole_mp4(content: bytes) -> bool:
    """Whether a file is a row of boxes, each as long as it says. What is no MP4 must not be a page or an error."""
    if content[4:8] != b"ftyp":
        return bool(content) and content.lstrip()[:1] not in {b"{", b"<"}
    at, size = 0, len(content)
    while at < size:
        length = int.from_bytes(content[at : at + 4])
        if length == 1:
            length = int.from_bytes(content[at + 8 : at + 16])
        at += length or size - at
        if 0 < length < 8:  # noqa: PLR2004  (bytes of a box's head)
            return False
    return at == size
