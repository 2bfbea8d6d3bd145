"""The routes of the control API that show and clear journals.

A journal is a log of requests to the mock and their responses. Every account has a journal. The requests that belong
to no account have a common journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from evolink_mock.control import journal_json
from evolink_mock.control.handler import NO_CONTENT, ControlResponse, json_response
from evolink_mock.control.tasks import sent_callbacks
from evolink_mock.domain.clock import TimeSlice
from evolink_mock.domain.exchange import JOURNAL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_mock.control.handler import ControlRequest
    from evolink_mock.domain.exchange import Journal
    from evolink_mock.domain.redaction import Redactor


class JournalQuery(Struct, frozen=True):
    """The query parameters of GET /journal.

    `status` selects requests by the status of their response. The status 0 means that no response was sent. If more
    than `limit` requests are selected, the newest ones are returned.
    """

    limit: Annotated[int, Meta(ge=1, le=JOURNAL)] = JOURNAL
    status: Annotated[int, Meta(ge=0, le=599)] | UnsetType = UNSET


async def show_journal(request: ControlRequest) -> ControlResponse:
    """Return the last requests of the account with their responses."""
    status = request.query.status
    journal = await _journal(request)
    exchanges = [item for item in journal if status is UNSET or item.status == status]
    redactor = _redactor(request, journal)
    time_slice, entries, dropped = TimeSlice(), [], journal.dropped
    for exchange in exchanges[-request.query.limit :]:
        entries.append(journal_json.entry(exchange, redactor))
        await time_slice.give_way()
    return json_response({"entries": entries, "dropped": dropped})


async def show_violations(request: ControlRequest) -> ControlResponse:
    """Return the account's violations of the API's contract, the oldest first.

    The list also contains violations by old requests that are no longer in the journal.
    """
    journal = await _journal(request)
    redactor, shown = _redactor(request, journal), []
    for violation in journal.violations:
        task = await request.service.store.task(violation.task_id) if violation.task_id else None
        if task is None or task.account != request.account.token:  # otherwise, a recipe caused the error
            shown.append(journal_json.violation_entry(violation, redactor))
    return json_response({"violations": shown, "dropped": journal.dropped_violations})


async def clear_journal(request: ControlRequest) -> ControlResponse:
    """Remove the recorded requests of the account and their violations."""
    await request.service.store.clear_journal(request.account.token)
    return NO_CONTENT


async def show_journal_har(request: ControlRequest) -> ControlResponse:
    """Return the account's requests and callbacks as an HTTP Archive."""
    callbacks, journal = await sent_callbacks(request), await _journal(request)
    return await _archive(journal, callbacks, _redactor(request, journal))


async def show_unmatched_har(request: ControlRequest) -> ControlResponse:
    """Return the requests that belong to no account as an HTTP Archive."""
    exchanges = await request.service.store.journal("")
    words = journal_json.words_of(exchanges)
    accounts = await request.service.store.accounts()
    # A key that is not among these words needs no redaction.
    tokens = [account.token for account in accounts if account.token.partition("~")[0] in words]
    redactor = journal_json.redactor_of(exchanges, *tokens)
    return await _archive(exchanges, (), redactor, own_token=request.account.token)


async def _journal(request: ControlRequest) -> Journal:
    return await request.service.store.journal(request.account.token)


def _redactor(request: ControlRequest, journal: Journal) -> Redactor:
    return journal_json.redactor_of(journal, request.account.token)


async def _archive(
    exchanges: Journal,
    callbacks: Iterable[journal_json.SentCallback],
    redactor: Redactor,
    own_token: str = "",
) -> ControlResponse:
    from importlib.metadata import version

    time_slice, entries, dropped = TimeSlice(), [], exchanges.dropped
    for entry in journal_json.har_entries([*exchanges], callbacks, redactor, own_token):
        entries.append(entry)
        await time_slice.give_way()
    return json_response(journal_json.har(entries, version("evolink-mock"), dropped))
