"""The changes of one operation, such as changes of its path, security or responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.drift.contract.request_changes import request_changes
from evolink_check.drift.contract.response_changes import response_changes
from evolink_check.drift.pairs.pair import OperationPair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.drift.records import Change, Verdict


def operation_changes(pair: OperationPair) -> Iterator[Change]:
    """Yield the changes of an operation, without changes of models and descriptions."""
    yield from _identity(pair)
    yield from _servers(pair)
    if pair.old.security != pair.new.security:
        yield _security(pair)
    yield from request_changes(pair)
    yield from response_changes(pair)
    yield from _callbacks(pair)


def _identity(pair: OperationPair) -> Iterator[Change]:
    old, new = pair.old, pair.new
    if (old.method, old.path) != (new.method, new.path):
        rule: tuple[Verdict, str] = ("breaking", "requests to the old address get a 404")
        text = f"{old.subject} is now {new.subject}"
        yield pair.change("path-changed", "operation", rule, text, values=(old.subject, new.subject))
    if old.id != new.id:
        text = f"operationId is {new.id or 'missing'}, was {old.id or 'missing'}"
        rule = ("notice", "generated clients name their functions after it")
        yield pair.change("operation-id-changed", "operation", rule, text, values=(old.id, new.id))
    if new.deprecated and not old.deprecated:
        rule = ("notice", "it may be removed in a later version")
        yield pair.change("deprecated", "operation", rule, "the operation is deprecated")
    if old.deprecated and not new.deprecated:
        rule = ("non-breaking", "nothing is removed")
        yield pair.change("deprecation-withdrawn", "operation", rule, "the operation is no longer deprecated")


def _servers(pair: OperationPair) -> Iterator[Change]:
    old, new = pair.old.servers, pair.new.servers
    values = (", ".join(old), ", ".join(new))
    gone, fresh = [url for url in old if url not in new], [url for url in new if url not in old]
    if gone:
        text, reason = (
            f"server {', '.join(gone)} was removed",
            "clients send their requests to the old address",
        )
        yield pair.change("server-removed", "operation", ("breaking", reason), text, values=values)
    if fresh:
        reason = "clients have to use the new address" if gone else "the old address is still listed"
        text = f"server {', '.join(fresh)} was added"
        yield pair.change("server-added", "operation", ("non-breaking", reason), text, values=values)
    if not gone and not fresh and old[:1] != new[:1]:
        text, reason = f"the first server is {new[0]}, was {old[0]}", "generated clients use the first server"
        yield pair.change("server-order-changed", "operation", ("notice", reason), text, values=values)


def _security(pair: OperationPair) -> Change:
    old, new = pair.old.security, pair.new.security
    was, now = " or ".join(sorted(old)), " or ".join(sorted(new))
    rule: tuple[Verdict, str] = ("non-breaking", "requests that were authorized still are")
    if old - new and "nothing" not in new:
        rule = ("breaking", "requests that were authorized are refused")
    return pair.change("security-changed", "operation", rule, f"requires {now}, was {was}", values=(was, now))


def _callbacks(pair: OperationPair) -> Iterator[Change]:
    old, new = pair.old.callbacks, pair.new.callbacks
    for name in [name for name in old if name not in new]:
        places = (old[name].pointer, pair.new.pointer)
        rule: tuple[Verdict, str] = ("breaking", "receivers expect it")
        yield pair.change(
            "callback-removed", "response", rule, "the callback was removed", name, places=places
        )
    for name in [name for name in new if name not in old]:
        places = (pair.old.pointer, new[name].pointer)
        rule = ("non-breaking", "receivers of other callbacks are not affected")
        yield pair.change("callback-added", "response", rule, "a callback was added", name, places=places)
    for name in [name for name in old if name in new]:
        inner = OperationPair(old[name], new[name], f"callback {name}")
        yield from request_changes(inner)
        yield from response_changes(inner)
