"""The command `evolink-check client`."""

from __future__ import annotations

import shlex
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click
from evolink_spec.options.declaration import Option
from msgspec import structs

from evolink_check.analysis.verdicts import Strictness
from evolink_check.cli.commands.problems import reporting_problems
from evolink_check.cli.options import SeverityOptions
from evolink_check.cli.reports.summary_files import ServedReport, wanted_files
from evolink_check.cli.reports.writing import check_files, write_reports
from evolink_check.client.options import ClientOptions
from evolink_check.reports.needs import Conditions

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_spec import Spec
    from evolink_spec.options.command_line import Group

    from evolink_check.client.harness.config import Description
    from evolink_check.client.plan import SuitePlan
    from evolink_check.client.reports.summary import Summary
    from evolink_check.reports.needs import Means

HELP = (
    "Check a client.\n\n"
    "The command is run once per scenario, against a mock. It is judged by its requests and by how it ended. "
    "It finds the mock in EVOLINK_BASE_URL and EVOLINK_API_KEY. Other variables redirect requests to the API's own "
    "address. {prompt}, {image_url}, {output}, {callback_url}, {callback_listen}, {key} and {base_url} are replaced "
    "in the command; the variables EVOLINK_PROMPT and so on have the same values.\n\n\b\n"
    "evolink-check client -- python my_client.py --prompt {prompt} --output {output}\n"
    "evolink-check client --deadline 8 --scenario happy --scenario query- -- node client.mjs\n"
    "evolink-check client --config client.toml --html report.html"
)
EPILOG = (
    "Exit status: 0 passed, 1 failed, 2 could not run. A warning fails only with --strict. "
    "Ctrl-C stops the running scenarios and reports the results so far, with exit status 130. A second Ctrl-C stops "
    "at once."
)
_STOPPING = "stopping; a report on the results so far follows. Press Ctrl-C again to stop at once"
_REPORTS = "Reports"
_REDIRECT = "EVOLINK_MOCK_REDIRECT"  # a variable that `evolink-mock run` sets
_NOT_REDIRECTED = (
    "with --mock, a client with a hard-coded address reaches the real API; to prevent it: evolink-mock run -- sh -c "
    "'evolink-check client --mock $EVOLINK_BASE_URL …'"
)


class ClientReports(ServedReport, frozen=True, kw_only=True):
    """The files to which the reports on a client are written. `-` is stdout."""

    json: Annotated[
        Path | None, Option(help="Write the report as JSON; - is stdout.", section=_REPORTS, metavar="FILE")
    ] = None
    junit: Annotated[
        Path | None, Option(help="Write the report as JUnit XML.", section=_REPORTS, metavar="FILE")
    ] = None
    html: Annotated[
        Path | None,
        Option(
            help="Write the report as an HTML page with a timeline of each run.",
            section=_REPORTS,
            metavar="FILE",
        ),
    ] = None
    badge: Annotated[
        Path | None,
        Option(
            help="Write the number of passed clauses as JSON for an endpoint badge of shields.io.",
            section=_REPORTS,
            metavar="FILE",
        ),
    ] = None
    verbose: Annotated[bool, Option(help="Show a line for each run.", section=_REPORTS, short="-v")] = False

    @property
    def files(self) -> dict[str, Path]:
        """The path of each report that the user wants, by format."""
        return wanted_files(self, "json", "junit", "html", "badge", "sarif", "markdown")


def client(options: ClientOptions, severity: SeverityOptions, reports: ClientReports) -> None:
    """Run a client in each scenario, judge the client, and write the reports."""
    if options.show_list:
        with reporting_problems():
            _print_scenarios(options)
        return
    with reporting_problems():
        check_files(reports.files.values())
        requirements = severity.requirements
        description = _read_description(options)
        lowered = severity.warn | frozenset(description.warn)
        strictness = Strictness(severity.strict, lowered)
        plan = _make_plan(description, options, lowered)
        if options.fail_fast:
            plan = replace(plan, fails_fast=lambda run: any(map(strictness.fails, run.verdicts)))
        click.echo(f"evolink-check: {_forecast(plan)}", err=True)
        summary, signalled = _run_and_judge(plan, strictness, verbose=reports.verbose)
        summary = replace(summary, requirements=requirements, conditions=_conditions(plan, options))
        write_summary(summary, reports)
    raise SystemExit(signalled or summary.exit_status)


def mount(app: Group) -> None:
    """Add the command `client` to the command line of `evolink-check`."""
    settings = {"allow_interspersed_args": False}
    app.taking(
        ClientOptions, SeverityOptions, ClientReports, help=HELP, epilog=EPILOG, context_settings=settings
    )(client)


def _load(options: ClientOptions) -> Spec:
    from evolink_spec import load

    return load(*options.only_spec, *options.spec, with_built_in=not options.only_spec)


def _print_scenarios(options: ClientOptions) -> None:
    from evolink_check.client.harness.scenarios import scenarios

    for scenario in scenarios(_load(options)):
        click.echo(f"{scenario.id}\n    {scenario.about} (expected: {scenario.expected})")


def _read_description(options: ClientOptions) -> Description:
    from evolink_check.client.harness.config import Description, read

    description = Description() if options.config is None else read(options.config)
    changes = {"command": options.command, "deadline": options.deadline, "cwd": options.cwd}
    description = structs.replace(description, **{name: value for name, value in changes.items() if value})
    variables = description.environment | dict(map(_variable, options.environment))
    description = structs.replace(description, environment=variables)
    if description.cwd and not Path(description.cwd).is_dir():
        raise ValueError(f"--cwd: there is no folder {description.cwd}")
    if not description.command:
        raise ValueError("no command: write it after --, or in the file of --config")
    return description


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ValueError(f"--env: write NAME=VALUE, not {name!r}")
    return name, value


def _forecast(plan: SuitePlan) -> str:
    count = len(plan.scenarios)
    jobs = f", {min(plan.jobs, count)} at a time" if count > 1 else ""
    return f"{count} scenario{'' if count == 1 else 's'}{jobs}: about {plan.forecast:.0f} s"


def _make_plan(description: Description, options: ClientOptions, lowered: frozenset[str]) -> SuitePlan:
    from evolink_check.cli.commands.api import load_lowered
    from evolink_check.cli.config import environment
    from evolink_check.client.harness.scenarios import scenarios, select
    from evolink_check.client.plan import SuitePlan, without_inapplicable

    spec = _load(options)
    clauses = tuple(clause for clause in load_lowered(lowered) if clause.binds == "client")
    selected = select(scenarios(spec), list(options.scenarios), description.skip)
    if not selected:
        raise ValueError("no scenario is left: the file of --config skips all scenarios that were selected")
    plan = SuitePlan(
        description,
        selected,
        spec,
        clauses,
        jobs=options.jobs,
        mock=options.mock,
        seed=options.seed,
        limit=options.timeout,
        keep=options.keep,
        environment=environment(),
        documents=options.spec,
        only_documents=options.only_spec,
    )
    plan = without_inapplicable(plan)
    if not plan.scenarios:
        raise ValueError("no scenario applies: the selected ones need a client with {callback_url}")
    return plan


def _run_and_judge(plan: SuitePlan, strictness: Strictness, *, verbose: bool) -> tuple[Summary, int]:
    from evolink_check import clock
    from evolink_check.cli.signals import interrupting
    from evolink_check.client.harness.process import kill_all
    from evolink_check.client.reports.summary import Summary
    from evolink_check.client.reports.terminal import line
    from evolink_check.client.runner import run_suite
    from evolink_check.client.verdicts.verdicts import combine

    started, since = clock.now(), clock.stopwatch()
    with interrupting(plan.stop, _STOPPING, clean_up=kill_all) as interrupts:
        runs = run_suite(plan, (lambda run: click.echo(line(run), err=True)) if verbose else lambda _: None)
    judged = sum(not run.problem for run in runs)
    summary = Summary(
        command=shlex.join(plan.description.command),
        runs=runs,
        verdicts=combine(runs, plan.clauses),
        started=started,
        seconds=clock.stopwatch() - since,
        seed=plan.seed,
        strictness=strictness,
        notes=_notes(plan),
        cut_short=f"cut short: {judged} of {len(plan.scenarios)} scenarios were judged"
        if interrupts.status or len(runs) < len(plan.scenarios)
        else "",
    )
    return summary, interrupts.status  # 0 without a signal


def _conditions(plan: SuitePlan, options: ClientOptions) -> Conditions:
    had: dict[Means, bool] = {
        "all-scenarios": not options.scenarios,
        "callback-url": plan.description.is_called_back,
        "output-file": any("{output}" in word for word in plan.description.command),
    }
    return Conditions("client", frozenset(name for name, is_there in had.items() if is_there))


def _notes(plan: SuitePlan) -> tuple[str, ...]:
    notes = plan.description.misspelt
    if plan.description.deadline is None and any(scenario.endless for scenario in plan.scenarios):
        notes += ("without --deadline, a client that waits forever cannot be distinguished from a slow one",)
    if plan.mock and _REDIRECT not in (plan.environment or {}):
        notes += (_NOT_REDIRECTED,)
    return notes


def write_summary(summary: Summary, reports: ClientReports) -> None:
    """Write the report files, and print the report.

    Raises ValueError if a file cannot be written. Before that, the other files are written, and the report is printed.
    """
    from evolink_check.client.reports import clause_tables, json_report, junit, terminal
    from evolink_check.client.reports import html as html_report

    makers: dict[str, Callable[[Summary], str | bytes]] = {
        "json": json_report.to_json,
        "junit": junit.to_junit,
        "html": html_report.to_html,
        "badge": json_report.to_badge,
        "sarif": clause_tables.to_sarif,
        "markdown": clause_tables.to_markdown,
    }
    write_reports(summary, reports.files, makers, partial(terminal.show, verbose=reports.verbose))
    if reports.serve_report:
        from evolink_check.cli.reports.server import serve_report

        serve_report(html_report.to_html(summary))
