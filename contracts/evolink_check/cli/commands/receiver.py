"""The command `evolink-check receiver`."""

from __future__ import annotations

import re
import secrets
import shlex
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evolink_check.analysis.verdicts import Strictness
from evolink_check.cli.commands.client import ClientReports, write_summary
from evolink_check.cli.commands.problems import reporting_problems
from evolink_check.cli.options import SeverityOptions
from evolink_check.cli.progress import scenario_progress
from evolink_check.cli.reports.writing import check_files
from evolink_check.files import STDOUT, temporary_folder
from evolink_check.receiver.options import ReceiverOptions
from evolink_check.reports.needs import Conditions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from evolink_spec.options.command_line import Group

    from evolink_check.client.harness.mock_process import Mock
    from evolink_check.client.reports.summary import Summary
    from evolink_check.receiver.delivery.callback_sender import CallbackSender
    from evolink_check.receiver.ledger import Ledger
    from evolink_check.receiver.program import Program
    from evolink_check.receiver.records import Terms, Timing
    from evolink_check.receiver.runner import ReceiverPlan, ReceiverResult
    from evolink_check.reports.needs import Means

HELP = (
    "Check a receiver of callbacks.\n\n"
    "Sends callbacks as EvoLink does, for completed and failed tasks: twice, early, late, forged, with other fields, "
    "in chunks, 100 at once, and while the API fails. The receiver is judged by its responses, its queries at a mock, "
    "its output, and its bookings (--ledger). COMMAND gets the address to listen at in "
    "EVOLINK_CALLBACK_LISTEN or PORT, and the mock in EVOLINK_BASE_URL and EVOLINK_API_KEY; {callback_listen}, "
    "{callback_url}, {port}, {secret} and {ledger} are replaced in the command.\n\n\b\n"
    "evolink-check receiver --ledger booked.jsonl -- python my_receiver.py\n"
    "evolink-check receiver --secret s3cret --url 'http://127.0.0.1:{port}/hook' -- flask run --port {port}\n"
    "evolink-check receiver --url 'http://127.0.0.1:5000/hook?secret=s3cret' --mock http://127.0.0.1:8080"
)
EPILOG = (
    "Exit status: 0 passed, 1 failed, 2 could not run. A warning fails only with --strict. "
    "Ctrl-C stops the check and reports the results so far, with exit status 130. A second Ctrl-C stops at once."
)
_STOPPING = "stopping; a report on the results so far follows. Press Ctrl-C again to stop at once"
_NO_RECEIVER = (
    "no receiver: write the command that starts it after --, or pass the URL of a running one with --url"
)
_NO_MOCK = (
    "a receiver that is already running has to query the tasks of this check: start `evolink-mock serve`, set the "
    "receiver's base URL to it, and pass --mock http://127.0.0.1:8080 with the receiver's key in EVOLINK_API_KEY. A "
    "receiver that relies on its secret alone needs only --trust-secret"
)


def receiver(options: ReceiverOptions, severity: SeverityOptions, reports: ClientReports) -> None:
    """Send callbacks to a receiver, judge the receiver, and write the reports."""
    if options.show_list:
        _print_scenarios()
        return
    with reporting_problems():
        check_files(reports.files.values())
        check_options(options)
        requirements = severity.requirements
        summary, signalled = _run_and_judge(options, severity, verbose=reports.verbose)
        write_summary(replace(summary, requirements=requirements), reports)
    raise SystemExit(signalled or summary.exit_status)


def mount(app: Group) -> None:
    """Add the command `receiver` to the command line of `evolink-check`."""
    settings = {"allow_interspersed_args": False}
    app.taking(
        ReceiverOptions, SeverityOptions, ClientReports, help=HELP, epilog=EPILOG, context_settings=settings
    )(receiver)


def check_options(options: ReceiverOptions) -> None:
    """Raise ValueError for invalid options, or for options that cannot be combined.

    Call this before anything is started.
    """
    if not options.command and not options.url:
        raise ValueError(_NO_RECEIVER)
    if options.command and "://" in options.command[0]:
        raise ValueError(f"{options.command[0]} is a URL, not a command: pass it with --url")
    if not options.command and not options.mock and not options.trust_secret:
        raise ValueError(_NO_MOCK)
    if not options.command and options.ledger == str(STDOUT):
        raise ValueError("--ledger - is the output of COMMAND, but there is no COMMAND")
    if not options.command and "{port}" in options.url:
        raise ValueError("--url: {port} is a free port for COMMAND, but there is no COMMAND")
    if options.ca is not None and not options.ca.is_file():
        raise ValueError(f"--ca: there is no file {options.ca}")
    try:
        re.compile(options.booked)
    except re.error as error:
        raise ValueError(f"--booked: {error}") from error


def _print_scenarios() -> None:
    from evolink_check.receiver.scenarios import scenarios

    for scenario in scenarios():
        click.echo(f"{scenario.id}\n    {scenario.about}")


@dataclass(frozen=True, slots=True)
class _Setting:
    plan: ReceiverPlan
    program: Program | None  # None if the receiver is already running


def _run_and_judge(
    options: ReceiverOptions, severity: SeverityOptions, *, verbose: bool
) -> tuple[Summary, int]:
    from evolink_check import clock
    from evolink_check.cli.signals import interrupting
    from evolink_check.client.harness.process import kill_all
    from evolink_check.receiver.runner import run

    started, since = clock.now(), clock.stopwatch()
    with ExitStack() as stack:
        setting = _prepare(options, severity, stack)
        plan = setting.plan
        with interrupting(plan.stop, _STOPPING, clean_up=kill_all) as interrupts:
            result = run(plan, scenario_progress(verbose=verbose))
    summary = _summary(options, setting, result, Strictness(severity.strict, severity.warn))
    judged, total = len(result.runs), len(plan.scenarios)
    cut_short = f"cut short: {judged} of {total} scenarios were judged" if interrupts.status else ""
    seconds = clock.stopwatch() - since
    return replace(summary, started=started, seconds=seconds, cut_short=cut_short), interrupts.status


def _prepare(options: ReceiverOptions, severity: SeverityOptions, stack: ExitStack) -> _Setting:
    from evolink_spec import load

    from evolink_check.cli.commands.api import load_lowered
    from evolink_check.client.harness.scenarios import select
    from evolink_check.receiver.program import program_of
    from evolink_check.receiver.records import Timing
    from evolink_check.receiver.registration import url_register
    from evolink_check.receiver.runner import ReceiverPlan, without_inapplicable
    from evolink_check.receiver.scenarios import scenarios
    from evolink_check.receiver.verdicts.judging import judged_clauses

    terms, listen = _terms(options)
    clauses = judged_clauses(load_lowered(severity.warn))
    chosen = select(scenarios(), list(options.scenarios), ())
    selected = without_inapplicable(chosen, terms, registers=bool(options.register))
    if not selected:
        raise ValueError(
            "no scenario applies: the selected ones need a callback URL with a --secret, or --register"
        )
    folder = stack.enter_context(temporary_folder("evolink-receiver-"))
    other_key = f"other-{secrets.token_hex(16)}"
    mock = _account(options, other_key, stack)
    terms = replace(terms, key=mock.token)
    program = None
    ledger_file = folder / "ledger"
    if options.ledger and "://" not in options.ledger and options.ledger != str(STDOUT):
        ledger_file = Path(options.ledger).absolute()
    if options.command:
        program = program_of(options.command, terms, listen, ledger_file, mock.environment)
        program.ready = options.ready
        stack.callback(program.stop)
    timing = Timing(patience=options.patience)
    plan = ReceiverPlan(
        selected, terms, _opener(program, terms, timing, options.ca), mock, other_key, load(), clauses, timing,
        ledger=_ledger(options, ledger_file, program), burst=options.burst, seed=options.seed,
        read_output=program.output if program else None,
        after_each=program.restart_if_ended if program else None,
        register=url_register(_with_port(options.register, terms)) if options.register else None,
    )  # fmt: skip
    return _Setting(plan, program)


def _terms(options: ReceiverOptions) -> tuple[Terms, str]:
    from evolink_check.receiver.program import address_of, free_port
    from evolink_check.receiver.secret import terms_of

    port = str(free_port())
    listen = options.listen.replace("{port}", port)
    url = options.url.replace("{port}", port) or f"http://{listen}/callback"
    host, number = address_of(url)
    if options.url and options.listen == ReceiverOptions().listen:
        listen = f"[{host}]:{number}" if ":" in host else f"{host}:{number}"
    return terms_of(url, options.secret, trusts_secret=options.trust_secret), listen


def _with_port(url: str, terms: Terms) -> str:
    from evolink_check.receiver.program import address_of

    return url.replace("{port}", str(address_of(terms.url)[1]))


def _account(options: ReceiverOptions, other_key: str, stack: ExitStack) -> Mock:
    from evolink_check.cli.config import TOKEN, environment
    from evolink_check.client.harness.mock_process import borrow_account, start_mock

    variables = environment()
    key = options.token or ("" if options.command and not options.mock else variables.get(TOKEN, ""))
    if options.mock:
        account = borrow_account(options.mock, variables)
        if not key:
            return account
        return replace(account, token=key, environment={**account.environment, TOKEN: key})
    seed = () if options.seed is None else ("--seed", str(options.seed))
    tokens = ("--token", other_key, *(("--token", key) if key else ()))
    own = stack.enter_context(start_mock(*tokens, *seed))
    return replace(own, token=key, environment={**own.environment, TOKEN: key}) if key else own


def _opener(
    program: Program | None, terms: Terms, timing: Timing, ca: Path | None
) -> Callable[[], Awaitable[CallbackSender]]:
    from evolink_check.client.harness.process import CommandError
    from evolink_check.receiver.delivery.http import HttpSender
    from evolink_check.receiver.program import address_of, is_listening

    async def open_sender() -> CallbackSender:
        if program is not None:
            await program.start()
        elif not is_listening(address_of(terms.url)):
            host, port = address_of(terms.url)
            raise CommandError(
                f"nothing listens on {host}:{port}: start the receiver, or write its command after --"
            )
        return HttpSender(timing, ca)

    return open_sender


def _ledger(options: ReceiverOptions, file: Path, program: Program | None) -> Ledger | None:
    from evolink_check.receiver.ledger import Ledger, file_reader, url_reader

    if options.ledger == str(STDOUT) and program is not None:
        return Ledger(program.output, options.booked)
    if "://" in options.ledger:
        return Ledger(url_reader(options.ledger), options.booked)
    if options.ledger or any("{ledger}" in word for word in options.command):
        return Ledger(file_reader(file), options.booked)
    if program is None:
        return None
    read = file_reader(file)  # the file exists only if the program writes to EVOLINK_LEDGER
    return Ledger(lambda: read() if file.exists() else None, options.booked)


def _summary(
    options: ReceiverOptions, setting: _Setting, result: ReceiverResult, strictness: Strictness
) -> Summary:
    from evolink_check.client.reports.summary import Summary
    from evolink_check.client.verdicts.verdicts import combine

    plan, program = setting.plan, setting.program
    notes = (*result.notes, *(program.notes if program else ()))
    return Summary(
        shlex.join(options.command) or plan.terms.url, result.runs, combine(result.runs, plan.clauses), 0.0, 0.0,
        seed=plan.seed, strictness=strictness, notes=notes, subject="receiver",
        conditions=_conditions(options, setting),
    )  # fmt: skip


def _conditions(options: ReceiverOptions, setting: _Setting) -> Conditions:
    had: dict[Means, bool] = {
        "all-scenarios": not options.scenarios,
        "ledger": setting.plan.ledger is not None,
        "queries": bool(options.command or options.mock),
        "secret": bool(setting.plan.terms.secret),
        "command": bool(options.command),
    }
    return Conditions("receiver", frozenset(name for name, is_there in had.items() if is_there))
