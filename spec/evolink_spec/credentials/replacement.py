"""Replace the credential that a pattern has found."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from collections.abc import Callable


def with_value_replaced(replace: Callable[[str], str], match: re.Match[str]) -> str:
    """Return the matched text, after replacing the group `value` with the result of `replace`."""
    start, end = (place - match.start() for place in match.span("value"))
    return f"{match[0][:start]}{replace(match['value'])}{match[0][end:]}"
