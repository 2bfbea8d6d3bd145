"""Parse Python source in one thread at a time. CPython 3.11 and 3.12 cannot parse in several threads.

Hypothesis calls `ast.parse` to describe strategies that contain lambdas. Hypothesis also registers a Python function
that the garbage collector calls. During `ast.parse`, this function may let another thread take over. If the second
thread calls `ast.parse`, CPython raises `SystemError: AST constructor recursion depth mismatch`.
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
    """Return a function that calls `parse` in one thread at a time."""

    @wraps(parse)
    def parse_alone(*args: Any, **kwargs: Any) -> Any:
        with _LOCK:
            return parse(*args, **kwargs)

    return parse_alone


def install() -> None:
    """Replace `ast.parse` if this version of CPython cannot parse in several threads."""
    if sys.version_info < _FIXED_IN and not hasattr(ast.parse, "__wrapped__"):
        ast.parse = parse_in_one_thread(ast.parse)
