"""The registry of rules maps each clause to the function that judges it.

Decorators register the functions.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType

    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding, Rule

    FamilyRule = Callable[[str, TraceView], Iterable[Finding]]

AnyRule = TypeVar("AnyRule", bound="Rule")
AnyFamilyRule = TypeVar("AnyFamilyRule", bound="FamilyRule")

RULES: dict[str, Rule] = {}  # by clause id


def rule(clause: str) -> Callable[[AnyRule], AnyRule]:
    """Register the decorated function as the function that judges a clause.

    Raises ValueError if another function already judges the clause.
    """

    def register(function: AnyRule) -> AnyRule:
        _add(clause, function)
        return function

    return register


def rule_family(clauses: Iterable[str]) -> Callable[[AnyFamilyRule], AnyFamilyRule]:
    """Register the decorated function as the function that judges several clauses.

    The function is called with the clause id and the trace. Raises ValueError if another function already judges one of
    the clauses.
    """

    def register(function: AnyFamilyRule) -> AnyFamilyRule:
        for clause in clauses:
            _add(clause, partial(function, clause))
        return function

    return register


def rules_of(*modules: ModuleType) -> Mapping[str, Rule]:
    """Return the functions in these modules that judge clauses, by clause id."""
    names = {module.__name__ for module in modules}
    return {clause: function for clause, function in RULES.items() if _module_of(function) in names}


def _add(clause: str, function: Rule) -> None:
    if clause in RULES:
        raise ValueError(f"{clause} has two rules")
    RULES[clause] = function


def _module_of(function: Rule) -> str:
    inner = function.func if isinstance(function, partial) else function
    return str(inner.__module__)
