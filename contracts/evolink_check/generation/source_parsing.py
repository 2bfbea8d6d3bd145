"""Parse Python source in one thread at a time, where CPython cannot parse in several.

Hypothesis describes a strategy by the source of its lambdas, which it parses, and it hooks into the garbage
collector. If the collector runs in the middle of `ast.parse`, another thread may take over and parse too. CPython 3.11
and 3.12 then raise `SystemError: AST constructor recursion depth mismatch`.
"""

from __future__ import annotations

import ast
import sys
import threading
from functools import wraps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_LOCK = threading.RLock()
_FIXED_IN = (3, 13)


def parse_in_one_thread(parse: Callable[..., Any]) -> Callable[..., Any]:
    """Return `parse`, which now waits until no other thread parses."""

    @wraps(parse)
    def parse_alone(*args: Any, **kwargs: Any) -> Any:
        with _LOCK:
            return parse(*args, **kwargs)

    return parse_alone


def install() -> None:
    """Replace `ast.parse` in this process, if its CPython needs it."""
    if sys.version_info < _FIXED_IN and not hasattr(ast.parse, "__wrapped__"):
        ast.parse = parse_in_one_thread(ast.parse)
