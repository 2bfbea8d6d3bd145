"""Rules over creates: which are accepted, and with which status. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import passed, violation
from evolink_check.rules.exchanges.attribution import charged_clause, is_judgeable
from evolink_check.rules.exchanges.create_responses import accepted
from evolink_check.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.analysis.observations import TraceView
    from evolink_check.analysis.verdicts import Finding


@rule("body.limit")
def body_limit(reading: TraceView) -> Iterator[Finding]:
    """A body of many megabytes is answered, and not with a 5xx."""
    for one in reading.of("create"):
        if is_judgeable(one) and any(fault.clause == "body.limit" for fault in one.faults):
            yield passed(one.number)
        if charged_clause(one) == "body.limit":
            size = len(one.entry.exchange.request_body)
            yield violation(
                one.number, expected=f"400 or 200 for a body of {size} bytes", seen=str(one.status)
            )


@rule("body.duplicate-keys")
def duplicate_keys(reading: TraceView) -> Iterator[Finding]:
    """Of a key that stands twice the last counts; a refusal of such a body is as good."""
    for one in reading.of("create"):
        if is_judgeable(one) and any(fault.clause == "body.duplicate-keys" for fault in one.faults):
            wrong = [fault for fault in one.faults if fault.sure]
            if one.status == one.success and wrong:
                yield violation(
                    one.number, expected=f"400 for {wrong[0].what}, which stands last", seen="200"
                )
            elif one.status == (400 if wrong else one.success):
                yield passed(one.number)


@rule("create.answers-200")
def answers_200(reading: TraceView) -> Iterator[Finding]:
    """An accepted create is answered with 200, not with 201 or 202."""
    for one in reading.of("create"):
        if charged_clause(one) == "create.answers-200":
            yield violation(one.number, expected=str(one.success), seen=str(one.status))
    for one in accepted(reading):
        yield passed(one.number)
