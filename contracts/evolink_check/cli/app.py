"""The command line of `evolink-check`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from importlib.util import find_spec
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import click
from evolink_spec.extras import install_command
from evolink_spec.options.command_line import Group, repeated_command
from evolink_spec.options.suggestions import did_you_mean

from evolink_check.cli.commands import client, documents, drift, receiver
from evolink_check.cli.commands.api import run_api, run_proxy, run_recording
from evolink_check.cli.commands.problems import reporting_problems
from evolink_check.cli.config import OTHER_TOKEN, TOKEN
from evolink_check.cli.options import (
    ClauseOptions,
    DocumentOptions,
    EffortOptions,
    JudgingOptions,
    ProxyOptions,
    RecordingOptions,
    ServerOptions,
)
from evolink_check.cli.reports.options import BaselineOptions, ReportFiles
from evolink_check.cli.signals import ending_at_signals
from evolink_check.reports.model import COULD_NOT_RUN

if TYPE_CHECKING:
    from evolink_spec.clauses import Clause

_NEEDED = ("httpx2", "hypothesis", "openapi_core", "schemathesis")  # the packages of the extra `contracts`
EXITS = "Exit status: 0 passed, 1 failed, 2 could not run"
_FOR_ONE_RUN = (
    "clauses",
    "har",
    "json",
    "junit",
    "html",
    "markdown",
    "sarif",
    "serve_report",
    "update",
    "verbose",
)
_SECRETS = {"token": TOKEN, "other_token": OTHER_TOKEN}

app = Group(
    "evolink-check",
    help="Checks servers, clients, callback receivers, recordings and live traffic against the documents of EvoLink's "
    "asynchronous video API.",
    epilog="Start with: evolink-check api http://127.0.0.1:8080 --any-key --max-credits 60",
)
click.version_option(None, "--version", package_name="evolink-mock", message="evolink-check %(version)s")(app)


def _repeated() -> str:
    # Reports show this command line, so environment variables replace the API keys.
    return repeated_command(click.get_current_context(), without=_FOR_ONE_RUN, secrets=_SECRETS)


@app.taking(
    ServerOptions,
    EffortOptions,
    DocumentOptions,
    ReportFiles,
    BaselineOptions,
    help="Check a server.\n\n"
    "Without --max-credits, no request is sent that could create a task; only reads and requests that must be refused "
    "are sent. Clauses that were not tested are reported as not observed, never as passed.\n\n\b\n"
    "evolink-check api http://127.0.0.1:8080 --any-key\n"
    "evolink-check api https://api.evolink.ai --max-credits 60 --html report.html\n"
    "evolink-check api --config production.toml --baseline known.json --junit report.xml\n"
    "evolink-check api https://api.evolink.ai --max-credits 5 --clause task.final",
    epilog=f"{EXITS}. Ctrl-C stops sending; the exchanges so far are judged and reported, with exit status 130. A "
    "second Ctrl-C stops at once. Set the keys as EVOLINK_API_KEY and EVOLINK_OTHER_API_KEY; no report contains them.",
)
def api(
    server: ServerOptions,
    effort: EffortOptions,
    documents: DocumentOptions,
    reports: ReportFiles,
    baseline: BaselineOptions,
) -> None:
    """Check a server."""
    with reporting_problems():
        code = run_api(server, effort, documents, reports, baseline, _repeated())
    raise SystemExit(code)


client.mount(app)
receiver.mount(app)


@app.taking(
    RecordingOptions,
    JudgingOptions,
    DocumentOptions,
    ReportFiles,
    BaselineOptions,
    help="Check the traffic in HAR files. Nothing is sent.\n\n"
    "The files can come from `evolink-check proxy`, a browser, mitmproxy, or `evolink-check api --har`. "
    "Clauses about which a recording shows nothing are not observed.\n\n\b\n"
    "evolink-check recording monday.har --origin https://api.evolink.ai\n"
    "evolink-check recording *.har --about both --html report.html",
    epilog=f"{EXITS}.",
)
def recording(
    recording: RecordingOptions,
    judging: JudgingOptions,
    documents: DocumentOptions,
    reports: ReportFiles,
    baseline: BaselineOptions,
) -> None:
    """Check recordings."""
    with reporting_problems():
        code = run_recording(recording, judging, documents, reports, baseline, _repeated())
    raise SystemExit(code)


@app.taking(
    ProxyOptions,
    JudgingOptions,
    DocumentOptions,
    ReportFiles,
    BaselineOptions,
    help="Check live traffic.\n\n"
    "Runs a reverse proxy in front of an API, and records and checks the traffic. Point clients at the proxy "
    "instead of the API. Everything but the Host header is forwarded unchanged; links to "
    "results are not rewritten. The first violation of each clause is reported at once. Keys are not recorded.\n\n\b\n"
    "evolink-check proxy --upstream https://api.evolink.ai --port 9000 --har today.har\n"
    "evolink-check proxy --upstream http://127.0.0.1:8080 --headers --about both",
    epilog=f"{EXITS}. Ctrl-C stops the proxy and prints the report. The HAR file is also written every few seconds.",
)
def proxy(
    proxy: ProxyOptions,
    judging: JudgingOptions,
    documents: DocumentOptions,
    reports: ReportFiles,
    baseline: BaselineOptions,
) -> None:
    """Run a proxy that checks the traffic, until Ctrl-C."""
    with reporting_problems():
        code = run_proxy(proxy, judging, documents, reports, baseline)
    raise SystemExit(code)


drift.mount(app)
documents.mount(app)


@app.taking(ClauseOptions)
def clauses(options: ClauseOptions) -> None:
    """List the clauses that are checked.

    For each clause, the list shows its id, its severity, its text, and the place in the documents from which it comes.
    Clauses for servers come first, then clauses for clients, then clauses for callback receivers.
    """
    from evolink_spec.clauses import load_clauses

    from evolink_check.cli.clause_list import clause_details, clause_list

    every = load_clauses()
    with reporting_problems():
        chosen = _clause(every, options.clause) if options.clause else every
        if options.as_json:
            content: Any = [asdict(clause) for clause in chosen]
            click.echo(json.dumps(content[0] if options.clause else content, indent=2, ensure_ascii=False))
        else:
            click.echo(clause_details(chosen[0]) if options.clause else clause_list(chosen))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the file that `api --config` reads. Text editors can use it to check the file."""
    from evolink_check.cli.config_file import schema as schema_of_file

    click.echo(json.dumps(schema_of_file(), indent=2))


def _clause(clauses: tuple[Clause, ...], name: str) -> tuple[Clause, ...]:
    matches = tuple(clause for clause in clauses if clause.id == name)
    if not matches:
        raise ValueError(
            f"there is no clause {name!r}{did_you_mean(name, [clause.id for clause in clauses])}"
        )
    return matches


def main() -> None:
    """Run the command line."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        click.echo(f"evolink-check needs {', '.join(missing)}: {install_command('contracts')}", err=True)
        sys.exit(COULD_NOT_RUN)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, TextIOWrapper
        ):  # even if the report has a character that the terminal cannot show, the report must be printed
            stream.reconfigure(errors="backslashreplace")
    with ending_at_signals():
        app()
