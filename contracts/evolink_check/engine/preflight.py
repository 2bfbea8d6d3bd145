"""The first requests to a server. The requests show whether the server accepts the API key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evolink_check.analysis.trace_view import CREDITS
from evolink_check.generation.case import Case
from evolink_check.traffic.formats import decode_json
from evolink_check.traffic.trace import MAIN, WRONG, Account
from evolink_check.transport.target import HaltedError

if TYPE_CHECKING:
    from evolink_spec import Spec

    from evolink_check.reports.model import Report
    from evolink_check.settings import Subject
    from evolink_check.traffic.trace import Entry
    from evolink_check.transport.target import Target

_REFUSED = frozenset({401, 403})
_NOT_FOUND = 404


class CouldNotRunError(Exception):
    """The server could not be checked completely. The message says why.

    `report` is the report on the results so far; None if there are none.
    """

    def __init__(self, why: str, report: Report | None = None) -> None:
        super().__init__(why)
        self.report = report


def preflight(target: Target, spec: Spec, needed: float) -> dict[str, Account]:
    """Check that the server can be reached and accepts the main API key.

    Return the known facts about each account, by the label of its API key. `needed` is the maximum cost of the run, in
    credits. `Account.credits` says whether an account can pay for all create requests. For the main account, None
    becomes True if the balance is at least `needed`.

    Raises `CouldNotRunError` if the server does not respond or rejects the key. Raises `CouldNotRunError` if the base
    URL ends with the version of the API (`/v1`).
    """
    unknown = spec.query.path.replace(f"{{{spec.query.parameter}}}", "task-unified-1700000000-00000000")
    try:
        entry = target.send(Case("reaching the server", ("credits.shape",), "GET", CREDITS))
        query = target.send(Case("reaching the server", ("query.unknown-id",), spec.query.method, unknown))
    except HaltedError as halted:
        if target.stopped:
            raise CouldNotRunError(
                "stopped before the server answered, so there is nothing to judge"
            ) from halted
        if not target.gone:
            raise CouldNotRunError(
                f"{target.subject.url} can be reached, but did not complete an answer in the time of the run;"
                " a longer one can be set with --time-limit"
            ) from halted
        raise CouldNotRunError(
            f"{target.subject.url} cannot be reached: {halted}. Is it running, and is this its address?"
        ) from halted
    if query.exchange.status in _REFUSED and entry.exchange.status != 200:  # noqa: PLR2004  (success)
        raise CouldNotRunError(
            f"{target.subject.url} refuses the key ({query.exchange.status}): set EVOLINK_API_KEY or --token to a key"
            " that it knows"
        )
    if not query.exchange.status and not entry.exchange.status:
        raise CouldNotRunError(f"{target.subject.url} did not answer: {query.problem}")
    if _is_base_url_with_version(target.subject.url, spec, entry, query):
        raise CouldNotRunError(
            f"nothing found at {target.subject.url}: remove the version from its end, because every path begins with it"
        )
    return _accounts(target.subject, entry, needed)


def _is_base_url_with_version(url: str, spec: Spec, credits_: Entry, query: Entry) -> bool:
    # every documented path begins with the version, so the base URL must not contain it
    version = f"/{spec.query.path.split('/')[1]}"
    not_found = (
        spec.query.errors[_NOT_FOUND].body["error"]["code"] if _NOT_FOUND in spec.query.errors else None
    )
    answer = decode_json(query.exchange.response_body)
    error = answer.get("error") if isinstance(answer, dict) else None
    is_task = isinstance(error, dict) and error.get("code") == not_found
    lost = {credits_.exchange.status, query.exchange.status} == {_NOT_FOUND}
    return url.endswith(version) and lost and not is_task


def _accounts(subject: Subject, entry: Entry, needed: float) -> dict[str, Account]:
    accounts = {label: key.account for label, key in subject.keys.items()}
    main = replace(accounts[MAIN], valid=True)
    left = remaining(entry)
    if main.credits is None and left is not None and left >= needed > 0:
        main = replace(main, credits=True)
    return {**accounts, MAIN: main, WRONG: Account(WRONG, valid=None if subject.any_key else False)}


def remaining(entry: Entry) -> float | None:
    """Return the remaining credits in a response of `/v1/credits`; None if missing."""
    answer = decode_json(entry.exchange.response_body)
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        return None
    user, token = data.get("user"), data.get("token")
    unlimited = isinstance(token, dict) and token.get("unlimited_credits") is True
    sides = (user,) if unlimited else (user, token)
    left = [side.get("remaining_credits") for side in sides if isinstance(side, dict)]
    numbers = [
        float(number) for number in left if isinstance(number, int | float) and not isinstance(number, bool)
    ]
    return min(numbers, default=None)
