"""`evolink-check client`: the command. `mount` puts it into the command line."""

from __future__ import annotations

import shlex
import sys
import traceback
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from evolink_check.reports.model import COULD_NOT_RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from evolink_check.client.harness.config import Description
    from evolink_check.client.reports.summary import Summary
    from evolink_check.client.runner import SuitePlan

HELP = (
    "Does a client keep the contract, and survive it?\n\n"
    "The command is run once for each scenario, against a mock, and judged by what it sent and how it ended. "
    "It finds the mock by EVOLINK_BASE_URL and EVOLINK_API_KEY, or by the API's own address: variables lead it "
    "there. {prompt}, {image_url}, {output}, {callback_url} and {callback_listen} are filled in, and stand in the "
    "environment as EVOLINK_PROMPT and so on.\n\n\b\n"
    "evolink-check client -- python my_client.py --prompt {prompt} --output {output}\n"
    "evolink-check client --deadline 8 --scenario happy --scenario query- -- node client.mjs\n"
    "evolink-check client --config client.toml --html report.html"
)
EPILOG = (
    "Exit status: 0 passed, 1 failed, 2 could not run. Advice that is not followed fails nothing without --strict. "
    "Ctrl-C once: what runs is ended, what there is is reported, 130; twice: at once."
)
_STOPPING = "stopping: what there is is reported; again to stop at once"
_REPORTS, _HOW = "Reports", "How it is run"

Command = Annotated[list[str] | None, typer.Argument(metavar="COMMAND...", help="The client, after --.")]
Scenarios = Annotated[
    list[str] | None,
    typer.Option(
        "--scenario",
        help="Only this one, or all that begin so, or match a pattern. Repeatable.",
        metavar="ID",
    ),
]
Listed = Annotated[bool, typer.Option("--list", help="List the scenarios and stop.")]
Config = Annotated[
    Path | None, typer.Option("--config", help="A TOML file that describes the client.", metavar="FILE")
]
Deadline = Annotated[
    float | None,
    typer.Option(
        "--deadline",
        help="How many seconds the client waits for a task: after that it has to end by itself.",
        min=0.1,
        metavar="SECONDS",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Advice that is not followed fails, too.")]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs", "-j", help="Scenarios at a time.", min=1, max=64, rich_help_panel=_HOW, metavar="N"
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        help="The longest that a scenario may take; default: 15 s beyond the deadline, 25 at least, 60 at most.",
        min=1,
        rich_help_panel=_HOW,
        metavar="SECONDS",
    ),
]
MockUrl = Annotated[
    str,
    typer.Option(
        "--mock",
        help="A mock that runs already; it needs its control API.",
        rich_help_panel=_HOW,
        metavar="URL",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", help="The same ids and draws again.", rich_help_panel=_HOW, metavar="N"),
]
Keep = Annotated[
    Path | None,
    typer.Option(
        "--keep",
        help="Keep output, result and requests of each run here.",
        rich_help_panel=_HOW,
        metavar="DIR",
    ),
]
Json = Annotated[
    Path | None,
    typer.Option("--json", help="All of it as JSON; - is stdout.", rich_help_panel=_REPORTS, metavar="FILE"),
]
Junit = Annotated[
    Path | None, typer.Option("--junit", help="JUnit XML.", rich_help_panel=_REPORTS, metavar="FILE")
]
HtmlFile = Annotated[
    Path | None,
    typer.Option(
        "--html", help="One page, with a drawing of each run.", rich_help_panel=_REPORTS, metavar="FILE"
    ),
]
Badge = Annotated[
    Path | None,
    typer.Option(
        "--badge", help="The score, as an endpoint of shields.io.", rich_help_panel=_REPORTS, metavar="FILE"
    ),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="A line for each run.", rich_help_panel=_REPORTS)
]


def client(  # noqa: PLR0913  (one parameter an option is how typer works)
    command: Command = None,
    *,
    scenario: Scenarios = None,
    listed: Listed = False,
    config: Config = None,
    deadline: Deadline = None,
    strict: Strict = False,
    jobs: Jobs = 8,
    timeout: Timeout = None,
    mock: MockUrl = "",
    seed: Seed = None,
    keep: Keep = None,
    json_file: Json = None,
    junit: Junit = None,
    html: HtmlFile = None,
    badge: Badge = None,
    verbose: Verbose = False,
) -> None:
    """Run and judge a client."""
    if listed:
        _list()
        return
    reports = {"json": json_file, "junit": junit, "html": html, "badge": badge}
    with _problems():
        _check(reports)
        description = _described(command or [], config, deadline)
        plan = _planned(description, scenario or [])
        plan = replace(plan, jobs=jobs, mock=mock, seed=seed, limit=timeout, keep=keep)
        summary, signalled = _judged(plan, strict=strict, verbose=verbose)
        _report(summary, reports, verbose=verbose)
    raise typer.Exit(signalled or summary.exit_status)


def mount(app: typer.Typer) -> None:
    """Put the command into a command line."""
    settings = {"allow_interspersed_args": False}
    app.command("client", help=HELP, epilog=EPILOG, context_settings=settings)(client)


def _list() -> None:
    from evolink_spec import load

    from evolink_check.client.harness.scenarios import scenarios

    for one in scenarios(load()):
        typer.echo(f"{one.id}\n    {one.about} (expected: {one.expected})")


@contextmanager
def _problems() -> Iterator[None]:
    """What prevents a battery is one line and an exit status."""
    from evolink_check.client.harness.mock_process import MockError
    from evolink_check.client.harness.process import CommandError

    try:
        yield
    except (MockError, CommandError, ValueError, OSError) as error:
        _fail(str(error))
    except Exception:  # noqa: BLE001  (a bug of ours is no verdict on a client)
        _fail(f"a bug in evolink-check:\n{traceback.format_exc()}")


def _fail(problem: str) -> NoReturn:
    typer.secho(f"evolink-check: {problem}", err=True, fg="red")
    raise typer.Exit(COULD_NOT_RUN)


def _described(command: list[str], config: Path | None, deadline: float | None) -> Description:
    from msgspec import structs

    from evolink_check.client.harness.config import Description, read

    description = Description() if config is None else read(config)
    if command:
        description = structs.replace(description, command=tuple(command))
    if not description.command:
        raise ValueError("there is no command: write it after --, or in --config FILE")
    return description if deadline is None else structs.replace(description, deadline=deadline)


def _planned(description: Description, names: list[str]) -> SuitePlan:
    from evolink_spec import load
    from evolink_spec.clauses import load_clauses

    from evolink_check.cli.config import environment
    from evolink_check.client.harness.scenarios import chosen, scenarios
    from evolink_check.client.runner import SuitePlan, without_inapplicable

    spec = load()
    clauses = tuple(one for one in load_clauses() if one.binds == "client")
    known = chosen(scenarios(spec), names, description.skip)
    if not known:
        raise ValueError("none of these scenarios is left: the file skips them")
    plan = without_inapplicable(SuitePlan(description, known, spec, clauses, environment=environment()))
    if not plan.scenarios:
        raise ValueError("none of these scenarios applies: they need a client with {callback_url}")
    return plan


def _judged(plan: SuitePlan, *, strict: bool, verbose: bool) -> tuple[Summary, int]:
    """What was found, and the exit status when a signal ended it before its time, else 0."""
    from evolink_check import clock
    from evolink_check.cli.signals import interrupting
    from evolink_check.client.harness.process import kill_all
    from evolink_check.client.reports.summary import Summary
    from evolink_check.client.reports.terminal import line
    from evolink_check.client.runner import run_suite
    from evolink_check.client.verdicts.verdicts import together

    started, since = clock.now(), clock.stopwatch()
    with interrupting(plan.stop, _STOPPING, last=kill_all) as interrupts:
        runs = run_suite(plan, (lambda run: typer.echo(line(run), err=True)) if verbose else lambda _: None)
    judged = sum(not run.problem for run in runs)
    summary = Summary(
        command=shlex.join(plan.description.command),
        runs=runs,
        verdicts=together(runs, plan.clauses),
        started=started,
        seconds=clock.stopwatch() - since,
        seed=plan.seed,
        strict=strict,
        notes=_notes(plan),
        cut_short=f"cut short: {judged} of {len(plan.scenarios)} scenarios were judged"
        if interrupts.status
        else "",
    )
    return summary, interrupts.status


def _notes(plan: SuitePlan) -> tuple[str, ...]:
    notes = plan.description.misspelt
    if plan.description.deadline is None and any(one.endless for one in plan.scenarios):
        notes += ("without --deadline nobody can say whether the client would have ended by itself",)
    return notes


def _check(reports: Mapping[str, Path | None]) -> None:
    from evolink_check.cli.output import check_files

    check_files([path for path in reports.values() if path is not None])


def _report(summary: Summary, wanted: Mapping[str, Path | None], *, verbose: bool) -> None:
    from evolink_check.client.reports import html as html_report
    from evolink_check.client.reports import json_report, junit, terminal
    from evolink_check.files import STDOUT, write

    makers: dict[str, Callable[[Summary], str | bytes]] = {
        "json": json_report.to_json,
        "junit": junit.to_junit,
        "html": html_report.to_html,
        "badge": json_report.to_badge,
    }
    for name, path in wanted.items():
        if path is not None:
            write(path, makers[name](summary))
    terminal.show(summary, sys.stderr if STDOUT in wanted.values() else sys.stdout, verbose=verbose)
