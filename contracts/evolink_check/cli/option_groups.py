"""Options that several commands have, and what each group of them comes to."""

from __future__ import annotations

import shlex
from pathlib import Path

import typer

from evolink_check.cli import options  # noqa: TC001  (typer reads the annotations)
from evolink_check.cli.commands import Asked
from evolink_check.cli.config import Given
from evolink_check.cli.output import Deviations, ReportFiles

_KEYS = {
    "token": ("--token", "EVOLINK_API_KEY"),
    "other_token": ("--other-token", "EVOLINK_OTHER_API_KEY"),
}
_FOR_ONE_RUN = {
    *("token", "other_token", "clause", "har", "json_file", "junit", "html", "update_baseline", "verbose"),
}


def given(  # noqa: PLR0913  (one parameter an option is how typer works)
    *,
    token: options.Token = "",
    other_token: options.OtherToken = "",
    any_key: options.AnyKey = False,
    ca: options.Ca = None,
    scale: options.Scale = None,
    max_credits: options.MaxCredits = None,
    profile: options.Profile = None,
    seed: options.Seed = None,
    jobs: options.Jobs = None,
    rate: options.Rate = None,
    time_limit: options.TimeLimit = None,
    task_limit: options.TaskLimit = None,
    clause: options.ClauseIds = None,
    memory: options.Memory = Path(".evolink-check"),
    no_memory: options.NoMemory = False,
    callback_url: options.CallbackUrl = "",
    callback_listen: options.CallbackListen = "",
) -> Given:
    """The options that say what is checked, and how hard."""
    return Given(
        token=token,
        other_token=other_token,
        any_key=any_key,
        scale=scale,
        ca=ca,
        callback_url=callback_url,
        callback_listen=callback_listen,
        profile=profile,
        max_credits=max_credits,
        rate=rate,
        jobs=jobs,
        time_limit=time_limit,
        task_limit=task_limit,
        seed=seed,
        clauses=frozenset(clause or ()),
        memory=None if no_memory else memory,
    )


def wanted(
    *,
    har: options.Har = None,
    json_file: options.Json = None,
    junit: options.Junit = None,
    html: options.Html = None,
    verbose: options.Verbose = False,
) -> ReportFiles:
    """The options that say which reports are written."""
    try:
        return ReportFiles(har, json_file, junit, html, verbose)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from problem


def known(
    *, baseline: options.Baseline = None, update_baseline: options.UpdateBaseline = False
) -> Deviations:
    """The options that say which failures are known."""
    return Deviations(baseline, update_baseline)


def asked(
    *,
    context: typer.Context,
    about: options.About = "server",
    complete: options.Complete = False,
    clause: options.OnlyClauses = None,
) -> Asked:
    """The options that say how a record is judged."""
    return Asked(about, complete, frozenset(clause or ()), command_of(context))


def command_of(context: typer.Context) -> str:
    """The command line that repeats this run, without reports and clauses; for keys it names variables."""
    words = context.command_path.split()
    keys = [
        f'{option} "${variable}"' for name, (option, variable) in _KEYS.items() if context.params.get(name)
    ]
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        value = context.params.get(parameter.name or "")
        if source is None or source.name != "COMMANDLINE" or parameter.name in _FOR_ONE_RUN:
            continue
        option = [] if parameter.param_type_name == "argument" else [parameter.opts[0]]
        values = value if isinstance(value, list | tuple) else [value]
        words += option if value is True else [word for one in values for word in (*option, _word(one))]
    return " ".join([shlex.join(words), *keys])


def _word(value: object) -> str:
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)
