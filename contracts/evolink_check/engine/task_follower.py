"""A task from its create to the end of its result, asked about as a curious client would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evolink_check.analysis.observations import results_of
from evolink_check.generation.case import Case
from evolink_check.traffic.formats import decode_json
from evolink_check.traffic.trace import MAIN, NOBODY, OTHER, WRONG
from evolink_check.transport.downloads import fetch

if TYPE_CHECKING:
    from random import Random

    from evolink_spec import Spec

    from evolink_check.engine.task_plan import PlannedTask
    from evolink_check.traffic.trace import Entry
    from evolink_check.transport.target import Target

_SHORTEST, _LONGEST = 0.2, 5.0  # seconds between two polls
_SHARE = 0.4  # of its age that a task is left alone for at most
_AFTER = 3  # polls after the end


@dataclass(slots=True)
class TrackedTask:
    """A task that was made. `ended`: when its end was first seen, by the trace's clock; 0 before."""

    errand: PlannedTask
    id: str
    ended: float = 0.0
    status: str = ""
    results: tuple[str, ...] = ()


def from_create(errand: PlannedTask, made: Entry) -> TrackedTask | None:
    """The task that the answer to a create tells of; None when there is none."""
    id_ = _object(made).get("id")
    success = 200 <= made.exchange.status < 300  # noqa: PLR2004
    return TrackedTask(errand, id_) if success and isinstance(id_, str) else None


class TaskFollower:
    """Follows tasks: each call does one thing and returns; `follow` does all. Any number of threads may."""

    def __init__(self, target: Target, spec: Spec, seconds: float) -> None:
        self._target = target
        self._query = spec.query
        self._seconds = seconds

    def begin(self, errand: PlannedTask) -> TrackedTask | None:
        """Create the task and ask for it at once; None when there is none. Raises `Halted` instead of sending."""
        life = from_create(errand, self._target.send(errand.case))
        if life is not None:
            self.poll(life)
        return life

    def follow(self, life: TrackedTask, random: Random) -> TrackedTask:
        """Ask until it has ended or was waited for long enough, and some more; let strangers ask; fetch its results.

        Every other task is asked for by strangers while it runs, the rest when it is over.
        """
        early = random.random() < 0.5  # noqa: PLR2004  (even chances)
        if early:
            self.strangers(life)
        self.until_end(life, random)
        if not early:
            self.strangers(life)
        for url in (
            () if life.errand.address else life.results
        ):  # of those that call back, the callback is the point
            fetch(self._target, url, f"{life.errand.case.name}: its result")
        return life

    def until_end(self, life: TrackedTask, random: Random) -> None:
        """Poll at random instants until the end, or for as long as one task is waited for."""
        waited = 0.0
        while not life.ended and waited < self._seconds:
            pause = random.uniform(_SHORTEST, min(_LONGEST, max(2 * _SHORTEST, _SHARE * waited)))
            self._target.pause(pause)
            waited += pause
            self.poll(life)
        for _ in range(_AFTER if life.ended else 0):
            self._target.pause(random.uniform(_SHORTEST, 2 * _SHORTEST))
            self.poll(life)

    def poll(self, life: TrackedTask) -> None:
        """Ask once."""
        entry = self._target.send(self._case(life, MAIN))
        answer, words = _object(entry), self._query.statuses
        if not life.ended and answer.get("status") in {words.success, words.failure}:
            life.ended, life.status = entry.ended, answer["status"]
            life.results = tuple(dict.fromkeys(results_of(answer)))

    def strangers(self, life: TrackedTask) -> None:
        """Those ask who must not be told: another account, a key that nobody has, and no key."""
        others = [OTHER] if OTHER in self._target.subject.keys else []
        wrong = [] if self._target.subject.any_key else [WRONG]
        for key in (*others, *wrong, NOBODY):
            self._target.send(self._case(life, key))

    def _case(self, life: TrackedTask, key: str) -> Case:
        path = self._query.path.replace(f"{{{self._query.parameter}}}", life.id)
        name = f"{life.errand.case.name}: asked for" + ("" if key == MAIN else f" by {key}")
        return Case(name, (), self._query.method, path, key=key)


def _object(entry: Entry) -> dict[str, Any]:
    """The JSON object of an answer; empty when it is none."""
    answer = decode_json(entry.exchange.response_body)
    return answer if isinstance(answer, dict) else {}
