"""Reports made by hand: one that holds every word, one that a hostile server has filled, and what is judged of both."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import Finding, Verdict, passed, violation
from evolink_check.reports.evidence import Evidence
from evolink_check.reports.model import Report, answers_of
from evolink_spec.clauses import load_clauses

from support.records.trace_builders import (
    BODY,
    ID,
    RESULT,
    SPEC,
    START,
    Tracing,
    completed,
    error,
    failed,
    processing,
    task,
)

CLAUSES = load_clauses()
SECRET = "s3cr3tAbcdef0123456789"
HOOK = f"https://user:{SECRET}@hooks.example.test/c/1?s={SECRET}"
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'`]]>&amp;\x1b[31m\x00\x07\u202e"


def lived() -> Tracing:
    """A few tasks: one that completes and is told, one that fails, one that is lost; and refusals."""
    trace = Tracing(receiver="https://hooks.example.test/")
    trace.create(body={**BODY, "callback_url": HOOK}, sent=(("Authorization", f"Bearer {SECRET}"),))
    trace.query(error("unauthorized", "authentication_error"), 401, who="wrong")
    for progress in (0, 20, 45, 80):
        trace.query(processing(progress))
    trace.delivery(completed(), status=500, url=HOOK)
    trace.delivery(completed(), status=0, url=HOOK, problem="it was told not to answer")
    trace.delivery(completed(), status=204, url=HOOK)
    trace.query(completed())
    trace.link()
    other = ID.replace("7cvnl5zw", "aaaaaaaa")
    trace.create(task(id=other))
    trace.query(processing(30, id=other), id_=other)
    trace.query(b"", 0, id_=other, problem="the connection was lost")
    trace.query(error("internal_error", "api_error"), 500, id_=other)
    trace.query(failed("generation_timeout", id=other), id_=other)
    trace.create(error("invalid_request", "invalid_request_error"), 400, body={"model": "x"})
    return trace


def verdicts(**found: tuple[Finding, ...]) -> tuple[Verdict, ...]:
    """A verdict for every clause that binds a server; an id is written with `__` for a dot and `_` for a hyphen."""
    given = {name.replace("__", ".").replace("_", "-"): findings for name, findings in found.items()}
    made = []
    for clause in CLAUSES:
        if clause.binds != "server":
            continue
        all_ = given.pop(clause.id, ())
        violations = tuple(one for one in all_ if not one.passed)
        word: Any = "failed" if clause.severity == "failure" else "warning"
        made.append(
            Verdict(
                clause, word if violations else "passed" if all_ else "not observed", len(all_), violations
            )
        )
    assert not given, "there are such clauses"
    return tuple(made)


def report(
    trace: Tracing | None = None,
    judged: tuple[Verdict, ...] | None = None,
    **more: Any,
) -> Report:
    """What a run with this trace says."""
    view = TraceView((trace or lived()).trace(), more.pop("spec", SPEC))
    usual: dict[str, Any] = {
        "kind": "api",
        "subject": "https://api.example.test",
        "started": START,
        "seconds": 12.34,
        "command": "evolink-check api https://api.example.test --seed 7",
        "profile": "quick",
        "seed": 7,
        "budget": 20.0,
        "spent": 10.0,
        "created": 2,
        "notes": ("no other key was given: whose task it is was not checked",),
    }
    return Report(
        evidence=Evidence(view),
        verdicts=full() if judged is None else judged,
        answers=answers_of(view),
        **usual | more,
    )


def full() -> tuple[Verdict, ...]:
    """Every word there is."""
    again = violation(2, 4, expected="progress 20 or more", seen="progress 0")
    found = verdicts(
        create__answers_200=(passed(0), violation(0, expected="200", seen="201")),
        task__progress_monotone=(
            again,
            again,
            violation(2, 3, expected="progress 45 or more", seen="progress 30"),
        ),
        callback__retries=(violation(6, 7, expected="2 s after the first", seen="7 s"),),
        error__shape=(
            violation(1, expected="an error in the documented shape", seen="an `error` that is a text"),
        ),
        task__can_cancel=(violation(0, expected="`can_cancel` true", seen="`can_cancel` false"),),
        create__schema=(passed(0), passed(11)),
        query__schema=(passed(2), passed(3), passed(4)),
        task__final=(passed(9),),
        callback__post=(passed(6),),
    )
    return tuple(replace(one, known=one.clause.id == "error.shape") for one in found)


def planted(secret: str = SECRET, other: str = HOSTILE) -> Report:
    """A report with a secret wherever one may come in, and a text that attacks whoever reads it."""
    url = f"https://u:{secret}@hooks.example.test/c?s={secret}#{secret}"
    nested = json.dumps({"deep": json.dumps({"callback_url": url}), "image_urls": [url], "api_key": secret})
    bad = nested[:-3] + other
    headers = (
        ("Authorization", f"Bearer {secret}"),
        ("Cookie", secret),
        ("X-Told", f"see {url}"),
        ("X-Odd", other),
    )
    trace = Tracing()
    trace.create(
        answer={**task(), "note": url, "odd": other}, body={**BODY, "callback_url": url}, sent=headers
    )
    trace.create(answer=bad.encode(), body=nested.encode(), headers=headers, sent=headers)
    trace.query(bad.encode(), 500, headers=headers)
    trace.query(completed(results=[f"{RESULT}?sig={secret}"]))
    trace.link(url=f"{RESULT}?sig={secret}", status=403, headers=headers, answer=bad.encode())
    trace.delivery(json.loads(nested), url=url, problem=f"{url} {other}", status=0, sent=headers)
    trace.exchange("GET", f"/odd?key={secret}", 404, bad.encode(), asked=bad.encode(), sent=headers)
    told = f"{other} {url} Authorization: Bearer {secret}"
    ids = [one.id for one in CLAUSES if one.binds == "server"]
    names = [id_.replace(".", "__").replace("-", "_") for id_ in ids[: len(trace.entries)]]
    found = {name: (violation(place, expected=told, seen=told),) for place, name in enumerate(names)}
    more = {"subject": f"{other} {url}", "command": f"run {url}", "notes": (told,)}
    return report(trace, verdicts(**found), **more)


def undescribed(value: Any, schema: dict[str, Any], whole: dict[str, Any], at: str = "") -> list[str]:
    """Where a report has members that its schema does not name and require, or lacks some that it does."""
    schema = whole["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if isinstance(value, list):
        return [one for inner in value for one in undescribed(inner, schema["items"], whole, f"{at}[]")]
    if not isinstance(value, dict) or "additionalProperties" in schema:
        return []
    known = schema["properties"]
    wrong = value.keys() ^ known.keys() | known.keys() ^ set(schema["required"])
    found = [f"{at}.{name}" for name in sorted(wrong)]
    for name in value.keys() & known.keys():
        found += undescribed(value[name], known[name], whole, f"{at}.{name}")
    return found
