"""Check an ASGI or WSGI application in this process.

`check` can be called from a test in any test framework. The application must query tasks at the address in
EVOLINK_BASE_URL. The API key is in EVOLINK_API_KEY. Both environment variables are set during the check.

If the application cannot use these variables, start a mock for the application. Pass the URL of this mock (`mock`) and
the API key (`token`) to `check`.
"""

from __future__ import annotations

import inspect
import io
import logging
import secrets
import sys
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urljoin

from evolink_check.client.harness.mock_process import Mock, borrow_account, start_mock
from evolink_check.client.harness.scenarios import select
from evolink_check.client.verdicts.remedies import ADVICE
from evolink_check.client.verdicts.verdicts import combine
from evolink_check.receiver.environment import key_of_application, leading_to
from evolink_check.receiver.ledger import Ledger, file_reader, url_reader
from evolink_check.receiver.records import Timing
from evolink_check.receiver.runner import BURST, ReceiverPlan, run, without_inapplicable
from evolink_check.receiver.scenarios import scenarios as all_scenarios
from evolink_check.receiver.secret import terms_of
from evolink_check.receiver.verdicts.judging import judged_clauses

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from evolink_spec.clauses import Clause

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.client.harness.scenario import Scenario
    from evolink_check.client.verdicts.verdicts import ScenarioRun
    from evolink_check.receiver.delivery.callback_sender import CallbackSender
    from evolink_check.receiver.records import Terms
    from evolink_check.receiver.registration import Register

_ORIGIN = "http://receiver.test"
_ASGI_ARGUMENTS = 3


class ReceiverFaultError(AssertionError):
    """The receiver violates at least one clause.

    The message names the clauses, the evidence and what to change.
    """

    def __init__(self, verdicts: Sequence[Verdict], runs: Sequence[ScenarioRun]) -> None:
        super().__init__(_explain(verdicts, runs))
        self.verdicts = tuple(verdicts)
        self.runs = tuple(runs)


def check(  # noqa: PLR0913  (each is an option of the user's, with a default)
    app: Any,
    *,
    url: str = "/callback",  # the path of the callback endpoint of `app`
    secret: str = "",  # the secret in the query string of callbacks
    # Where `app` books tasks: a path, a URL, or a function that returns the entries as texts or JSON values.
    ledger: Callable[[], Any] | Path | str | None = None,
    mock: str = "",  # the URL of a running mock that `app` queries; if it is empty, a mock is started
    token: str = "",  # the API key with which `app` queries the mock
    scenarios: Sequence[str] = (),  # the ids (or patterns) of the scenarios to run; empty for all
    ignore: Collection[str] = (),  # the ids of the clauses whose violations do not count
    strict: bool = False,  # whether warnings count as violations
    trust_secret: bool = False,  # whether `app` need not query tasks, because it relies on the secret
    patience: float = 20.0,  # the real seconds within which `app` must query and book a task after its 2xx response
    burst: int = BURST,  # the number of callbacks that the scenario `burst` sends
    # Tells `app` about a task, for an `app` that rejects unknown tasks. Called with the response to a create request.
    register: Register | None = None,
    seed: int | None = None,
) -> tuple[Verdict, ...]:
    """Check `app`, a receiver of callbacks, and return all verdicts.

    Raises `ReceiverFaultError` if `app` violates a clause.
    """
    from evolink_spec.clauses import load_clauses

    clauses = judged_clauses(load_clauses())
    if unknown := sorted(set(ignore) - {clause.id for clause in clauses}):
        raise ValueError(f"no clause that binds a receiver: {', '.join(unknown)}")
    terms = terms_of(urljoin(_ORIGIN, url), secret, trusts_secret=trust_secret)
    chosen = select(all_scenarios(), scenarios, ())
    selected = without_inapplicable(chosen, terms, registers=register is not None)
    other = f"other-{secrets.token_hex(16)}"
    with _account(mock, token, other, seed) as account, _captured_output() as output:
        plan = _plan(app, selected, replace(terms, key=account.token), account, other, clauses, patience)
        plan = replace(plan, ledger=_ledger(ledger), burst=burst, seed=seed, read_output=output.getvalue)
        runs = run(replace(plan, register=register)).runs
    verdicts = combine(runs, clauses)
    counted = {"failed", "warning"} if strict else {"failed"}
    against = [v for v in verdicts if v.status in counted and v.clause.id not in ignore]
    if against:
        raise ReceiverFaultError(against, runs)
    return verdicts


def _plan(  # noqa: PLR0913, PLR0917  (what a plan needs, whatever the options)
    app: Any, selected: tuple[Scenario, ...], terms: Terms, account: Mock, other: str, clauses: tuple[Clause, ...],
    patience: float,
) -> ReceiverPlan:  # fmt: skip
    from evolink_spec import load

    timing = Timing(patience=patience)
    return ReceiverPlan(selected, terms, _opener(app, timing), account, other, load(), clauses, timing)


@contextmanager
def _account(url: str, token: str, other: str, seed: int | None) -> Iterator[Mock]:
    with ExitStack() as stack:
        if url:
            account = borrow_account(url, {})
            account = replace(account, token=token or key_of_application() or account.token)
        else:
            seeding = () if seed is None else ("--seed", str(seed))
            # `other` is the API key of an account that is not the application's.
            own = stack.enter_context(
                start_mock("--token", other, *(("--token", token) if token else ()), *seeding)
            )
            account = replace(own, token=token or own.token)
        stack.enter_context(leading_to(account.url, account.token))
        yield account


def _opener(app: Any, timing: Timing) -> Callable[[], Any]:
    async def open_sender() -> CallbackSender:
        from evolink_check.receiver.delivery.asgi import AsgiSender
        from evolink_check.receiver.delivery.wsgi import WsgiSender

        if is_asgi(app):
            sender = AsgiSender(app, timing)
            await sender.start()
            return sender
        return WsgiSender(app, timing)

    return open_sender


def is_asgi(app: Any) -> bool:
    """Return whether an application has three required parameters.

    ASGI applications have three, and WSGI applications have two.
    """
    required = [
        parameter
        for parameter in inspect.signature(app).parameters.values()
        if parameter.kind in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}
        and parameter.default is parameter.empty
    ]
    return len(required) == _ASGI_ARGUMENTS


def _ledger(ledger: Callable[[], Any] | Path | str | None) -> Ledger | None:
    return None if ledger is None else Ledger(_reader(ledger))


def _reader(ledger: Callable[[], Any] | Path | str) -> Callable[[], Any]:
    from pathlib import Path

    if isinstance(ledger, str):
        return url_reader(ledger) if ledger.startswith(("http://", "https://")) else file_reader(Path(ledger))
    return file_reader(ledger) if isinstance(ledger, Path) else ledger


@contextmanager
def _captured_output() -> Iterator[io.StringIO]:
    kept = io.StringIO()
    handler = logging.StreamHandler(kept)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        with redirect_stdout(_Copying(sys.stdout, kept)), redirect_stderr(_Copying(sys.stderr, kept)):
            yield kept
    finally:
        root.removeHandler(handler)


class _Copying(io.TextIOBase):
    def __init__(self, shown: TextIO, kept: io.StringIO) -> None:
        self._shown, self._kept = shown, kept

    def write(self, text: str) -> int:
        self._kept.write(text)
        return self._shown.write(text)

    def flush(self) -> None:
        self._shown.flush()


def _explain(verdicts: Sequence[Verdict], runs: Sequence[ScenarioRun]) -> str:
    lines = []
    for verdict in verdicts:
        lines.append(f"{verdict.clause.id} {verdict.status}: {verdict.clause.rule}")
        lines += [
            f"  in {run.scenario.id}: expected {first.expected}; seen {first.seen}"
            for run in runs
            for other in run.violations
            if other.clause == verdict.clause and (first := other.violations[0])
        ]
        lines.append(f"  to change: {ADVICE[verdict.clause.id]}")
    return "\n".join(lines)
