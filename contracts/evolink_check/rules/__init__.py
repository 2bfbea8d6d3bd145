"""The rules: functions that judge a clause.

A rule yields a finding for each exchange that satisfies or violates its clause.
"""

from evolink_check.rules.clients import callback_handling, polling, requests, retries
from evolink_check.rules.exchanges import (
    create_requests,
    create_responses,
    documented_properties,
    errors,
    rate_limits,
    statuses,
    wire,
)
from evolink_check.rules.registry import RULES, rules_of
from evolink_check.rules.tasks import (
    callback_retries,
    callbacks,
    credits,  # noqa: A004  (of an account)
    lifecycle,
    outcomes,
    progress,
    queries,
    result_files,
    result_links,
)

# A rule is registered when its module is imported.
MODULES = (
    *(callback_handling, polling, requests, retries),
    *(create_requests, create_responses, documented_properties, errors, rate_limits, statuses, wire),
    *(
        callback_retries,
        callbacks,
        credits,
        lifecycle,
        outcomes,
        progress,
        queries,
        result_files,
        result_links,
    ),
)

__all__ = ["MODULES", "RULES", "rules_of"]
