"""The scenarios in which a client is run: each is an account with recipes, and the expected end of the client."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from evolink_spec.options.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from evolink_spec import Spec

Expected = Literal["success", "failure", "either"]
ALWAYS = None  # as `times` of a recipe: for all requests


@dataclass(frozen=True, slots=True)
class ScenarioRecipe:
    """A recipe for the next `times` requests to an operation (create, query, media), or for all of them."""

    recipe: str
    operation: str = "create"
    times: int | None = 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """A behaviour of the server. `about` is a sentence; `expected` is how a correct client ends.

    `endless`: no response says that the task has ended. `unusual`: the responses are unusual but documented, and must
    not change what the client does. `calls`: the client has to accept a callback URL. `mute`: clauses that are not
    judged in this scenario; `only`, unless empty: the only clauses that are judged.
    """

    id: str
    about: str
    orders: tuple[ScenarioRecipe, ...] = ()
    expected: Expected = "success"
    endless: bool = False
    unusual: bool = False
    calls: bool = False
    mute: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()

    def judges(self, clause: str) -> bool:
        """Whether a clause is judged in this scenario."""
        return clause not in self.mute and (not self.only or clause in self.only)


# The clauses judged when responses have arbitrary content, which excuses most of what a client may do.
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
_UNUSABLE = frozenset({"client.reports-success"})  # a client may call such a result a failure
_STARTED = frozenset({"client.no-abandon"})  # in these scenarios `client.tolerant` reports it


def _create(recipe: str, times: int | None = ALWAYS) -> tuple[ScenarioRecipe, ...]:
    return (ScenarioRecipe(recipe, "create", times),)


def _query(recipe: str, times: int | None = 1) -> tuple[ScenarioRecipe, ...]:
    return (ScenarioRecipe(recipe, "query", times),)


_LIVES = (
    Scenario("happy", "The task is created, runs for two seconds and completes."),
    Scenario("slow", "The task takes six seconds and progresses in steps.", _create("slow=6s")),
    Scenario(
        "stuck-pending", "The task stays pending forever.", _create("stuck=pending"), "failure", endless=True
    ),
    Scenario(
        "stuck-processing",
        "The task stays processing forever.",
        _create("stuck=processing"),
        "failure",
        endless=True,
    ),
)
_LOST = (
    Scenario("create-drop", "The response to the create is lost, although the task exists.",
             _create("drop", 1), "failure"),
    Scenario("create-cut", "The response to the create breaks off in the middle.", _create("cut", 1), "failure"),
    Scenario("create-html", "The response to the create is 200 with Content-Type text/html.",
             _create("type=text/html", 1), "either"),
    *(
        Scenario(f"create-{status}", f"A gateway responds to the create with {status} and HTML.",
                 _create(f"{status}", 1), "either")
        for status in (502, 503, 504)
    ),
    Scenario("query-drop", "The response to one query is lost.", _query("ok, drop")),
    Scenario("query-cut", "The response to one query breaks off in the middle.", _query("ok, cut")),
    Scenario("query-html", "The response to one query has Content-Type text/html.", _query("ok, type=text/html")),
    *(
        Scenario(f"query-{status}", f"A gateway responds to one query with {status} and HTML.",
                 _query(f"ok, {status}"))
        for status in (502, 503, 504)
    ),
)  # fmt: skip
_SHAPES = (
    Scenario("shape-full", "Every response has all documented fields.",
             (*_create("shape=full"), *_query("shape=full", ALWAYS)), unusual=True, mute=_STARTED),
    Scenario("shape-extra", "Every response has unknown fields and an unknown header.",
             (*_create("shape=extra"), *_query("shape=extra", ALWAYS)), unusual=True, mute=_STARTED),
    Scenario("create-minimal", "The response to the create has only what the schema requires: {}.",
             _create("shape=minimal", 1), "failure"),
    Scenario("query-minimal", "Responses to queries have only what the schema requires: {}.",
             _query("shape=minimal", ALWAYS), "either", endless=True),
    Scenario("query-any", "Responses to queries are arbitrary values that the schema allows.",
             _query("shape=any", ALWAYS), "either", endless=True, only=_ANYTHING),
    Scenario("status-unknown-once", "One query reports an undocumented status.",
             _query("status=archived"), "either"),
    Scenario("status-unknown", "Every query reports an undocumented status.",
             _query("status=archived", ALWAYS), "failure", endless=True),
)  # fmt: skip
_RESULTS = (
    Scenario("link-expired", "The result link has expired (410).", _create("link=expired"), "failure", mute=_UNUSABLE),
    Scenario("link-404", "The result link is not found (404).", _create("link=404"), "failure", mute=_UNUSABLE),
    Scenario("link-truncated", "The result file is truncated to half.", _create("link=truncated"), "failure",
             mute=_UNUSABLE),
    Scenario("media-cut", "The connection breaks in the middle of the download, once.",
             (ScenarioRecipe("cut", "media"),), "either", mute=_UNUSABLE),
)  # fmt: skip
_CALLS = (
    Scenario("callback", "The callback arrives when the task is finished.", calls=True),
    Scenario("callback-twice", "The callback arrives twice.", _create("callback=twice"), calls=True),
    Scenario("callback-early", "The callback reports completed while queries still report processing.",
             _create("callback=early+slow=4s"), calls=True),
    Scenario("callback-late", "The callback arrives four seconds late.", _create("callback=late:4s"),
             calls=True),
    Scenario("callback-never", "No callback arrives.", _create("callback=never"), calls=True),
)  # fmt: skip


def scenarios(spec: Spec) -> tuple[Scenario, ...]:
    """All scenarios for these documents."""
    return (*_LIVES, *_refusals(spec), *_failures(spec), *_LOST, *_SHAPES, *_RESULTS, *_CALLS)


def _refusals(spec: Spec) -> Iterator[Scenario]:
    """Every documented error of both operations; temporary errors end after one or two responses."""
    create = next(iter(next(iter(spec.creates.values())).values()))
    for operation, errors in (("create", create.errors), ("query", spec.query.errors)):
        for status in sorted(errors):
            id_, when = f"{operation}-{status}", f"The response to the {operation} is {status}"
            if status == 429:  # noqa: PLR2004
                yield Scenario(id_, f"{when} with Retry-After, twice: three seconds, then one.",
                               (ScenarioRecipe("429=3s, 429", operation),))  # fmt: skip
            elif status >= 500:  # noqa: PLR2004
                either: Expected = "success" if operation == "query" else "either"
                once = f"{status}" if operation == "create" else f"ok, {status}"
                yield Scenario(id_, f"{when}, once.", (ScenarioRecipe(once, operation),), either)
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
            _create(f"fail={failure.code}+slow=1s"),
            "failure",
        )


def select(
    scenarios: Iterable[Scenario], names: Sequence[str], skipped: Sequence[str]
) -> tuple[Scenario, ...]:
    """The scenarios that `names` select (all if there are no names), except those that `skipped` selects.

    A name is the beginning of an id, or a pattern such as `*-drop`. ValueError for a name that selects nothing.
    """
    listed = tuple(scenarios)
    for name in (*names, *skipped):
        if not any(_selects(name, scenario) for scenario in listed):
            suggestion = did_you_mean(name, [scenario.id for scenario in listed])
            raise ValueError(f"there is no scenario {name!r}{suggestion}")
    return tuple(
        scenario
        for scenario in listed
        if (not names or any(_selects(name, scenario) for name in names))
        and not any(_selects(name, scenario) for name in skipped)
    )


def _selects(name: str, scenario: Scenario) -> bool:
    return bool(name) and (scenario.id.startswith(name) or fnmatchcase(scenario.id, name))
