"""Rules about a client's requests: the API key and the form of create requests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from evolink_check.analysis.internal_hosts import is_internal
from evolink_check.analysis.verdicts import finding, passed, violation
from evolink_check.rules.clients.activity import KEYED_ROLES, fetches, requests_with_roles
from evolink_check.rules.registry import rule
from evolink_check.traffic.known_keys import KEY
from evolink_check.traffic.trace import NOBODY, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.request_faults import RequestFault
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding


@rule("auth.header")
def in_header(view: TraceView) -> Iterator[Finding]:
    """A client sends its API key as a bearer token in the Authorization header."""
    elsewhere = view.once(_redirects_to_other_hosts)
    for observation in requests_with_roles(view, *KEYED_ROLES):
        if observation.exchange.url in elsewhere:
            continue  # a request to another host must have no key, which `auth.https` checks
        if observation.who == NOBODY:
            if KEY not in observation.exchange.url:  # `auth.header-only` reports a key in the URL
                yield violation(
                    observation.number, expected="Authorization: Bearer KEY", seen="no key in that header"
                )
        elif observation.who != UNKNOWN:
            yield passed(observation.number)


@rule("auth.header-only")
def nowhere_else(view: TraceView) -> Iterator[Finding]:
    """A client does not send its API key in a URL or a body."""
    fetched = {observation.number for observation in fetches(view)}
    for observation in view.seen:
        exchange = observation.exchange
        places = [
            name
            for name, text in (
                ("URL", exchange.url),
                ("body", exchange.request_body.decode("utf-8", "replace")),
            )
            if KEY in text and observation.number not in fetched
        ]
        if places and observation.role != "delivery":
            yield violation(
                observation.number,
                expected="the key in the Authorization header only",
                seen=f"the key in the {places[0]}",
            )
        elif observation.role in KEYED_ROLES and observation.who != UNKNOWN:  # an unknown key cannot be found
            yield passed(observation.number)


@rule("auth.https")
def over_https(view: TraceView) -> Iterator[Finding]:
    """A client sends its API key over https.

    After a redirect, the client does not send its API key to another host.
    """
    elsewhere = view.once(_redirects_to_other_hosts)
    for observation in requests_with_roles(view, *KEYED_ROLES):
        url = observation.exchange.url
        if (before := elsewhere.get(url)) is not None and observation.who not in {NOBODY, UNKNOWN}:
            seen = f"the key sent to {urlsplit(url).netloc}, where a redirect led"
            yield violation(before, observation.number, expected="the key for the API only", seen=seen)
            continue
        scheme = urlsplit(url).scheme.lower()
        if scheme == "http" and not is_internal(url) and observation.who != NOBODY:
            yield violation(observation.number, expected="https", seen=f"http to {urlsplit(url).hostname}")
        elif scheme and observation.who != UNKNOWN:
            yield passed(observation.number)


def _redirects_to_other_hosts(view: TraceView) -> Mapping[str, int]:
    # The keys are target URLs. The values are the numbers of the requests that got the redirects.
    redirects: dict[str, int] = {}
    for observation in requests_with_roles(view, *KEYED_ROLES):
        location = observation.header("location") if 300 <= observation.status < 400 else None  # noqa: PLR2004
        host = _host_of(location or "")
        if location and host and host != _host_of(observation.exchange.url):
            redirects[location] = observation.number
    return redirects


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


@rule("client.link-without-key")
def link_without_key(view: TraceView) -> Iterator[Finding]:
    """A client downloads a result without its API key."""
    for fetch in fetches(view):
        if KEY in fetch.exchange.url:
            yield violation(fetch.number, expected="the unchanged link", seen="the key added to it")
        elif fetch.who == NOBODY:
            yield passed(fetch.number)
        elif fetch.who != UNKNOWN:
            yield violation(fetch.number, expected="no Authorization header", seen="the key sent to the link")


# One create

BAD_REQUEST = 400


@rule("client.valid-request")
def valid_request(view: TraceView) -> Iterator[Finding]:
    """A create request matches the documents.

    Other clauses check the content type and the callback URL.
    """
    for create in requests_with_roles(view, "create"):
        yield from _judge_faults(create, lambda fault: not _of_type(fault) and not _of_callback(fault))


def _judge_faults(observation: Observation, is_wrong: Callable[[RequestFault], bool]) -> Iterator[Finding]:
    if _is_body_missing(observation):
        return
    # The documents do not say clearly whether an uncertain fault is one. A 400 confirms such faults.
    refused = observation.status == BAD_REQUEST
    faults = [fault.what for fault in observation.faults if (fault.sure or refused) and is_wrong(fault)]
    yield finding(
        not faults, observation.number, expected="a request as documented", seen="; ".join(faults[:3])[:200]
    )


def _is_body_missing(observation: Observation) -> bool:
    # For example, a server may refuse a request before it reads the body.
    chunked = observation.sent("transfer-encoding") is not None
    announced = chunked or (observation.sent("content-length") or "0").strip() != "0"
    return not observation.exchange.request_body and announced


def _of_type(fault: RequestFault) -> bool:
    return fault.clause == "body.json" and "content type" in fault.what


def _of_callback(fault: RequestFault) -> bool:
    return fault.clause.startswith("callback.")


@rule("client.content-type")
def content_type(view: TraceView) -> Iterator[Finding]:
    """A create request has the content type `application/json`."""
    for create in requests_with_roles(view, "create"):
        kind = (create.sent("content-type") or "").partition(";")[0].strip().lower()
        if kind == "application/json":
            yield passed(create.number)
        elif create.exchange.request_body or _is_body_missing(create):
            yield violation(create.number, expected="application/json", seen=kind[:60] or "no Content-Type")


@rule("client.callback-url")
def callback_url(view: TraceView) -> Iterator[Finding]:
    """The callback URL of a create request is one that the documents allow."""
    for create in requests_with_roles(view, "create"):
        rules = create.operation.callback if create.operation else None
        if rules and isinstance(create.request_json, dict) and rules.field in create.request_json:
            yield from _judge_faults(create, _of_callback)


@rule("client.actual-model")
def actual_model(view: TraceView) -> Iterator[Finding]:
    """A create request contains the current name of its model.

    An old name violates this clause. The API still accepts some old names.
    """
    for create in requests_with_roles(view, "create"):
        model = create.request_json.get("model") if isinstance(create.request_json, dict) else None
        actual = create.operation.aliases.get(model) if create.operation and isinstance(model, str) else None
        if actual is not None:
            yield violation(create.number, expected=actual, seen=str(model)[:60])
        elif isinstance(model, str):
            yield passed(create.number)


@rule("client.no-unknown-fields")
def known_fields(view: TraceView) -> Iterator[Finding]:
    """A create request has only documented fields."""
    for create in requests_with_roles(view, "create"):
        if create.operation is None or not isinstance(create.request_json, dict):
            continue
        unknown = sorted(str(name)[:40] for name in create.request_json.keys() - create.operation.properties)
        yield finding(
            not unknown, create.number, expected="documented fields only", seen=", ".join(unknown[:5])
        )
