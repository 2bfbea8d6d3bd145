"""A transport for Schemathesis: requests that it makes become cases of ours, and go where all others go."""

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

BASE = "http://contract.invalid"  # no request gets there
_OURS = {"authorization", "content-length", "host", "user-agent", "connection", "accept-encoding", "accept"}
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})  # HEAD and OPTIONS have answers of their own
_NAME = "Schemathesis"


class NotSentError(Exception):
    """A request that may not be sent: it could make a task, or nothing could be said of its answer."""


class CaseAdapter:
    """Makes cases of prepared requests and sends them; `creates` more of them may make a task.

    `paid`: creates that are to be refused are left out. `spent`: the latest was not sent because it might have made
    one too many.
    """

    def __init__(self, spec: Spec, send: Send, creates: int, *, paid: bool = False) -> None:
        self._spec = spec
        self._send = send
        self.creates = creates
        self._paid = paid
        self.spent = False
        self._operations = {(one.method, one.path): one for one in reversed(create_operations(spec))}
        self._documents = json.dumps(list(spec.documents.values()))
        self.sent = 0
        self.last: tuple[Case, Entry] | None = None

    def session(self) -> requests.Session:
        """A session that knows no other way than through here."""
        import requests

        session = requests.Session()
        session.trust_env = False
        session.mount(BASE, _adapter(self))
        return session

    def pass_through(self, request: requests.PreparedRequest) -> Entry:
        """Send it as a case. Raises `NotSentError` when it may not be sent or is not answered, and `HaltedError`."""
        case = self.case_of(request)
        self.spent = case is not None and case.creates and self.creates <= 0
        if case is None or self.spent or (self._paid and self._is_refused(case)):
            raise NotSentError
        entry = self._send(case)
        self.sent += 1
        self.last = case, entry
        if case.creates and entry.exchange.status < 400:  # noqa: PLR2004  (made, or lost)
            self.creates -= 1
        if not entry.exchange.status:
            raise NotSentError
        return entry

    def _is_refused(self, case: Case) -> bool:
        """Whether it is a create that a correct server makes no task of."""
        return not case.creates and (case.method, case.path) in self._operations

    def case_of(self, request: requests.PreparedRequest) -> Case | None:
        """The labelled case of a request; None for one that is none of our business."""
        method, path, body = str(request.method), request.path_url, _bytes(request.body)
        headers = _headers(request.headers)
        if headers is None or method not in _METHODS or not path.isascii():
            return None
        before, _, task_id = path.partition("?")[0].rpartition("/")
        if f"{before}/" == self._spec.query.path.partition("{")[0]:
            return self._asking(method, path, task_id, headers, body)
        operation = self._operations.get((method, path))
        if operation is not None:
            case = create_case(_NAME, operation, self._spec, body, headers=headers)
            return replace(case, body=_harmless(body, operation)) if case.creates else case
        if body or path not in {known for _, known in self._operations}:
            return None
        return bodyless_case(_NAME, method, path, "error.other-methods", headers=headers)

    def _asking(
        self, method: str, path: str, task_id: str, headers: tuple[tuple[str, str], ...], body: bytes
    ) -> Case | None:
        """An id of the documents' examples may well be somebody's task."""
        if "?" in path or body or not is_plain_segment(task_id) or unquote(task_id) in self._documents:
            return None
        if method == self._spec.query.method:
            clause = "query.unknown-id" if task_id.startswith("task-unified-") else "query.id-prefix"
            return query_case(_NAME, self._spec, task_id, clause, headers=headers)
        return bodyless_case(_NAME, method, path, "error.other-methods", headers=headers)


def _harmless(body: bytes, operation: CreateOperation) -> bytes:
    """A body that may make a task, its drawn addresses replaced: nobody else's host is to be called for it."""
    document = decode_json(body)
    if not isinstance(document, dict) or is_out_of_range(body, document):
        return body
    if document.get("image_urls"):
        document["image_urls"] = [IMAGE]
    if operation.callback is not None and operation.callback.field in document:
        document[operation.callback.field] = PUBLIC
    return compact_json(document)


def _adapter(door: CaseAdapter) -> Any:
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPHeaderDict, HTTPResponse

    class Adapter(HTTPAdapter):
        def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
            exchange = door.pass_through(request).exchange
            headers = HTTPHeaderDict(exchange.response_headers)
            for name in ("Content-Encoding", "Content-Length", "Transfer-Encoding"):
                headers.discard(name)  # the body is as it was decoded, and cleaned of keys
            raw = HTTPResponse(
                body=io.BytesIO(exchange.response_body),
                headers=headers,
                status=exchange.status,
                version=11,
                preload_content=False,
            )
            return self.build_response(request, raw)

    return Adapter()


def _headers(headers: Mapping[str, Any]) -> tuple[tuple[str, str], ...] | None:
    """Those that are not ours to choose or Schemathesis's to count with; None when one cannot be sent."""
    sendable = []
    for name, value in headers.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
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
