"""The scenarios: what EvoLink, a network or a stranger may send to a receiver."""

from evolink_check.receiver.scenarios import repetitions, contents, forgeries, conditions  # isort: skip
from evolink_check.receiver.scenarios.registry import ALONE, FIRST, NEEDS_SECRET, plays, scenarios

# A scenario is registered when its module is imported; they are played in this order.
MODULES = (repetitions, contents, forgeries, conditions)

__all__ = ["ALONE", "FIRST", "MODULES", "NEEDS_SECRET", "plays", "scenarios"]
