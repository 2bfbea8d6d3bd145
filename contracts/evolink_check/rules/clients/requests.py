"""What a client sends: its key where it belongs, and requests as documented. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from evolink_check.analysis.internal_hosts import is_internal
from evolink_check.analysis.verdicts import passed, violation
from evolink_check.rules.clients import retries
from evolink_check.rules.clients.activity import ASKS, asks, fetches
from evolink_check.traffic.redaction import KEY
from evolink_check.traffic.trace import NOBODY, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from evolink_check.analysis.observations import Observation, TraceView
    from evolink_check.analysis.request_faults import RequestFault
    from evolink_check.analysis.verdicts import Finding, Rule


def _in_header(reading: TraceView) -> Iterator[Finding]:
    for one in asks(reading, *ASKS):
        if one.entry.who == NOBODY:
            if KEY not in one.entry.exchange.url:  # which is another clause's
                yield violation(
                    one.number, expected="Authorization: Bearer KEY", seen="no key in that header"
                )
        elif one.entry.who != UNKNOWN:
            yield passed(one.number)


def _nowhere_else(reading: TraceView) -> Iterator[Finding]:
    fetched = {one.number for one in fetches(reading)}
    for one in reading.seen:
        exchange = one.entry.exchange
        places = [
            name
            for name, text in (
                ("URL", exchange.url),
                ("body", exchange.request_body.decode("utf-8", "replace")),
            )
            if KEY in text and one.number not in fetched
        ]
        if places and one.role != "delivery":
            yield violation(
                one.number, expected="the key in its header only", seen=f"the key in the {places[0]}"
            )
        elif one.role in ASKS:
            yield passed(one.number)


def _over_https(reading: TraceView) -> Iterator[Finding]:
    for one in asks(reading, *ASKS):
        url = one.entry.exchange.url
        scheme = urlsplit(url).scheme.lower()
        if scheme == "http" and not is_internal(url) and one.entry.who != NOBODY:
            yield violation(one.number, expected="https", seen=f"http to {urlsplit(url).hostname}")
        elif scheme:
            yield passed(one.number)


def _link_without_key(reading: TraceView) -> Iterator[Finding]:
    for one in fetches(reading):
        if KEY in one.entry.exchange.url:
            yield violation(one.number, expected="the link as it was given", seen="the key added to it")
        elif one.entry.who == NOBODY:
            yield passed(one.number)
        elif one.entry.who != UNKNOWN:
            yield violation(one.number, expected="no Authorization header", seen="the key sent to the link")


# One create


def _creates_without(wrong: Callable[[RequestFault], bool]) -> Rule:
    """No create has a fault of this kind; one that is not sure accuses nobody."""

    def rule(reading: TraceView) -> Iterator[Finding]:
        for one in asks(reading, "create"):
            if _is_unread(one):
                continue
            found = [fault.what for fault in one.faults if fault.sure and wrong(fault)]
            if found:
                yield violation(
                    one.number, expected="a request as documented", seen="; ".join(found[:3])[:200]
                )
            else:
                yield passed(one.number)

    return rule


def _is_unread(one: Observation) -> bool:
    """Whether there was a body that the recording does not have: a server may refuse before it reads it."""
    chunked = one.sent("transfer-encoding") is not None
    announced = chunked or (one.sent("content-length") or "0").strip() != "0"
    return not one.entry.exchange.request_body and announced


def _of_type(fault: RequestFault) -> bool:
    return fault.clause == "body.json" and "content type" in fault.what


def _of_callback(fault: RequestFault) -> bool:
    return fault.clause.startswith("callback.")


def _content_type(reading: TraceView) -> Iterator[Finding]:
    for one in asks(reading, "create"):
        kind = (one.sent("content-type") or "").partition(";")[0].strip().lower()
        if kind == "application/json":
            yield passed(one.number)
        elif one.entry.exchange.request_body or _is_unread(one):
            yield violation(one.number, expected="application/json", seen=kind[:60] or "no Content-Type")


def _callback_url(reading: TraceView) -> Iterator[Finding]:
    rule = _creates_without(_of_callback)
    concerned = {
        one.number
        for one in asks(reading, "create")
        if one.operation and one.operation.callback and isinstance(one.asked, dict)
        if one.operation.callback.field in one.asked
    }
    return (found for found in rule(reading) if found.entries[-1] in concerned)


def _actual_model(reading: TraceView) -> Iterator[Finding]:
    for one in asks(reading, "create"):
        model = one.asked.get("model") if isinstance(one.asked, dict) else None
        actual = one.operation.aliases.get(model) if one.operation and isinstance(model, str) else None
        if actual is not None:
            yield violation(one.number, expected=actual, seen=str(model)[:60])
        elif isinstance(model, str):
            yield passed(one.number)


def _known_fields(reading: TraceView) -> Iterator[Finding]:
    for one in asks(reading, "create"):
        if one.operation is None or not isinstance(one.asked, dict):
            continue
        unknown = sorted(str(name)[:40] for name in one.asked.keys() - one.operation.properties)
        if unknown:
            yield violation(one.number, expected="documented fields only", seen=", ".join(unknown[:5]))
        else:
            yield passed(one.number)


RULES: Mapping[str, Rule] = {
    "auth.header": _in_header,
    "auth.header-only": _nowhere_else,
    "auth.https": _over_https,
    "client.link-without-key": _link_without_key,
    "client.valid-request": _creates_without(lambda fault: not _of_type(fault) and not _of_callback(fault)),
    "client.content-type": _content_type,
    "client.callback-url": _callback_url,
    "client.actual-model": _actual_model,
    "client.no-unknown-fields": _known_fields,
    **retries.RULES,
}
