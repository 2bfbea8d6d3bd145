"""Rules over creates: which are accepted, and with which status. Pure."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import passed, violation
from evolink_check.rules.exchanges import create_responses
from evolink_check.rules.exchanges.attribution import charged_clause, is_judgeable
from evolink_check.rules.exchanges.create_responses import accepted
from evolink_check.rules.exchanges.statuses import judged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evolink_check.analysis.observations import TraceView
    from evolink_check.analysis.verdicts import Finding, Rule


def of_status(clause: str, reading: TraceView) -> Iterator[Finding]:
    """What the statuses of creates say of a clause."""
    yield from judged(reading).get(clause, ())


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


def answers_200(reading: TraceView) -> Iterator[Finding]:
    """An accepted create is answered with 200, not with 201 or 202."""
    for one in reading.of("create"):
        if charged_clause(one) == "create.answers-200":
            yield violation(one.number, expected=str(one.success), seen=str(one.status))
    for one in accepted(reading):
        yield passed(one.number)


_BY_STATUS = (
    *("body.json", "body.required", "create.unknown-fields", "create.required", "create.types"),
    *("model.enum", "model.alias", "model.access", "prompt.length"),
    *("create.image-urls-max-one", "create.image-urls-uri", "create.image-urls-empty"),
    *("duration.enum", "mode.enum", "quality.enum"),
    *("callback.https-only", "callback.max-length", "callback.uri", "callback.no-internal"),
    *("callback.unresolved", "create.accepts"),
)
RULES: Mapping[str, Rule] = {
    **{clause: partial(of_status, clause) for clause in _BY_STATUS},
    "body.limit": body_limit,
    "body.duplicate-keys": duplicate_keys,
    "create.answers-200": answers_200,
    **create_responses.RULES,
}
