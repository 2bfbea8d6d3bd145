"""Scenarios with unexpected responses, such as missing fields and redirects."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from evolink_check.client.harness.documented_fields import fields_of, pairs_of
from evolink_check.client.harness.scenario import ALWAYS, Scenario, on_create, on_query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_spec import Spec

# A client cannot follow a task without these fields, so each of them is missing in a separate scenario.
_NEEDED_OF_CREATE = ("id", "status")
_NEEDED_OF_QUERY = ("id", "status", "results", "error")
# If one of these fields is missing, a client may give the task up and report a failure.
_GIVES_UP = frozenset({"client.no-abandon", "client.reports-success", "client.asks-again"})
_UNUSABLE = frozenset({"client.reports-success"})  # a client may report such a result as a failure
_UNRESOLVED = _UNUSABLE | {"client.stops-at-end"}  # a client may wait for the results
_OUT_OF_TIME = frozenset({"client.no-abandon"})  # the client's deadline may pass before the task is created
_NO_QUERY = frozenset({"receiver.asks-back"})  # the client's deadline may pass before a query is answered
_QUERY_FAULT = frozenset({"client.asks-again", "client.no-abandon", "receiver.asks-back"})


def missing_fields(spec: Spec) -> Iterator[Scenario]:
    """Generate scenarios in which documented fields of responses are missing or null.

    If optional fields are missing, the client must succeed. If a field such as `id` is missing, `expected` of the
    scenario is "failure" or "either". The value "either" means that the client may report a success or a failure.
    """
    create = next(iter(next(iter(spec.creates.values())).values()))
    of_create = _optional(fields_of(spec, create, create.success), _NEEDED_OF_CREATE)
    of_query = _optional(fields_of(spec, spec.query, spec.query.success), _NEEDED_OF_QUERY)
    # The fields of the query are paired in reverse order, so that no scenario lacks the same field in both responses.
    pairs = zip_longest(pairs_of(of_create), reversed(pairs_of(of_query)), fillvalue=())
    for number, (first, second) in enumerate(pairs, start=1):
        lacks = _in_words(first, "the create request") + _in_words(second, "queries")
        orders = (
            *(on_create(f"omit={'/'.join(first)}+slow=1s", ALWAYS) if first else ()),
            *(on_query(f"omit={'/'.join(second)}", ALWAYS) if second else ()),
        )
        lacking = " and ".join(lacks)
        about = f"Responses lack optional fields: {lacking}."
        yield Scenario(f"missing-{number}", about, orders, lacks=lacking)
    yield Scenario("missing-status-id", "The response to the create request lacks its status, those to queries the id.",
                   (*on_create("omit=status+slow=1s", ALWAYS), *on_query("omit=id", ALWAYS)), "either",
                   lacks="status in the response to the create request and id in the response to queries",
                   mute=_GIVES_UP)  # fmt: skip
    yield from _missing_results()
    yield from _missing_in_errors()
    nullable = [name for name, null in fields_of(spec, spec.query, spec.query.success).items() if null]
    for name in nullable:
        yield Scenario(f"null-{name}", f"`{name}` of a failed task is null.",
                       (*on_create("fail=service_error+slow=1s", ALWAYS), *on_query(f"null={name}", ALWAYS)),
                       "failure", lacks=f"a value of {name}")  # fmt: skip


def _optional(fields: dict[str, bool], needed: tuple[str, ...]) -> list[str]:
    return [name for name in fields if name.partition(".")[0] not in needed]


def _in_words(names: tuple[str, ...], where: str) -> list[str]:
    return [f"{' and '.join(names)} in the response to {where}"] if names else []


def _missing_results() -> Iterator[Scenario]:
    yield Scenario("create-without-id", "The response to the create request has everything but the id.",
                   on_create("omit=id"), "failure", lacks="id in the response to the create request")  # fmt: skip
    yield Scenario("query-without-status", "One query has everything but the status.",
                   on_query("ok, omit=status"), "either", lacks="status in the response to a query",
                   mute=_GIVES_UP)  # fmt: skip
    for id_, about, recipe in (
        ("missing", "The completed task has no `results`.", "omit=results"),
        ("empty", "The completed task has an empty list of `results`.", "empty=results"),
    ):
        yield Scenario(
            f"results-{id_}", about, on_query(recipe, ALWAYS), "failure", lacks="results", mute=_UNRESOLVED
        )


def _missing_in_errors() -> Iterator[Scenario]:
    for id_, recipe in (
        ("message", "402+omit=error.message/error.type"),
        ("code", "400+omit=error.code/error.param"),
        ("error", "403+omit=error"),
    ):
        about = f"The create request is refused, and the body lacks {recipe.partition('=')[2].replace('/', ' and ')}."
        yield Scenario(f"refusal-without-{id_}", about, on_create(recipe, ALWAYS), "failure",
                       lacks=recipe.partition("=")[2].replace("/", " and "))  # fmt: skip
    yield Scenario("refusal-extra", "The create request is refused, and the body has an undocumented field.",
                   on_create("402+add=error.hint/hint", ALWAYS), "failure", adds="hint")  # fmt: skip
    for id_, recipe in (
        ("message", "omit=error.message/error.type"),
        ("code", "omit=error.code"),
        ("error", "omit=error"),
    ):
        lacks = recipe.partition("=")[2].replace("/", " and ")
        orders = (*on_create("fail=service_error+slow=1s", ALWAYS), *on_query(recipe, ALWAYS))
        yield Scenario(f"failure-without-{id_}", f"The task fails, and the body lacks {lacks}.", orders, "failure",
                       lacks=lacks)  # fmt: skip
    yield Scenario("failure-extra", "The task fails, and its error has an undocumented field.",
                   (*on_create("fail=service_error+slow=1s", ALWAYS), *on_query("add=error.hint/hint", ALWAYS)),
                   "failure", adds="hint")  # fmt: skip


OTHER_BODIES = (
    Scenario("create-204", "The response to the create request is a 204 without a body, although the task exists.",
             on_create("body=none"), "failure"),
    Scenario("create-empty", "The response to the create request is a 200 without a body.",
             on_create("body=empty"), "failure"),
    Scenario("create-list", "The response to the create request is a list.", on_create("body=list"), "failure"),
    Scenario("query-empty", "The responses to two queries are a 204 and a 200 without a body.",
             on_query("ok, body=none, body=empty"), "either", mute=_QUERY_FAULT),
    Scenario("query-list", "The responses to two queries are a list and a number.",
             on_query("ok, body=list, body=number"), "either", mute=_QUERY_FAULT),
    Scenario("query-string", "The responses to two queries are a text and null.",
             on_query("ok, body=string, body=null"), "either", mute=_QUERY_FAULT),
)  # fmt: skip
REDIRECTS = (
    Scenario("create-redirect", "The create request is redirected to another URL of the same host (307).",
             on_create("redirect=same"), "either"),
    Scenario("create-redirect-elsewhere", "The create request is redirected to another host (307).",
             on_create("redirect=other"), "either"),
    Scenario("query-redirect", "Two queries are redirected: to another URL of the same host, and to plain http (302).",
             on_query("ok, redirect=same, redirect=http"), "either", mute=_QUERY_FAULT),
    Scenario("query-redirect-elsewhere", "One query is redirected to another host (302).",
             on_query("ok, redirect=other"), "either", mute=_QUERY_FAULT),
    Scenario("link-redirect", "The result link is redirected to the file (302).",
             on_create("link=redirect+slow=1s", ALWAYS), "either", mute=_UNUSABLE),
)  # fmt: skip
WAITS = (
    Scenario("create-hang", "No response to the create request ever comes, although the task exists.",
             on_create("hang"), "failure", hangs=True),
    Scenario("query-hang", "No response to the first query ever comes.", on_query("hang"), "either", hangs=True,
             mute=_NO_QUERY),
    Scenario("query-trickle", "The response to one query comes byte by byte, within six seconds.",
             on_query("ok, trickle=6s"), "either", mute=_NO_QUERY),
)  # fmt: skip
RETRY_AFTER = (
    Scenario("retry-after-date", "A 429 to the create request has a Retry-After of 1.5, a 429 to a query has a date.",
             (*on_create("429=2s+retry=fraction"), *on_query("ok, 429=4s+retry=date"))),
    Scenario("retry-after-zero", "A 429 to the create request has a Retry-After of 0, two to queries have none.",
             (*on_create("429+retry=zero"), *on_query("ok, 429+retry=none*2"))),
    Scenario("retry-after-hour", "A 429 to the create request has a Retry-After of an hour.",
             on_create("429=1h", ALWAYS), "failure", endless=True),
    Scenario("query-retry-after-hour", "A 429 to every query but the first has a Retry-After of an hour.",
             on_query("ok, 429=1h*100000"), "failure", endless=True),
)  # fmt: skip
GATEWAYS = tuple(
    Scenario(f"create-{status}-done", f"A gateway answers the create request with {status}, although the task exists.",
             on_create(f"{status}=done"), "failure")
    for status in (502, 503, 504)
)  # fmt: skip
RESULTS = (
    Scenario("link-page", "The result link leads to an HTML error page with the status 200.",
             on_create("link=page+slow=1s", ALWAYS), "failure", mute=_UNUSABLE),
    Scenario("link-empty", "The result file is empty.", on_create("link=empty+slow=1s", ALWAYS), "failure",
             mute=_UNUSABLE),
)  # fmt: skip
TIMES = (
    Scenario("refused", "Connections are refused for the first seconds.", expected="either", refuses=True,
             mute=_OUT_OF_TIME),
    Scenario("not-found-yet", "The first query is a 404: the task cannot be seen yet.", on_query("404, ok"),
             "either"),
    Scenario("clock-ahead", "The clock of the server is an hour ahead.",
             (*on_create("skew=ahead:1h+slow=1s", ALWAYS), *on_query("skew=ahead:1h", ALWAYS))),
    Scenario("clock-behind", "The clock of the server is an hour behind.",
             (*on_create("skew=behind:1h+slow=1s", ALWAYS), *on_query("skew=behind:1h", ALWAYS))),
)  # fmt: skip


def response_scenarios(spec: Spec) -> tuple[Scenario, ...]:
    """Return all scenarios with unusual responses."""
    rest = (*OTHER_BODIES, *REDIRECTS, *WAITS, *RETRY_AFTER, *GATEWAYS, *RESULTS, *TIMES)
    return (*missing_fields(spec), *rest)
