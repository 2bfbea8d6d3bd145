"""Build requests that do not depend on chance.

Each clause that a single request can test has a simple request. Further requests have boundary values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolink_check.analysis.trace_view import CREDITS
from evolink_check.generation.case_builders import (
    JSON,
    bodyless_case,
    can_send_wrong_keys,
    create_case,
    query_case,
)
from evolink_check.generation.fields import (
    create_operations,
    enum_fields,
    fields_of,
    minimal_body,
    near_misses,
    required_of,
    values_of_other_types,
)
from evolink_check.generation.malformed_bodies import (
    refused_malformed,
    tolerated_malformed,
    without_last_required_field,
)
from evolink_check.generation.pairwise import creating_bodies
from evolink_check.generation.undocumented_routes import creates_by_other_methods, undocumented_routes
from evolink_check.generation.urls import (
    INTERNAL,
    NOT_URIS,
    OTHER_SCHEMES,
    WITH_SPACES,
    disguised_urls,
    internal_hosts,
    long_url,
)
from evolink_check.traffic.trace import MAIN, NOBODY, WRONG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_spec import CreateOperation, Spec

    from evolink_check.generation.case import Case
    from evolink_check.settings import Subject

UNKNOWN_IDS = (
    "task-unified-1000000000-zzzzzzzz",
    "task-unified-1000000000-00000000",
)  # from before the service existed
OTHER_IDS = (
    *(
        "task-image-1000000000-zzzzzzzz",
        "video-1000000000-zzzzzzzz",
        "1000000000",
        "0",
        "-1",
        "null",
        "undefined",
    ),
    *(
        "id",
        "task",
        "task-",
        "unified-1000000000-zzzzzzzz",
        "xtask-unified-1000000000-zzzzzzzz",
        "%20",
        "%C3%A9",
    ),
    *("%F0%9F%98%80", "%D9%85%D9%87%D9%85%D8%A9", "'%20or%20'1'='1", "%7B%7D", "*", "task_id", "x" * 1000),
)
ODD_IDS = (  # with a valid prefix and a malformed rest, for which both 400 and 404 are correct
    *("task-unified-", "task-unified-x", "task-unified-1000000000", "task-unified-1000000000-ZZZZZZZZ"),
    *("task-unified-1000000000-zzzzzzzzz", "task-unified-1000000000-%C3%A9%C3%A9", "task-unified-%20"),
    f"task-unified-{'9' * 1000}",
)
SCHEMES = (
    "Bearer",
    "Basic dXNlcjpwYXNzd29yZA==",
    "Token words",
    "Digest username=x",
    "words",
    "Bearerwords",
    "Key=x",
)
HEADERS = (
    ("Idempotency-Key", "8e1c-1"),
    ("X-Request-Id", "words"),
    ("X-Unknown", "1"),
    ("Accept-Language", "de"),
)
_RATE = 12  # how many requests are sent with each key that the configuration declares as limited


def invalid_creates(spec: Spec, subject: Subject) -> tuple[Case, ...]:
    """Return create requests that a server must reject. The requests need no budget.

    The body is invalid or the key is missing. A wrong key always comes with an invalid body. A server that accepts any
    key would create a task from a valid body.
    """
    cases = [
        case
        for operation in create_operations(spec)
        for case in _invalid_creates_of(operation, spec, subject)
    ]
    return tuple({_request_of(case): case for case in cases if not case.creates}.values())


def read_only_cases(spec: Spec, subject: Subject) -> tuple[Case, ...]:
    """Return queries of tasks, requests for credits, and requests with undocumented methods or paths.

    None of these requests can create a task.
    """
    return (
        *_queries(spec),
        *_reads_without_valid_key(spec, subject),
        *undocumented_routes(spec, UNKNOWN_IDS[0]),
        *_rate_limited_reads(spec, subject),
    )


def valid_creates(spec: Spec, subject: Subject, seed: int = 0) -> tuple[Case, ...]:
    """Return at most 16 valid create requests.

    Together, the requests contain most of the field values that the document lists. The requests need a budget,
    because each request creates a task.
    """
    return creating_bodies(spec, subject, seed)


def risky_creates(spec: Spec, subject: Subject) -> tuple[Case, ...]:
    """Return create requests from which a careless server creates a task.

    A correct server must reject some of these requests, and may accept the rest. Examples are an undocumented method, a
    wrong key, or an account without credits. Further requests have unusual values, such as `null` as the callback URL.
    Some requests have JSON that not every decoder accepts. All requests need a budget, because even a correct server
    may create tasks.
    """
    cases = [
        case for operation in create_operations(spec) for case in _risky_creates_of(operation, spec, subject)
    ]
    return tuple({_request_of(case): case for case in cases if case.creates}.values())


def _request_of(case: Case) -> tuple[Any, ...]:
    return case.method, case.path, case.headers, case.body, case.key, case.authorization


def _invalid_creates_of(operation: CreateOperation, spec: Spec, subject: Subject) -> Iterator[Case]:
    good = minimal_body(operation, subject)
    for name, body in (*_invalid_bodies(operation, good), *_invalid_callbacks(operation, good)):
        yield create_case(name, operation, spec, body)
    yield from refused_malformed(operation, spec, good)
    yield create_case("no key", operation, spec, good, key=NOBODY, about=("auth.bearer",))
    yield from _invalid_creates_without_key(operation, spec, good)
    for scheme in SCHEMES:
        name = f"the key as {scheme.partition(' ')[0]!r}"
        yield create_case(name, operation, spec, good, authorization=scheme, about=("auth.bearer",))
    bad = without_last_required_field(good, operation)
    if can_send_wrong_keys(subject):
        yield create_case(
            "a wrong key, an invalid body", operation, spec, bad, key=WRONG, about=("auth.bearer",)
        )
    yield create_case("unknown headers, an invalid body", operation, spec, bad, headers=(*JSON, *HEADERS))
    for label, key in subject.keys.items():
        if key.limited:
            for place in range(3):
                name = f"too often, an invalid body {place}"
                about = ("create.error-429", "rate.retry-after")
                yield create_case(name, operation, spec, {**bad, "x-place": place}, key=label, about=about)


def _invalid_creates_without_key(
    operation: CreateOperation, spec: Spec, good: dict[str, Any]
) -> Iterator[Case]:
    bodies: dict[str, Any] = {
        "an invalid body": without_last_required_field(good, operation),
        "a body that is not JSON": b"{",
        "an unknown model": {**good, "model": "no-such-model"},
    }
    if operation.callback is not None:
        bodies["a callback to an internal host"] = {**good, operation.callback.field: "https://127.0.0.1/"}
    # the response must be a 401, not a 400
    for name, body in bodies.items():
        yield create_case(
            f"no key, {name}", operation, spec, body, key=NOBODY, about=("auth.bearer", "error.order")
        )


def _invalid_bodies(operation: CreateOperation, good: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "an empty object", {}
    for name in required_of(operation):
        yield f"no {name}", {key: value for key, value in good.items() if key != name}
    for name, schema in fields_of(operation).items():
        for value in values_of_other_types(schema, 1):
            yield f"{name} is {value!r}", {**good, name: value}
    for name, values in (*enum_fields(operation).items(), ("model", operation.models)):
        for value in near_misses(values):
            yield f"{name} is {value!r}"[:60], {**good, name: value}
    if "image_urls" in good:
        image = good["image_urls"][0]
        for urls in ([image, image], [image, f"{image}?2"], [image] * 3, [image] * 1000):
            yield f"{len(urls)} images", {**good, "image_urls": urls}
        for text in NOT_URIS:
            yield f"an image {text!r}", {**good, "image_urls": [text]}


def _invalid_callbacks(operation: CreateOperation, good: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    rules = operation.callback
    if rules is None:
        return
    hosts = internal_hosts(INTERNAL[:2])
    disguised = (url for host in ("127.0.0.1", "[::1]") for url in disguised_urls(host))
    lengths = (rules.max_length + 1, rules.max_length + 2, 2 * rules.max_length, 10_000)
    urls = [
        *OTHER_SCHEMES,
        *(*NOT_URIS, *WITH_SPACES),
        *(f"https://{host}/hooks/done" for host in hosts),
        *disguised,
        *(long_url(length) for length in lengths),
    ]
    for url in dict.fromkeys(urls):
        yield f"a callback to {url[:60]!r}", {**good, rules.field: url}


def _risky_creates_of(operation: CreateOperation, spec: Spec, subject: Subject) -> Iterator[Case]:
    good = minimal_body(operation, subject)
    if can_send_wrong_keys(subject):
        yield create_case("a wrong key", operation, spec, good, key=WRONG, about=("auth.bearer",))
    for label, key in subject.keys.items():
        if key.account.credits is False:
            about = ("create.error-402", "credits.short")
            yield create_case("no credits", operation, spec, good, key=label, about=about)
        if key.account.access is False:
            about = ("model.access", "create.error-403")
            yield create_case("no access to the model", operation, spec, good, key=label, about=about)
    if "image_urls" in good:
        empty = {**good, "image_urls": []}
        yield create_case("no image", operation, spec, empty, about=("create.image-urls-empty",))
    numbers = ((name, value) for name, values in enum_fields(operation).items() for value in values[:1])
    for name, value in numbers:
        if type(value) is int:
            yield create_case(f"{name} is {value}.0", operation, spec, {**good, name: float(value)})
    if operation.callback is not None:
        yield create_case("no callback", operation, spec, {**good, operation.callback.field: None})
    yield from tolerated_malformed(operation, spec, good)
    yield from creates_by_other_methods(operation, spec, good)


def _queries(spec: Spec) -> Iterator[Case]:
    for task_id in UNKNOWN_IDS:
        yield query_case("an unknown id", spec, task_id, "query.unknown-id", "query.error-404")
    for task_id in OTHER_IDS:
        yield query_case(f"the id {task_id[:40]!r}", spec, task_id, "query.id-prefix", "query.error-400")
    for task_id in ODD_IDS:
        yield query_case(f"the id {task_id[:40]!r}", spec, task_id, "query.unknown-id")
    unknown = ("wire.unknown-headers", "query.unknown-id")
    for header in HEADERS:
        yield query_case(f"the header {header[0]}", spec, UNKNOWN_IDS[0], *unknown, headers=(header,))
    yield bodyless_case("the credits", "GET", CREDITS, "credits.shape")
    more = ("wire.unknown-headers", "credits.shape")
    yield bodyless_case("the credits with unknown headers", "GET", CREDITS, *more, headers=HEADERS)


def _reads_without_valid_key(spec: Spec, subject: Subject) -> Iterator[Case]:
    keys: list[tuple[str, dict[str, Any]]] = [("no key", {"key": NOBODY})]
    keys += [(f"the key as {scheme.partition(' ')[0]!r}", {"authorization": scheme}) for scheme in SCHEMES]
    if can_send_wrong_keys(subject):
        keys.append(("a wrong key", {"key": WRONG}))
        odd = ("Bearer  two-spaces", "Bearer two words", "Bearer null", f"Bearer {'x' * 2000}")
        keys += [(f"the key {header[:20]!r}", {"authorization": header}) for header in odd]
    for name, how in keys:
        yield query_case(name, spec, UNKNOWN_IDS[0], "auth.bearer", "query.error-401", **how)
        who = {"key": NOBODY, **how} if "authorization" in how else how
        yield bodyless_case(name, "GET", CREDITS, "auth.bearer", "credits.integer-codes", **who)


def _rate_limited_reads(spec: Spec, subject: Subject) -> Iterator[Case]:
    for label, key in subject.keys.items():
        if key.limited and label != MAIN:
            for place in range(_RATE):
                about = ("query.error-429", "rate.retry-after")
                yield query_case(f"too often {place}", spec, UNKNOWN_IDS[0], *about, key=label)
