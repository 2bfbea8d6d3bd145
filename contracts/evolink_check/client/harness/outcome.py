"""How a client's run ended: the result that the client reports, and the file that it saved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

End = Literal["success", "failure", "killed"]
_SIGNALS = {4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV"}
SAMPLES = 6  # if a client connects at once this number of times, it is no coincidence
_LATE = 2  # up to this number of late connections proves nothing: the first one, and one on a busy machine
_AT_ONCE = 0.1  # a connection within these seconds of the end of a refusal counts as made at once
_FLOOD = 11  # connections within a second; a client whose waits double from 50 ms on makes only five
_SHELL = 128  # a shell returns this plus the number of the signal that killed a command
_PYTHON = "Traceback (most recent call last):"
_BETWEEN = ("During handling of", "The above exception", "For more information", "Traceback (")
_CRASHES = re.compile(
    r"^(Node\.js v\d+|panic: |goroutine \d+ \[|Exception in thread |\s+at .+:\d+:\d+\)?$|thread '.*' panicked"
    r"|Unhandled exception|.*: unbound variable$|.*: syntax error|PHP Fatal error: |Fatal error: Uncaught "
    r"|\s+at [\w.$<>]+\([\w$]+\.(java|kt|scala):\d+\)|\s+from \S+:\d+:in )",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class SavedFile:
    """The file in which a client saved its result.

    `whole` means that, as far as can be seen, no part is missing. `media` means that the file is neither empty nor an
    HTML page or JSON.
    """

    size: int
    whole: bool
    media: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one run ended. Times are Unix seconds. The texts contain no keys and may be cut in the middle.

    `end` is the result that the client reports by its exit status, output and file, or "killed" if the client exceeded
    its time limit. `status` is the exit status, -n if signal n ended the client, and None for a callable. `patience` is
    how many seconds the client waits for a task according to its description, None if unknown. `saved` is None if there
    is no result file. `wrote` says whether there is any new file in the folder of the run, and `asked_to_save` says
    whether the command contains the path of the result file. `leaks` describes the places where a secret was printed or
    written. `overslept` means that a callable was about to sleep for longer than its patience. `delay` is the estimated
    number of seconds by which other programs on the machine delayed the client.

    `attempts` and `delays` are about a port that refuses connections but is opened now and then. `attempts` has the
    number of connections that the client made each time the port was open, and `delays` has the seconds from each
    opening to the first connection. `answers` lists the statuses that a receiver returned; it is empty for a client.
    """

    end: End
    began: float
    ended: float
    status: int | None = None
    output: str = ""
    errors: str = ""
    saved: SavedFile | None = None
    patience: float | None = None
    answers: str = ""
    wrote: bool = False
    asked_to_save: bool = False
    leaks: tuple[str, ...] = ()
    overslept: bool = False
    attempts: tuple[int, ...] = ()
    delays: tuple[float, ...] = ()
    delay: float = 0.0

    @property
    def is_undecided(self) -> bool:
        """Whether the client was killed after its deadline, perhaps only because other programs delayed it."""
        ran = self.ended - self.began
        return self.end == "killed" and self.patience is not None and ran - self.delay < self.patience <= ran

    @property
    def has_flooded(self) -> bool:
        """Whether the client hardly waited between its connections while the server refused them.

        This is true if the client made many connections within a second. It is also true if the client gave up too
        early to make so many, but in several runs connected at once each time that connections were possible.
        """
        quick = sum(delay < _AT_ONCE for delay in self.delays)
        return max(self.attempts, default=0) >= _FLOOD or (self.is_suspicious and quick >= SAMPLES)

    @property
    def is_suspicious(self) -> bool:
        """Whether the client, as far as is known, connected at once each time that connections became possible again.

        A few later connections do not disprove this.
        """
        return len(self.delays) > 0 and sum(delay >= _AT_ONCE for delay in self.delays) <= _LATE

    @property
    def text(self) -> str:
        """Everything that the client printed."""
        return f"{self.output}\n{self.errors}"


def describe_crash(outcome: Outcome) -> str:
    """Describe a crash in a few words.

    Return an empty text if the client succeeded or printed an error message of its own.
    """
    if outcome.end != "failure":
        return ""
    status = outcome.status or 0
    number = -status if status < 0 else status - _SHELL
    if number in _SIGNALS:
        return f"it was killed by {_SIGNALS[number]}"
    crash = _find_traceback(outcome.errors) or _find_crash(outcome.errors)
    if crash or outcome.errors.strip():
        return crash
    return _find_traceback(outcome.output) or _find_crash(outcome.output)


def _find_traceback(errors: str) -> str:
    """Return the exception that ended a Python program; empty if the program printed more after the traceback."""
    if _PYTHON not in errors:
        return ""
    lines = [line for line in errors.rpartition(_PYTHON)[2].splitlines() if line.strip()]
    flush = [line for line in lines if not line[0].isspace() and not line.startswith(_BETWEEN)]
    flush = [line for line in flush if not set(line) <= set("+-| ^~")]
    return f"a traceback: {flush[0][:120]}" if len(flush) == 1 else ""


def _find_crash(errors: str) -> str:
    crash = _CRASHES.search(errors)
    if crash is None:
        return ""
    error = re.search(r"^(?:Uncaught )?\w*Error\b.*$", errors, re.MULTILINE)
    return f"a crash: {(error or crash)[0].strip()[:120]}"


def is_media(content: bytes) -> bool:
    """Whether a file may be media, which means that it is neither empty nor an HTML page or JSON."""
    return bool(content) and content.lstrip()[:1] not in {b"{", b"<", b"[", b""}


def is_whole_mp4(content: bytes) -> bool:
    """Whether a file is a complete sequence of MP4 boxes. A file of another kind passes if `is_media` accepts it."""
    if content[4:8] != b"ftyp":
        return is_media(content)
    at, size = 0, len(content)
    while at < size:
        length = int.from_bytes(content[at : at + 4])
        if length == 1:
            length = int.from_bytes(content[at + 8 : at + 16])
        at += length or size - at
        if 0 < length < 8:  # noqa: PLR2004  (bytes of a box header)
            return False
    return at == size
