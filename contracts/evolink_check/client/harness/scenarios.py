"""All scenarios in which a client is run."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from evolink_spec.options.suggestions import closest, did_you_mean

from evolink_check.client.harness.response_scenarios import response_scenarios
from evolink_check.client.harness.scenario import ALWAYS, Scenario, ScenarioRecipe, on_create, on_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from evolink_spec import Spec

    from evolink_check.client.harness.scenario import Expected

# If responses have arbitrary content, only these clauses are judged, because the content excuses other violations.
_ANYTHING = frozenset(
    {
        *(
            "auth.header",
            "auth.header-only",
            "client.valid-request",
            "client.content-type",
            "client.callback-url",
        ),
        *("client.no-crash", "client.own-deadline", "client.link-without-key"),
    }
)
_SUGGESTED = 3  # how many ids the error for an unknown id suggests
_UNUSABLE = frozenset({"client.reports-success"})  # a client may report such a result as a failure
_STARTED = frozenset({"client.no-abandon"})  # violations are reported as those of `client.tolerant`


_LIVES = (
    Scenario("happy", "The task is created, runs for a short time and completes."),
    Scenario("slow", "The task takes six seconds and progresses in steps.", on_create("slow=6s", ALWAYS)),
    Scenario(
        "stuck-pending",
        "The task stays pending forever.",
        on_create("stuck=pending", ALWAYS),
        "failure",
        endless=True,
    ),
    Scenario(
        "stuck-processing",
        "The task stays processing forever.",
        on_create("stuck=processing", ALWAYS),
        "failure",
        endless=True,
    ),
)
_LOST = (
    Scenario("create-drop", "The response to the create request is lost, although the task exists.",
             on_create("drop", 1), "failure"),
    Scenario("create-cut", "The response to the create request breaks off in the middle.",
             on_create("cut", 1), "failure"),
    Scenario("create-html", "The response to the create request is 200 with Content-Type text/html.",
             on_create("type=text/html", 1), "either"),
    *(
        Scenario(f"create-{status}", f"A gateway responds to the create request with {status} and HTML.",
                 on_create(f"{status}", 1), "either")
        for status in (502, 503, 504)
    ),
    Scenario("query-drop", "The response to one query is lost.", on_query("ok, drop")),
    Scenario("query-drops", "The responses to six queries in a row are lost.", on_query("ok, drop*6"), "either",
             endless=True),
    Scenario("query-cut", "The response to one query breaks off in the middle.", on_query("ok, cut")),
    Scenario("query-html", "The response to one query has Content-Type text/html.", on_query("ok, type=text/html")),
    *(
        Scenario(f"query-{status}", f"A gateway responds to one query with {status} and HTML.",
                 on_query(f"ok, {status}"))
        for status in (502, 503, 504)
    ),
)  # fmt: skip
_SHAPES = (
    Scenario("shape-full", "Every response has all documented fields.",
             (*on_create("shape=full", ALWAYS), *on_query("shape=full", ALWAYS)), unusual=True, mute=_STARTED),
    Scenario("shape-extra", "Every response has unknown fields and an unknown header.",
             (*on_create("shape=extra", ALWAYS), *on_query("shape=extra", ALWAYS)), unusual=True, mute=_STARTED),
    Scenario("create-minimal", "The response to the create request has only what the schema requires: {}.",
             on_create("shape=minimal", 1), "failure"),
    Scenario("query-minimal", "Responses to queries have only what the schema requires: {}.",
             on_query("shape=minimal", ALWAYS), "either", endless=True),
    Scenario("query-any", "Responses to queries are arbitrary values that the schema allows.",
             on_query("shape=any", ALWAYS), "either", endless=True, only=_ANYTHING),
    Scenario("status-unknown-once", "One query reports an undocumented status.",
             on_query("status=archived"), "either"),
    Scenario("status-unknown", "Every query reports an undocumented status.",
             on_query("status=archived", ALWAYS), "failure", endless=True),
)  # fmt: skip
_RESULTS = (
    Scenario("link-expired", "The result link has expired (410).", on_create("link=expired+slow=1s", ALWAYS), "failure",
             mute=_UNUSABLE),
    Scenario("link-404", "The result link is not found (404).", on_create("link=404+slow=1s", ALWAYS), "failure",
             mute=_UNUSABLE),
    Scenario("link-truncated", "The result file is truncated to half.", on_create("link=truncated+slow=1s", ALWAYS),
             "failure", mute=_UNUSABLE),
    Scenario("media-cut", "The connection breaks in the middle of the download, once.",
             (ScenarioRecipe("cut", "media"),), "either", mute=_UNUSABLE),
)  # fmt: skip
_CALLS = (
    Scenario("callback", "The callback arrives when the task is finished.", calls=True),
    Scenario("callback-twice", "The callback arrives twice.", on_create("callback=twice", ALWAYS), calls=True),
    Scenario("callback-early", "The callback reports completed while queries still report processing.",
             on_create("callback=early+slow=4s", ALWAYS), calls=True),
    Scenario("callback-late", "The callback arrives four seconds late.", on_create("callback=late:4s", ALWAYS),
             calls=True),
    Scenario("callback-never", "No callback arrives.", on_create("callback=never", ALWAYS), calls=True),
)  # fmt: skip


def scenarios(spec: Spec) -> tuple[Scenario, ...]:
    """Return all scenarios, including scenarios for each error that the OpenAPI documents describe."""
    return (
        *_LIVES,
        *_refusals(spec),
        *_failures(spec),
        *_LOST,
        *_SHAPES,
        *_RESULTS,
        *response_scenarios(spec),
        *_CALLS,
    )


def _refusals(spec: Spec) -> Iterator[Scenario]:
    create = next(iter(next(iter(spec.creates.values())).values()))
    for operation, errors in (("create", create.errors), ("query", spec.query.errors)):
        for status in sorted(errors):
            id_, when = f"{operation}-{status}", f"The response to the {operation} request is {status}"
            if status == 429:  # noqa: PLR2004
                yield Scenario(id_, f"{when} with Retry-After, twice: three seconds, then one.",
                               (ScenarioRecipe("429=3s, 429", operation),))  # fmt: skip
            elif status >= 500:  # noqa: PLR2004
                either: Expected = "success" if operation == "query" else "either"
                once = f"{status}" if operation == "create" else f"ok, {status}"
                yield Scenario(id_, f"{when}, once.", (ScenarioRecipe(once, operation),), either)
                # The error above is temporary: a repeated request succeeds. This scenario repeats the error
                # forever.
                first = f"{status}*100000" if operation == "create" else f"ok*2, {status}*100000"
                yield Scenario(f"{id_}-always", f"{when}, forever.", (ScenarioRecipe(first, operation),), "failure",
                               endless=True)  # fmt: skip
            else:
                yield Scenario(id_, f"{when}.", (ScenarioRecipe(str(status), operation, ALWAYS),), "failure")


def _failures(spec: Spec) -> Iterator[Scenario]:
    for failure in spec.failures:
        yield Scenario(
            f"fail-{failure.code.replace('_', '-')}",
            f"The task fails: {failure.code}.",
            on_create(f"fail={failure.code}+slow=1s", ALWAYS),
            "failure",
        )


def select(
    scenarios: Iterable[Scenario], names: Sequence[str], skipped: Sequence[str]
) -> tuple[Scenario, ...]:
    """Return the scenarios that `names` select but `skipped` does not. If `names` is empty, all scenarios are selected.

    A name is the beginning of an id, or a pattern such as `*-drop`. Raises ValueError for a name that selects no
    scenario.
    """
    listed = tuple(scenarios)
    for name in (*names, *skipped):
        if not any(_selects(name, scenario) for scenario in listed):
            ids = [scenario.id for scenario in listed]
            near = did_you_mean(name, ids) or f"; the nearest are {', '.join(closest(name, ids, _SUGGESTED))}"
            raise ValueError(f"there is no scenario {name!r}{near}")
    return tuple(
        scenario
        for scenario in listed
        if (not names or any(_selects(name, scenario) for name in names))
        and not any(_selects(name, scenario) for name in skipped)
    )


def _selects(name: str, scenario: Scenario) -> bool:
    return bool(name) and (scenario.id.startswith(name) or fnmatchcase(scenario.id, name))
