"""The changes of the statuses, headers and bodies of responses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evolink_check.drift.contract.annotations import annotation_changes
from evolink_check.drift.schemas.differences import differences
from evolink_check.drift.verdicts import VerdictRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.drift.pairs.operations import Content, Response
    from evolink_check.drift.pairs.pair import OperationPair
    from evolink_check.drift.records import Change, Verdict

_ERRORS = ("4", "5", "d")  # the first characters of error statuses, including `default`
_NEW_STATUS = VerdictRule("notice", "a client may get a status that was not documented before", lenient=True)
_NEW_CODE = VerdictRule(
    "notice", "a client that distinguishes errors by it may not know the new value", lenient=True
)
_NEW_TYPE = VerdictRule(
    "notice", "a client may get a content type that was not documented before", lenient=True
)


def response_changes(pair: OperationPair) -> Iterator[Change]:
    """Yield every change of the responses. A change that several statuses have in common is yielded once."""
    old, new = pair.old.responses, pair.new.responses
    shared: dict[tuple[object, ...], tuple[Change, list[str]]] = {}
    for status in [status for status in old if status in new]:
        for change in _response(pair, status, old[status], new[status]):
            key = (change.kind, change.field, change.text, change.old, change.new)
            shared.setdefault(key, (change, []))[1].append(status)
    for change, statuses in shared.values():
        yield replace(change, field=f"{', '.join(statuses)} {change.field}".strip())
    yield from _statuses(pair)


def _statuses(pair: OperationPair) -> Iterator[Change]:
    old, new = pair.old.responses, pair.new.responses
    for status in [status for status in old if status not in new]:
        rule: tuple[Verdict, str] = ("breaking", "clients expect this response")
        if status.startswith(_ERRORS):
            rule = ("non-breaking", "clients no longer have to expect it")
        places = (old[status].pointer, pair.new.pointer)
        yield pair.change(
            "response-status-removed", pair.read, rule, "was removed", status, (status, ""), places
        )
    for status in [status for status in new if status not in old]:
        places = (pair.old.pointer, new[status].pointer)
        yield pair.change(
            "response-status-added", pair.read, _NEW_STATUS, "was added", status, ("", status), places
        )


def _response(pair: OperationPair, status: str, old: Response, new: Response) -> Iterator[Change]:
    places = (old.pointer, new.pointer)
    for name in [name for name in old.contents if name not in new.contents]:
        rule: tuple[Verdict, str] = ("breaking", "clients that read it get something else")
        text = f"{name} was removed"
        yield pair.change("content-type-removed", pair.read, rule, text, "", (name, ""), places)
    for name in [name for name in new.contents if name not in old.contents]:
        yield pair.change(
            "content-type-added", pair.read, _NEW_TYPE, f"{name} was added", "", ("", name), places
        )
    for name in [name for name in old.contents if name in new.contents]:
        yield from _content(pair, status, old.contents[name], new.contents[name])
    yield from _headers(pair, old, new)


def _content(pair: OperationPair, status: str, old: Content, new: Content) -> Iterator[Change]:
    if old.shape is not None and new.shape is not None:
        for difference in differences(old.shape, new.shape):
            yield pair.judged(pair.read, difference)
        yield from annotation_changes(pair, pair.read, old.shape, new.shape)
    if status.startswith(_ERRORS):
        yield from _error_codes(pair, old, new)


def _error_codes(pair: OperationPair, old: Content, new: Content) -> Iterator[Change]:
    # EvoLink states error codes in examples, not in schemas
    for word in ("code", "type"):
        was, now = _codes(old, word), _codes(new, word)
        if was and now and was != now:
            values = (", ".join(was), ", ".join(now))
            text = f"the documented {word} is {values[1]}, was {values[0]}"
            places = (next(iter(old.examples)), next(iter(new.examples)))
            yield pair.change(
                "error-code-changed", pair.read, _NEW_CODE, text, f"error.{word}", values, places
            )


def _codes(content: Content, word: str) -> list[str]:
    codes = set()
    for example in content.examples.values():
        error = example.get("error") if isinstance(example, dict) else None
        code = error.get(word) if isinstance(error, dict) else None
        codes |= set() if code is None else {str(code)}
    return sorted(codes)


def _headers(pair: OperationPair, old: Response, new: Response) -> Iterator[Change]:
    places = (old.pointer, new.pointer)
    for name in [name for name in old.headers if name not in new.headers]:
        rule: tuple[Verdict, str] = ("breaking", "a client that reads it no longer finds it")
        yield pair.change(
            "header-removed", pair.read, rule, "was removed", f"header {name}", (name, ""), places
        )
    for name in [name for name in new.headers if name not in old.headers]:
        rule = ("non-breaking", "clients ignore members that they do not read")
        yield pair.change("header-added", pair.read, rule, "was added", f"header {name}", ("", name), places)
    for name in [name for name in old.headers if name in new.headers]:
        for difference in differences(old.headers[name], new.headers[name]):
            yield pair.judged(pair.read, difference, f"header {name}")
