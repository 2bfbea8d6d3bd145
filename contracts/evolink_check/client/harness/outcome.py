"""How a run of a client ended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

End = Literal["success", "failure", "killed"]
_SIGNALS = {4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV"}
SAMPLES = 6  # if a client connects immediately after this many openings of a port, this is no coincidence
_LATE = 2  # this many late connections prove nothing: the first one, and one that a busy machine delayed
_AT_ONCE = 0.1  # a connection this many seconds after the port opened counts as immediate
_FLOOD = 11  # connections in a second; a client whose waits double from 50 ms on makes only five
_SHELL = 128  # a shell returns 128 plus the number of the signal that killed a command
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
    """The file in which a client saved its result."""

    size: int
    whole: bool  # whether no part of the file seems to be missing
    media: bool = True  # whether the file may be an image, a video or audio


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one run of a client or receiver ended. Times are Unix seconds."""

    end: End  # the result that the client reported, or "killed" if the client exceeded its time limit
    began: float
    ended: float
    status: int | None = None  # the exit status; -n if signal n ended the client; None for a callable
    # The texts on stdout and stderr, without API keys, and without the middle of a long text.
    output: str = ""
    errors: str = ""
    saved: SavedFile | None = None  # None if there is no result file
    patience: float | None = None  # how many seconds the client waits for a task; None if unknown
    answers: str = ""  # the HTTP statuses of a callback receiver's responses; empty for a client
    wrote: bool = False  # False only if the client's working directory is known and has no new file
    asked_to_save: bool = False  # whether the command contains the path of the result file
    leaks: tuple[str, ...] = ()  # a description of each place where the client printed or wrote a secret
    overslept: bool = False  # whether a callable was about to sleep for longer than its patience
    # Some scenarios have a port that refuses connections, but is opened for a second now and then. These are the number
    # of connections in each such second, and the seconds from each opening to the first connection. `delays` also has
    # the seconds of earlier runs of the scenario.
    attempts: tuple[int, ...] = ()
    delays: tuple[float, ...] = ()
    delay: float = 0.0  # the estimated number of seconds by which other programs delayed the client

    @property
    def is_undecided(self) -> bool:
        """Whether it is unknown if the client has a deadline of its own.

        If true, the client was killed after `patience` seconds or later. Minus `delay`, the duration of the run is less
        than `patience`.
        """
        ran = self.ended - self.began
        return self.end == "killed" and self.patience is not None and ran - self.delay < self.patience <= ran

    @property
    def has_flooded(self) -> bool:
        """Whether the client hardly waited between its attempts to connect.

        The port refuses connections, but is opened for a second now and then. True if the client made many connections
        within one such second. Also true if `is_suspicious` is true after `SAMPLES` or more immediate connections.
        """
        quick = sum(delay < _AT_ONCE for delay in self.delays)
        return max(self.attempts, default=0) >= _FLOOD or (self.is_suspicious and quick >= SAMPLES)

    @property
    def is_suspicious(self) -> bool:
        """Whether the client connected immediately almost every time the port was opened.

        The port refuses connections, but is opened for a second now and then. A single run like this may be a
        coincidence. Several such runs show that the client does not wait between its attempts.
        """
        return len(self.delays) > 0 and sum(delay >= _AT_ONCE for delay in self.delays) <= _LATE

    @property
    def text(self) -> str:
        """`output`, followed by `errors`, in one text."""
        return f"{self.output}\n{self.errors}"


def describe_crash(outcome: Outcome) -> str:
    """Describe briefly how the client crashed, such as "it was killed by SIGSEGV".

    Returns an empty text if the client did not crash. A failure with an error message is not a crash.
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
    """Whether a file may be an image, a video or audio.

    An empty file, an HTML file or a JSON file is no such file.
    """
    return bool(content) and content.lstrip()[:1] not in {b"{", b"<", b"[", b""}


def is_whole_mp4(content: bytes) -> bool:
    """Whether an MP4 file is a complete sequence of boxes.

    For a file of another type, return `is_media`.
    """
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
