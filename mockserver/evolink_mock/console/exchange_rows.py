"""The filter and the rows of the live view."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from evolink_mock.console.explanations import clause_of
from evolink_mock.domain.exchange import violation_texts
from evolink_mock.domain.redaction import redact_for_log

if TYPE_CHECKING:
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.service.exchange_feed import Numbered

_ERROR = 400  # the lowest status of an error
_LONGEST = 300  # maximum number of characters of a path or a note in a row


class ExchangeFilter(Struct, frozen=True):
    """The conditions of a filter of exchanges. An empty field accepts all exchanges."""

    status: str = ""  # a status or its first digits, such as `4` or `4xx`
    path: str = ""  # part of the path
    account: str = ""  # the beginning of the account's label
    task: str = ""  # part of the task id
    text: str = ""  # must occur in the method, the path, a note of the access log, or a body
    violations: str = ""  # if not empty, only exchanges that violate the contract are accepted


ALL = ExchangeFilter()


def selects(selection: ExchangeFilter, exchange: Exchange) -> bool:
    """Return whether an exchange matches every field of a filter. Upper and lower case are equivalent."""
    if selection == ALL:  # the usual filter, checked first because this runs for each exchange
        return True
    texts = (
        (selection.path, exchange.path),
        (selection.task, exchange.task_id),
    )
    return (
        str(exchange.status).startswith(selection.status.rstrip("xX"))
        and exchange.account.startswith(selection.account.lower())
        and all(part.lower() in text.lower() for part, text in texts)
        and (not selection.violations or bool(violation_texts(exchange)))
        and (not selection.text or _contains(exchange, selection.text.lower()))
    )


def _contains(exchange: Exchange, text: str) -> bool:
    lines = (exchange.method, exchange.path, *exchange.notes)
    # In a body, the text may have JSON escapes.
    forms = {text.encode(), dumps(text)[1:-1].encode()}
    bodies = (exchange.request_body.lower(), exchange.answer_body.lower())
    return any(text in line.lower() for line in lines) or any(
        form in body for form in forms for body in bodies
    )


def row(item: Numbered) -> dict[str, Any]:
    """Return what the live view shows about an exchange, without credentials."""
    number, exchange = item
    path, notes = exchange.path, [*exchange.notes]
    is_plain = not notes and 0 < exchange.status < _ERROR  # the path is then documented
    if not is_plain:
        path, *notes = redact_for_log((path, *notes), exchange.request_headers)
    return {
        "number": number,
        "at": exchange.at,
        "method": exchange.method[:20],
        "path": path[:_LONGEST],
        "status": exchange.status,
        "account": exchange.account,
        "task": exchange.task_id,
        "milliseconds": round(exchange.seconds * 1000, 1),
        "notes": "; ".join(notes)[:_LONGEST],
        "clause": "" if is_plain else clause_of(exchange),
        "is_violation": not is_plain and bool(violation_texts(exchange)),
    }
