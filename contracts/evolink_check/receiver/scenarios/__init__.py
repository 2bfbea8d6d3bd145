"""The scenarios of a check of a receiver.

A scenario imitates EvoLink, a network or an attacker.
"""

from evolink_check.receiver.scenarios import repetitions, contents, forgeries, conditions  # isort: skip
from evolink_check.receiver.scenarios.registry import (
    ALONE,
    FIRST,
    NEEDS_REGISTER,
    NEEDS_SECRET,
    scenario_functions,
    scenarios,
)

# Importing a module registers its scenarios. They run in this order.
MODULES = (repetitions, contents, forgeries, conditions)

__all__ = ["ALONE", "FIRST", "MODULES", "NEEDS_REGISTER", "NEEDS_SECRET", "scenario_functions", "scenarios"]
