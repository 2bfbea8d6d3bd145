"""Find what a run lacked to observe a clause.

A run can lack an option, an API key, a budget, or traffic.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_spec.clauses import Clause

    from evolink_check.analysis.verdicts import Verdict

Kind = Literal["api", "recording", "proxy", "client", "receiver"]
Means = Literal[
    # of a server check
    "credits", "more-credits", "other-key", "limited-key", "poor-key", "denied-key", "failing", "callbacks", "clock",
    "real-speed", "deep",
    # of a recording
    "complete",
    # of a client or a receiver
    "all-scenarios", "callback-url", "output-file", "ledger", "queries", "secret", "command",
]  # fmt: skip
_FILE = "in the file of --config"
_OTHER_TRAFFIC = "traffic that shows it"
_HIDDEN = "evidence that is not in the traffic"
_TEXTS: dict[Means, str] = {
    "credits": "--max-credits N",
    "more-credits": "a larger --max-credits",
    "other-key": "the key of another account: --other-token or EVOLINK_OTHER_API_KEY",
    "limited-key": f"`[[keys]]` with `limited = true` {_FILE}",
    "poor-key": f"`[[keys]]` with `credits = false` {_FILE}",
    "denied-key": f"`[[keys]]` with `access = false` {_FILE}",
    "failing": f"`[[failing]]`, a request whose task fails, {_FILE}",
    "callbacks": "--callback-url and --callback-listen",
    "clock": f"`[clock] advance_url` {_FILE}",
    "real-speed": "a server at real speed, without --scale",
    "deep": "--profile deep",
    "complete": "--complete, if the recording contains all requests of the clients",
    "all-scenarios": "all scenarios: run it without --scenario",
    "callback-url": "a command with {callback_url} and {callback_listen}",
    "output-file": "a command with {output}",
    "ledger": "--ledger",
    "queries": "a receiver that queries the mock: COMMAND, or --mock",
    "secret": "--secret",
    "command": "a COMMAND, whose output can be read",
}
# Patterns of clause ids, each with what a run needs to observe these clauses. The first match applies.
_BY_CLAUSE: dict[Kind, tuple[tuple[str, Means], ...]] = {
    "api": (
        (r"rate\..*|(create|query)\.error-429", "limited-key"),
        (r"model\.access|create\.error-403", "denied-key"),
        (r"credits\.short|create\.error-402", "poor-key"),
        (r"query\.(own-tasks|error-403)", "other-key"),
        (r"failure\.(?!cancelled).*|task\.(progress-failed|error-when-failed)|credits\.refund", "failing"),
        (r"link\.expired", "clock"),
        (r"callback\.(?!https-only|max-length|uri|no-internal$|unresolved|cancelled).*", "callbacks"),
        (r"task\.(created|progress-.*)", "real-speed"),
    ),
    "recording": ((r"client\.(no-abandon|fetches-result)|receiver\..*", "complete"),),
    "proxy": ((r"client\.(no-abandon|fetches-result)|receiver\..*", "complete"),),
    "client": (
        (r"receiver\..*|client\.callback-url", "callback-url"),
        (r"client\.checks-result", "output-file"),
    ),
    "receiver": (
        (r"receiver\.(takes-effect|failed-is-failure|confirmed)", "ledger"),
        (r"receiver\.(asks-.*|fallback|no-flood)", "queries"),
        (r"receiver\.secret", "secret"),
        (r".*\.(no-leak|not-printed)", "command"),
    ),
}
# What may help to observe any other clause. A report suggests the first thing in the tuple that the run lacks.
_IN_GENERAL: dict[Kind, tuple[Means, ...]] = {
    "api": ("credits", "more-credits", "deep"),
    "recording": (),
    "proxy": (),
    "client": ("all-scenarios",),
    "receiver": ("all-scenarios",),
}
_NO_OPTION = re.compile(
    r".*\.error-(402|500)|(failure|callback)\.cancelled"
)  # clauses that no option helps to observe, because they depend on what the server does by itself


@dataclass(frozen=True, slots=True)
class Conditions:
    """The properties of a run that decide which clauses the run can observe."""

    kind: Kind = "recording"
    means: frozenset[Means] = frozenset()  # such as options, API keys or a budget
    cannot: frozenset[str] = frozenset()  # ids of clauses that the configuration file declares unobservable

    def needs(self, clause: Clause) -> str:
        """Describe what a run of this kind needs to observe the clause."""
        if clause.observed.where == "unseen":
            return f"{_HIDDEN}: {clause.observed.by}"
        if clause.id in self.cannot:
            return f"a file of --config whose `cannot` does not list {clause.id}"
        missing = self._missing(clause)
        if missing:
            return ", and ".join(_TEXTS[means] for means in missing)
        return f"{_OTHER_TRAFFIC}: {clause.observed.by}"

    def _missing(self, clause: Clause) -> list[Means]:
        wanted = next(
            (means for pattern, means in _BY_CLAUSE[self.kind] if re.fullmatch(pattern, clause.id)), None
        )
        specific = [wanted] if wanted and wanted not in self.means else []
        if not specific and self.kind == "api" and _NO_OPTION.fullmatch(clause.id):
            return []
        general = [means for means in _IN_GENERAL[self.kind] if means not in self.means][:1]
        is_free = self.kind != "api" or general != ["credits"]
        return [*specific, *([] if specific and is_free else general)]


NO_CONDITIONS = Conditions()


def needs_by_text(conditions: Conditions, verdicts: Iterable[Verdict]) -> list[tuple[str, list[str]]]:
    """Group the unobserved clauses by what a run needs to observe them.

    Each pair contains a text about the need, and the ids of the clauses. The largest group comes first.
    """
    clauses: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.status == "not observed":
            needed = conditions.needs(verdict.clause)
            text, colon, _ = needed.partition(": ")
            general = text in {_OTHER_TRAFFIC, _HIDDEN}
            clauses.setdefault(text if general and colon else needed, []).append(verdict.clause.id)
    return sorted(clauses.items(), key=lambda item: -len(item[1]))
