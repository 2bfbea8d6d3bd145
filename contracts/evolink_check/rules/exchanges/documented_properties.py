"""Find documented properties that no response contains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolink_spec.pointers import Node, follow

from evolink_check.analysis.verdicts import finding
from evolink_check.rules.exchanges.attribution import is_judgeable
from evolink_check.rules.exchanges.create_responses import accepted
from evolink_check.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding

    Property = tuple[str, ...]  # the names on the path to the property

_ENOUGH = 2  # a property is reported as missing if at least this many responses of one kind lack it
# Properties whose absence violates other clauses, such as `create.complete`, `usage.shape` and `query.complete`.
_OF_CREATE = {"id", "status", "created", "model", "progress"}
_OF_USAGE = {"billing_rule", "credits_reserved", "user_group"}
_OF_QUERY = {"id", "status", "results", "error"}


@rule("wire.all-properties")
def all_properties(view: TraceView) -> Iterator[Finding]:
    """Every documented property of create and query responses occurs in at least one response."""
    creates = list(accepted(view))
    documented: dict[Property, None] = {}
    for create in creates:
        documented |= dict.fromkeys(_properties(create.operation.answer if create.operation else {}))
    own = [names for names in documented if names[0] not in _OF_CREATE and names[-1] not in _OF_USAGE]
    yield from _findings("a create", own, [create.body for create in creates], creates)
    queries = [query for query in view.of("query") if query.succeeded and is_judgeable(query)]
    own = [names for names in view.once(_of_query) if names[0] not in _OF_QUERY]
    yield from _findings("a query", own, [query.body for query in queries], queries)


def _findings(
    what: str, documented: Iterable[Property], bodies: Sequence[Any], answers: Sequence[Observation]
) -> Iterator[Finding]:
    for names in documented:
        parents = [(_at(body, names[:-1]), answer) for body, answer in zip(bodies, answers, strict=True)]
        objects = [(parent, answer) for parent, answer in parents if isinstance(parent, dict)]
        if len(objects) >= _ENOUGH:  # no finding for the members of an object that was never seen
            seen = next((answer for parent, answer in objects if names[-1] in parent), None)
            yield finding(
                seen is not None,
                (seen or answers[-1]).number,
                expected=f"`{'.'.join(names)}` in some answer to {what}",
                seen=f"in none of {len(objects)}",
            )


def _at(body: Any, names: Property) -> Any:
    for name in names:
        body = body.get(name) if isinstance(body, dict) else None
    return body


def _properties(example: Mapping[str, Any]) -> Iterator[Property]:
    for name, value in example.items():
        yield (name,)
        yield from ((name, *inner) for inner in _properties(value)) if isinstance(value, dict) else ()


def _of_query(view: TraceView) -> tuple[Property, ...]:
    query = view.spec.query
    document = view.spec.documents[query.source]
    node: Node | None = Node(
        document, query.source, query.pointer, follow(document, query.pointer, query.source)
    )
    for step in ("responses", str(query.success), "content", "application/json", "schema"):
        node = None if node is None else node.get(step)
    return () if node is None else tuple(_of_schema(node))


def _of_schema(schema: Node) -> Iterator[Property]:
    properties = schema.get("properties")
    for name, inner in properties.children() if properties is not None else ():
        yield (name,)
        yield from (
            ((name, *member) for member in _of_schema(inner)) if "properties" in inner.mapping() else ()
        )
