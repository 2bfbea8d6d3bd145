"""What a client is led through: each scenario is an account with orders, and what may be expected of its end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from evolink_spec.options.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from evolink_spec import Spec

Expected = Literal["success", "failure", "either"]
ALWAYS = None  # as the times of an order: until changed


@dataclass(frozen=True, slots=True)
class RecipeAssignment:
    """A recipe for the next `times` requests to an operation (create, query, media), or for all of them."""

    recipe: str
    operation: str = "create"
    times: int | None = 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """One life of a task. `about` is a sentence; `expected` is how a good client ends.

    `endless`: nothing ever tells the client that its task is over. `odd`: the answers are unusual and documented, and
    must change nothing. `calls`: it needs a client that takes a callback URL. `mute`: clauses that it says nothing of;
    `only`, when there are any: the ones it speaks of.
    """

    id: str
    about: str
    orders: tuple[RecipeAssignment, ...] = ()
    expected: Expected = "success"
    endless: bool = False
    odd: bool = False
    calls: bool = False
    mute: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()

    def speaks_of(self, clause: str) -> bool:
        """Whether what happens here may be held against a clause, or for it."""
        return clause not in self.mute and (not self.only or clause in self.only)


# Answers of arbitrary content: what follows from them is nobody's fault, unless it crashes or never ends.
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
_UNUSABLE = frozenset({"client.reports-success"})  # a client may say that such a result is none
_STARTED = frozenset({"client.no-abandon"})  # told as another clause there


def _create(recipe: str, times: int | None = ALWAYS) -> tuple[RecipeAssignment, ...]:
    return (RecipeAssignment(recipe, "create", times),)


def _query(recipe: str, times: int | None = 1) -> tuple[RecipeAssignment, ...]:
    return (RecipeAssignment(recipe, "query", times),)


_LIVES = (
    Scenario("happy", "The task is created, runs for two seconds and is completed."),
    Scenario("slow", "The task takes six seconds, its progress in steps.", _create("slow=6s")),
    Scenario(
        "stuck-pending", "The task stays pending for ever.", _create("stuck=pending"), "failure", endless=True
    ),
    Scenario(
        "stuck-processing", "The task goes on for ever.", _create("stuck=processing"), "failure", endless=True
    ),
)
_LOST = (
    Scenario("create-drop", "The answer to the create is lost; the task exists.", _create("drop", 1), "failure"),
    Scenario("create-cut", "The answer to the create is cut in the middle.", _create("cut", 1), "failure"),
    Scenario("create-html", "The create is answered 200 as text/html.", _create("type=text/html", 1), "either"),
    *(
        Scenario(f"create-{status}", f"A gateway answers the create with {status} and HTML.",
                 _create(f"{status}", 1), "either")
        for status in (502, 503, 504)
    ),
    Scenario("query-drop", "The answer to a query is lost, once.", _query("ok, drop")),
    Scenario("query-cut", "The answer to a query is cut in the middle, once.", _query("ok, cut")),
    Scenario("query-html", "A query is answered as text/html, once.", _query("ok, type=text/html")),
    *(
        Scenario(f"query-{status}", f"A gateway answers a query with {status} and HTML, once.",
                 _query(f"ok, {status}"))
        for status in (502, 503, 504)
    ),
)  # fmt: skip
_SHAPES = (
    Scenario("shape-full", "Every answer has every documented field.",
             (RecipeAssignment("shape=full", "create", ALWAYS), RecipeAssignment("shape=full", "query", ALWAYS)), odd=True, mute=_STARTED),
    Scenario("shape-extra", "Every answer has unknown fields and an unknown header.",
             (RecipeAssignment("shape=extra", "create", ALWAYS), RecipeAssignment("shape=extra", "query", ALWAYS)), odd=True, mute=_STARTED),
    Scenario("create-minimal", "The create is answered with nothing but what the schema requires: {}.",
             _create("shape=minimal", 1), "failure"),
    Scenario("query-minimal", "Queries are answered with nothing but what the schema requires: {}.",
             _query("shape=minimal", ALWAYS), "either", endless=True),
    Scenario("query-any", "Queries are answered with anything that the schema allows.",
             _query("shape=any", ALWAYS), "either", endless=True, only=_ANYTHING),
    Scenario("status-unknown-once", "A query tells of a status that no document knows, then all is as usual.",
             _query("status=archived"), "either"),
    Scenario("status-unknown", "Every query tells of a status that no document knows.",
             _query("status=archived", ALWAYS), "failure", endless=True),
)  # fmt: skip
_RESULTS = (
    Scenario("link-expired", "The result link has expired (410).", _create("link=expired"), "failure", mute=_UNUSABLE),
    Scenario("link-404", "The result link leads nowhere (404).", _create("link=404"), "failure", mute=_UNUSABLE),
    Scenario("link-truncated", "Half of the result is all there is.", _create("link=truncated"), "failure",
             mute=_UNUSABLE),
    Scenario("media-cut", "The connection breaks in the middle of the result, once.", (RecipeAssignment("cut", "media"),),
             "either", mute=_UNUSABLE),
)  # fmt: skip
_CALLS = (
    Scenario("callback", "The client is called back when the task is over.", calls=True),
    Scenario("callback-twice", "The callback comes twice.", _create("callback=twice"), calls=True),
    Scenario("callback-early", "The callback says completed while a query says that it runs.",
             _create("callback=early+slow=4s"), calls=True),
    Scenario("callback-late", "The callback comes four seconds after the end.", _create("callback=late:4s"),
             calls=True),
    Scenario("callback-never", "No callback comes.", _create("callback=never"), calls=True),
)  # fmt: skip


def scenarios(spec: Spec) -> tuple[Scenario, ...]:
    """Every scenario there is for these documents."""
    return (*_LIVES, *_refusals(spec), *_failures(spec), *_LOST, *_SHAPES, *_RESULTS, *_CALLS)


def _refusals(spec: Spec) -> Iterator[Scenario]:
    """Every documented error of both operations; those that pass do pass."""
    create = next(iter(next(iter(spec.creates.values())).values()))
    for operation, errors in (("create", create.errors), ("query", spec.query.errors)):
        for status in sorted(errors):
            id_, when = f"{operation}-{status}", f"The {operation} is answered with {status}"
            if status == 429:  # noqa: PLR2004
                yield Scenario(id_, f"{when} and Retry-After, three seconds and one, then all is as usual.",
                               (RecipeAssignment("429=3s, 429", operation),))  # fmt: skip
            elif status >= 500:  # noqa: PLR2004
                either: Expected = "success" if operation == "query" else "either"
                once = f"{status}" if operation == "create" else f"ok, {status}"
                yield Scenario(id_, f"{when}, once.", (RecipeAssignment(once, operation),), either)
                first = f"{status}*100000" if operation == "create" else f"ok*2, {status}*100000"
                yield Scenario(f"{id_}-always", f"{when}, for ever.", (RecipeAssignment(first, operation),), "failure",
                               endless=True)  # fmt: skip
            else:
                yield Scenario(
                    id_, f"{when}.", (RecipeAssignment(str(status), operation, ALWAYS),), "failure"
                )


def _failures(spec: Spec) -> Iterator[Scenario]:
    for failure in spec.failures:
        yield Scenario(
            f"fail-{failure.code.replace('_', '-')}",
            f"The task fails: {failure.code}.",
            _create(f"fail={failure.code}+slow=1s"),
            "failure",
        )


def chosen(known: Iterable[Scenario], names: Sequence[str], skipped: Sequence[str]) -> tuple[Scenario, ...]:
    """The scenarios that `names` mean (all when there is none), less those that `skipped` mean.

    A name is the beginning of an id, or a pattern such as `*-drop`. ValueError for one that means none.
    """
    listed = tuple(known)
    for name in (*names, *skipped):
        if not any(_means(name, one) for one in listed):
            raise ValueError(f"there is no scenario {name!r}{did_you_mean(name, [one.id for one in listed])}")
    wanted = [one for one in listed if not names or any(_means(name, one) for name in names)]
    return tuple(one for one in wanted if not any(_means(name, one) for name in skipped))


def _means(name: str, one: Scenario) -> bool:
    return bool(name) and (one.id.startswith(name) or fnmatchcase(one.id, name))
