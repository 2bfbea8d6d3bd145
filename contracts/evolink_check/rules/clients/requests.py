"""What a client sends: its key where it belongs, and requests as documented. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from evolink_check.analysis.internal_hosts import is_internal
from evolink_check.analysis.verdicts import finding, passed, violation
from evolink_check.rules.clients.activity import ASKS, asks, fetches
from evolink_check.rules.registry import rule
from evolink_check.traffic.redaction import KEY
from evolink_check.traffic.trace import NOBODY, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evolink_check.analysis.observations import Observation, TraceView
    from evolink_check.analysis.request_faults import RequestFault
    from evolink_check.analysis.verdicts import Finding


@rule("auth.header")
def in_header(reading: TraceView) -> Iterator[Finding]:
    """The key is sent as `Authorization: Bearer KEY`."""
    for one in asks(reading, *ASKS):
        if one.entry.who == NOBODY:
            if KEY not in one.entry.exchange.url:  # which is another clause's
                yield violation(
                    one.number, expected="Authorization: Bearer KEY", seen="no key in that header"
                )
        elif one.entry.who != UNKNOWN:
            yield passed(one.number)


@rule("auth.header-only")
def nowhere_else(reading: TraceView) -> Iterator[Finding]:
    """The key is sent nowhere but in that header."""
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


@rule("auth.https")
def over_https(reading: TraceView) -> Iterator[Finding]:
    """A key travels over https only."""
    for one in asks(reading, *ASKS):
        url = one.entry.exchange.url
        scheme = urlsplit(url).scheme.lower()
        if scheme == "http" and not is_internal(url) and one.entry.who != NOBODY:
            yield violation(one.number, expected="https", seen=f"http to {urlsplit(url).hostname}")
        elif scheme:
            yield passed(one.number)


@rule("client.link-without-key")
def link_without_key(reading: TraceView) -> Iterator[Finding]:
    """A result is fetched by its link alone, without the key."""
    for one in fetches(reading):
        if KEY in one.entry.exchange.url:
            yield violation(one.number, expected="the link as it was given", seen="the key added to it")
        elif one.entry.who == NOBODY:
            yield passed(one.number)
        elif one.entry.who != UNKNOWN:
            yield violation(one.number, expected="no Authorization header", seen="the key sent to the link")


# One create


@rule("client.valid-request")
def valid_request(reading: TraceView) -> Iterator[Finding]:
    """No create has a certain fault; its content type and its callback URL have clauses of their own."""
    for one in asks(reading, "create"):
        yield from _without(one, lambda fault: not _of_type(fault) and not _of_callback(fault))


def _without(one: Observation, is_wrong: Callable[[RequestFault], bool]) -> Iterator[Finding]:
    """Whether a create has no fault of this kind; one that is not certain accuses nobody."""
    if _is_unread(one):
        return
    faults = [fault.what for fault in one.faults if fault.sure and is_wrong(fault)]
    yield finding(
        not faults, one.number, expected="a request as documented", seen="; ".join(faults[:3])[:200]
    )


def _is_unread(one: Observation) -> bool:
    """Whether there was a body that the recording does not have: a server may refuse before it reads it."""
    chunked = one.sent("transfer-encoding") is not None
    announced = chunked or (one.sent("content-length") or "0").strip() != "0"
    return not one.entry.exchange.request_body and announced


def _of_type(fault: RequestFault) -> bool:
    return fault.clause == "body.json" and "content type" in fault.what


def _of_callback(fault: RequestFault) -> bool:
    return fault.clause.startswith("callback.")


@rule("client.content-type")
def content_type(reading: TraceView) -> Iterator[Finding]:
    """The body of a create is sent as application/json."""
    for one in asks(reading, "create"):
        kind = (one.sent("content-type") or "").partition(";")[0].strip().lower()
        if kind == "application/json":
            yield passed(one.number)
        elif one.entry.exchange.request_body or _is_unread(one):
            yield violation(one.number, expected="application/json", seen=kind[:60] or "no Content-Type")


@rule("client.callback-url")
def callback_url(reading: TraceView) -> Iterator[Finding]:
    """A callback URL is one that the documents allow."""
    for one in asks(reading, "create"):
        rules = one.operation.callback if one.operation else None
        if rules and isinstance(one.asked, dict) and rules.field in one.asked:
            yield from _without(one, _of_callback)


@rule("client.actual-model")
def actual_model(reading: TraceView) -> Iterator[Finding]:
    """A create names the model by its present name."""
    for one in asks(reading, "create"):
        model = one.asked.get("model") if isinstance(one.asked, dict) else None
        actual = one.operation.aliases.get(model) if one.operation and isinstance(model, str) else None
        if actual is not None:
            yield violation(one.number, expected=actual, seen=str(model)[:60])
        elif isinstance(model, str):
            yield passed(one.number)


@rule("client.no-unknown-fields")
def known_fields(reading: TraceView) -> Iterator[Finding]:
    """A create has documented fields only."""
    for one in asks(reading, "create"):
        if one.operation is None or not isinstance(one.asked, dict):
            continue
        unknown = sorted(str(name)[:40] for name in one.asked.keys() - one.operation.properties)
        yield finding(not unknown, one.number, expected="documented fields only", seen=", ".join(unknown[:5]))
