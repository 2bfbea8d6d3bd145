"""Convert the requests of Schemathesis to `Case` records, and send them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from evolink_check.generation.case_builders import (
    bodyless_case,
    compact_json,
    create_case,
    is_plain_segment,
    query_case,
)
from evolink_check.generation.fields import create_operations
from evolink_check.generation.urls import IMAGE, PUBLIC
from evolink_check.traffic.formats import decode_json, is_out_of_range

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests
    from evolink_spec import CreateOperation, Spec

    from evolink_check.fuzzing.fuzzer import Send
    from evolink_check.generation.case import Case
    from evolink_check.traffic.trace import Entry

BASE = "http://contract.invalid"  # no request is sent there
_OURS = {"authorization", "content-length", "host", "user-agent", "connection", "accept-encoding", "accept"}
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})  # HEAD and OPTIONS have special responses
_NAME = "Schemathesis"


class NotSentError(Exception):
    """There is no response, because a request was not sent or got no response."""


class CaseAdapter:
    """Converts each request that Schemathesis prepares to a `Case`, and sends it.

    At most `creates` of the requests may create a task. `limit_reached` is true if this limit prevented the last
    request. If `paid` is true, create requests that a server must reject are not sent.
    """

    def __init__(self, spec: Spec, send: Send, creates: int, *, paid: bool = False) -> None:
        self._spec = spec
        self._send = send
        self.creates = creates
        self._paid = paid
        self.limit_reached = False
        self._operations = {
            (operation.method, operation.path): operation for operation in reversed(create_operations(spec))
        }
        self._documents = json.dumps(list(spec.documents.values()))
        self.sent = 0
        self.last: tuple[Case, Entry] | None = None

    def session(self) -> requests.Session:
        """Return a `requests` session that sends all requests through this adapter."""
        import requests

        session = requests.Session()
        session.trust_env = False
        session.mount(BASE, _requests_adapter(self))
        return session

    def send(self, request: requests.PreparedRequest) -> Entry:
        """Send a request that Schemathesis has prepared, and return the exchange.

        Raises `NotSentError` if the request must not be sent or gets no response. Raises `HaltedError` if the budget or
        the time of the run is used up.
        """
        case = self.case_of(request)
        self.limit_reached = case is not None and case.creates and self.creates <= 0
        if case is None or self.limit_reached or (self._paid and self._must_be_refused(case)):
            raise NotSentError
        entry = self._send(case)
        self.sent += 1
        self.last = case, entry
        if case.creates and entry.exchange.status < 400:  # noqa: PLR2004  (a task was created, or the response was lost)
            self.creates -= 1
        if not entry.exchange.status:
            raise NotSentError
        return entry

    def _must_be_refused(self, case: Case) -> bool:
        return not case.creates and (case.method, case.path) in self._operations

    def case_of(self, request: requests.PreparedRequest) -> Case | None:
        """Convert a request to a `Case`; None if the request must not be sent."""
        method, path, body = str(request.method), request.path_url, _bytes(request.body)
        headers = _sendable_headers(request.headers)
        if headers is None or method not in _METHODS or not path.isascii():
            return None
        before, _, task_id = path.partition("?")[0].rpartition("/")
        if f"{before}/" == self._spec.query.path.partition("{")[0]:
            return self._query_case(method, path, task_id, headers, body)
        operation = self._operations.get((method, path))
        if operation is not None:
            case = create_case(_NAME, operation, self._spec, body, headers=headers)
            return replace(case, body=_with_harmless_urls(body, operation)) if case.creates else case
        if body or path not in {documented for _, documented in self._operations}:
            return None
        return bodyless_case(_NAME, method, path, "error.other-methods", headers=headers)

    def _query_case(
        self, method: str, path: str, task_id: str, headers: tuple[tuple[str, str], ...], body: bytes
    ) -> Case | None:
        # a task id in the documents, such as an example, could exist
        if "?" in path or body or not is_plain_segment(task_id) or unquote(task_id) in self._documents:
            return None
        if method == self._spec.query.method:
            clause = "query.unknown-id" if task_id.startswith("task-unified-") else "query.id-prefix"
            return query_case(_NAME, self._spec, task_id, clause, headers=headers)
        return bodyless_case(_NAME, method, path, "error.other-methods", headers=headers)


def _with_harmless_urls(body: bytes, operation: CreateOperation) -> bytes:
    # the server must not call unknown hosts
    document = decode_json(body)
    if not isinstance(document, dict) or is_out_of_range(body, document):
        return body
    if document.get("image_urls"):
        document["image_urls"] = [IMAGE]
    if operation.callback is not None and operation.callback.field in document:
        document[operation.callback.field] = PUBLIC
    return compact_json(document)


def _requests_adapter(adapter: CaseAdapter) -> Any:
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPHeaderDict, HTTPResponse

    class Adapter(HTTPAdapter):
        def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
            exchange = adapter.send(request).exchange
            headers = HTTPHeaderDict(exchange.response_headers)
            for name in ("Content-Encoding", "Content-Length", "Transfer-Encoding"):
                headers.discard(name)  # the body is decoded, and keys are removed from it
            raw = HTTPResponse(
                body=io.BytesIO(exchange.response_body),
                headers=headers,
                status=exchange.status,
                version=11,
                preload_content=False,
            )
            return self.build_response(request, raw)

    return Adapter()


def _sendable_headers(headers: Mapping[str, Any]) -> tuple[tuple[str, str], ...] | None:
    sendable = []
    for name, value in headers.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        # the HTTP client sets its own headers, and Schemathesis must not identify itself
        if name.lower() in _OURS or name.lower().startswith("x-schemathesis"):
            continue
        if not (name.isascii() and text.isascii() and text.isprintable() and text == text.strip()):
            return None
        sendable.append((name, text))
    return tuple(sendable)


def _bytes(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else b""
