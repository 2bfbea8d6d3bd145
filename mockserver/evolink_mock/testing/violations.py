"""Compare the violations that a mock recorded with the violations that a test expects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolink_mock.testing.models import ViolationList

_WARNING = "warning: "  # prefix of the text on an accepted request that is probably a mistake


class ContractViolationError(AssertionError):
    """A request violated the contract unexpectedly, or an expected violation did not occur."""


def problems(recorded: ViolationList, expected: Sequence[str]) -> list[str]:
    """Return a line for each unexpected violation and each unmatched pattern.

    `expected` contains regular expressions. An unexpected violation is ignored if its text begins with `warning:`. One
    more line gives the number of earlier violations that the mock has removed.
    """
    lines = [
        f"{violation.method} {violation.path} was answered {violation.status}: {violation.text}"
        for violation in recorded.violations
        if not violation.text.startswith(_WARNING)
        and not any(re.search(pattern, violation.text) for pattern in expected)
    ]
    if recorded.dropped:
        lines.append(
            f"{recorded.dropped} earlier violations are not shown: the mock keeps the last ones only"
        )
    return lines + [
        f"a violation matching {pattern!r} was expected, and none occurred"
        for pattern in expected
        if not any(re.search(pattern, violation.text) for violation in recorded.violations)
    ]
