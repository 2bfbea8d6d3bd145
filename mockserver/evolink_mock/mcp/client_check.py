"""Run the command `evolink-check client`, and shorten its report for a coding agent.

The command is a separate process. The package `evolink_mock` must not import the package of `evolink-check`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

_VIOLATIONS = 3  # maximum number of violations of a clause that are shown
_OUTPUT = 2000  # maximum number of characters of an error message


class CheckError(Exception):
    """The command `evolink-check client` could not run. The message is its output."""


def check_client(
    mock: str, command: Sequence[str], scenarios: Sequence[str], deadline: float | None, folder: str
) -> dict[str, Any]:
    """Check a client against the mock at the URL `mock`.

    Returns the shortened report. Raises `CheckError` if the command `evolink-check client` cannot run.
    """
    with TemporaryDirectory(prefix="evolink-mock-mcp-") as place:
        report = Path(place) / "report.json"
        options = ["--mock", mock, "--json", str(report)]
        options += [word for scenario in scenarios for word in ("--scenario", scenario)]
        options += [] if deadline is None else ["--deadline", f"{deadline:g}"]
        options += ["--cwd", folder] if folder else []
        arguments = [sys.executable, "-m", "evolink_check", "client", *options, "--", *command]
        # Stdin and stdout of this process are reserved for the protocol.
        done = subprocess.run(  # noqa: S603  (no shell)
            arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
        )
        if not report.exists():
            raise CheckError(f"{done.stderr}{done.stdout}".strip()[-_OUTPUT:])
        return condensed(msgspec.json.decode(report.read_bytes()))


def condensed(report: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a report that help to correct the client.

    These are the verdict, the violations, their evidence and the advice.
    """
    against = [clause for clause in report["clauses"] if clause["status"] in {"failed", "warning"}]
    return {
        "verdict": {0: "passed", 1: "failed", 2: "could not run"}[report["exit_status"]],
        "score": report["score"],
        "violated": [
            {name: clause[name] for name in ("id", "status", "rule", "advice", "scenarios")}
            | {"violations": _violations(report, clause["id"])}
            for clause in against
        ],
        "not_observed": {
            clause["id"]: clause["needs"]
            for clause in report["clauses"]
            if clause["status"] == "not observed"
        },
        "problems": sorted({run["problem"] for run in report["scenarios"] if run["problem"]}),
        "notes": report["notes"],
    }


def _violations(report: dict[str, Any], clause: str) -> list[dict[str, Any]]:
    found = [
        {"scenario": run["id"], **{name: violation[name] for name in ("expected", "seen", "evidence")}}
        for run in report["scenarios"]
        for violation in run["violations"]
        if violation["clause"] == clause
    ]
    return found[:_VIOLATIONS]
