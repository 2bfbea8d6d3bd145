"""Rules about create requests: large bodies, duplicate JSON keys, and status 200."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import passed, violation
from evolink_check.rules.exchanges.attribution import clause_of_malformed_response, is_judgeable
from evolink_check.rules.exchanges.create_responses import accepted
from evolink_check.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding


@rule("body.limit")
def body_limit(view: TraceView) -> Iterator[Finding]:
    """A create request with a body of many megabytes does not get a 5xx."""
    for create in view.of("create"):
        if is_judgeable(create) and any(fault.clause == "body.limit" for fault in create.faults):
            yield passed(create.number)
        if clause_of_malformed_response(create) == "body.limit":
            size = len(create.exchange.request_body)
            yield violation(
                create.number, expected=f"400 or 200 for a body of {size} bytes", seen=str(create.status)
            )


@rule("body.duplicate-keys")
def duplicate_keys(view: TraceView) -> Iterator[Finding]:
    """For duplicate JSON keys, the server uses the last value or returns a 400."""
    for create in view.of("create"):
        if is_judgeable(create) and any(fault.clause == "body.duplicate-keys" for fault in create.faults):
            wrong = [fault for fault in create.faults if fault.sure]
            if create.status == create.success and wrong:
                yield violation(
                    create.number,
                    expected=f"400 for {wrong[0].what} in the last of two equal keys",
                    seen="200",
                )
            elif create.status == (400 if wrong else create.success):
                yield passed(create.number)


@rule("create.answers-200")
def answers_200(view: TraceView) -> Iterator[Finding]:
    """The response to an accepted create request has the status 200."""
    for create in view.of("create"):
        if clause_of_malformed_response(create) == "create.answers-200":
            yield violation(create.number, expected=str(create.success), seen=str(create.status))
    for create in accepted(view):
        yield passed(create.number)
