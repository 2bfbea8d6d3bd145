"""Builders of the mock's records, with defaults for all fields that a test does not care about."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import jsonschema_rs
from evolink_mock.api.interpretation import Interpretation
from evolink_mock.api.operations import CompiledOperations
from evolink_mock.api.request_context import RequestContext
from evolink_mock.domain.accounts import Account, AccountTerms, open_account
from evolink_mock.domain.exchange import Exchange
from evolink_mock.domain.tasks import LAST_PROGRESS, SUCCESS, Outcome, Task, Timetable, new_timetable
from evolink_mock.domain.units import Rate, Speed
from evolink_mock.media.spec import media_spec_of
from evolink_mock.recipes.recipe import NO_RECIPE
from evolink_spec import load
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import CreateOperation

SPEC = load()
START = 1_757_169_743.0
MODEL = "grok-imagine-image-to-video-beta"
OLD_MODEL = "grok-imagine-image-to-video"
BODY: dict[str, Any] = {
    "model": MODEL,
    "prompt": "The person starts dancing",
    "image_urls": ["https://example.com/image.jpg"],
}
CREATES: Mapping[str | None, CreateOperation] = next(iter(SPEC.creates.values()))
OPERATION = CREATES[MODEL]
OPERATIONS = CompiledOperations(CREATES)
FAILURE = next(failure for failure in SPEC.failures if failure.code == "generation_timeout")


def an_operation(**changes: Any) -> CreateOperation:
    """The vendored create with these fields changed; `properties` gives it another body schema."""
    properties = changes.pop("properties", None)
    if properties is not None:
        changes["body_schema"] = {"type": "object", "properties": properties}
        changes["properties"] = frozenset(properties)
    return dataclasses.replace(OPERATION, **changes)


def a_timetable(created: float = START, seconds: float = 10.0, outcome: Outcome = SUCCESS) -> Timetable:
    return new_timetable(created, 0, Speed(seconds, seconds), outcome)


def a_task(timetable: Timetable | None = None, **changes: Any) -> Task:
    values: dict[str, Any] = {
        "id": "task-unified-1757169743-7cvnl5zw",
        "account": "key",
        "operation": OPERATION,
        "model": MODEL,
        "media": media_spec_of({}, "video", 0),
        "origin": "http://127.0.0.1:8080",
        "timetable": timetable or a_timetable(),
    }
    return Task(**values | changes)


def an_account(
    token: str = "key", granted: float = 100, rate: Rate | None = None, denied: str | None = None
) -> Account:
    return open_account(token, AccountTerms(1, granted, rate, frozenset(filter(None, (denied,)))))


def a_context(**changes: Any) -> RequestContext:
    """The context of a valid create."""
    document, compiled = OPERATIONS.choose(BODY)
    values: dict[str, Any] = {
        "exchange": Exchange("POST", OPERATION.path, 0.0),
        "headers": {},
        "now": START,
        "account": an_account(),
        "token": "key",
        "documented": OPERATION.errors,
        "recipe": NO_RECIPE,
        "retry_after": None,
    }
    body = Interpretation(changes.pop("document", document), changes.pop("compiled", compiled))
    return RequestContext(**values | changes, body=body)


def documented(name: str) -> jsonschema_rs.Draft202012Validator:
    """The validator of a schema that a document names, with what its prose adds."""
    components = next(
        document["components"]
        for document in SPEC.documents.values()
        if name in document["components"]["schemas"]
    )
    schema = {"$ref": f"#/components/schemas/{name}", "components": components}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


DRAWS = st.integers(0, 36**8 - 1)
CREATED = st.floats(0, 9_999_999_999)
SECONDS = st.floats(0.001, 366 * 86400.0)
SPEEDS = st.tuples(SECONDS, SECONDS).map(lambda both: Speed(min(both), max(both)))
FAILURES = st.tuples(st.sampled_from(SPEC.failures), st.integers(1, LAST_PROGRESS)).map(
    lambda both: Outcome(*both)
)
OUTCOMES = st.just(SUCCESS) | FAILURES
TIMETABLES = st.tuples(CREATED, DRAWS, SPEEDS, OUTCOMES).map(lambda decided: new_timetable(*decided))


@st.composite
def instants(draw: st.DrawFn, timetable: Timetable) -> float:
    """An instant of a task's life: anywhere, at a turning point or just beside one."""
    turning = draw(st.sampled_from((timetable.created, timetable.starts, timetable.ends, timetable.expires)))
    anywhere = st.floats(0, 1.5).map(
        lambda share: timetable.created + share * (timetable.ends - timetable.created)
    )
    beside = st.sampled_from((-1.0, -1e-6, 0.0, 1e-6, 1.0)).map(turning.__add__)
    return max(timetable.created, draw(anywhere | beside))
