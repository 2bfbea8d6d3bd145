"""Parsed bodies of create requests, each with the create operation for its model."""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any

from evolink_mock.api.operations import CompiledOperation
from evolink_mock.api.validation import warnings, with_defaults
from evolink_mock.domain.pricing import results_of
from evolink_mock.domain.task_body import PendingBody, to_json
from evolink_mock.http.errors import ApiError
from evolink_mock.http.json_body import parse
from evolink_mock.media.spec import HUES, media_spec_of

if TYPE_CHECKING:
    from evolink_mock.api.operations import CompiledOperations
    from evolink_mock.domain.tasks import Task
    from evolink_mock.media.spec import MediaSpec

# Parsed bodies are cached, because clients often send the same body again.
_MOST_BODIES = 256  # maximum number of cached bodies
_MOST_BYTES = 1024  # maximum size of a cached body


class Interpretation:
    """A parsed request body, and the create operation for its model.

    Requests with equal bodies may share one `Interpretation`.
    """

    __slots__ = (
        "_accepted",
        "_has_schema_error",
        "_schema_error",
        "compiled",
        "document",
        "marked_prompt",
        "raw",
    )

    def __init__(
        self, document: Any, compiled: CompiledOperation | ApiError | None = None, raw: bytes = b""
    ) -> None:
        self.document = document  # the JSON value, or the error if the body is not JSON
        self.compiled = compiled  # the operation, or the error if no operation serves the model
        self.raw = raw  # the request body as received
        prompt = document.get("prompt") if isinstance(document, dict) else None
        # The prompt if it may name a recipe, otherwise None.
        self.marked_prompt = prompt if isinstance(prompt, str) and "[[" in prompt else None
        self._has_schema_error: bool | None = None  # unknown
        self._schema_error: ApiError | None = None
        self._accepted: AcceptedBody | None = None

    def schema_error(self) -> ApiError | None:
        """Return the 400 if the body violates the schema of its operation.

        Returns None if the body is valid.
        """
        if self._has_schema_error is None:
            if isinstance(self.compiled, CompiledOperation):
                self._schema_error = self.compiled.validator.check(self.document)
            self._has_schema_error = self._schema_error is not None
        return self._schema_error

    def accepted(self) -> AcceptedBody:
        """Return the body as an `AcceptedBody`. The caller must have called `schema_error` first and received None."""
        if self._accepted is None:
            assert isinstance(self.compiled, CompiledOperation)  # noqa: S101  (`check_schema` has refused anything else)
            self._accepted = AcceptedBody(self.document, self.compiled)
        return self._accepted


class AcceptedBody:
    """A valid request body, with the values that its task needs."""

    __slots__ = ("_media", "_pending", "_request", "compiled", "model", "notes", "price", "results")

    def __init__(self, document: dict[str, Any], compiled: CompiledOperation) -> None:
        operation = compiled.operation
        self.compiled = compiled
        # Warnings for the access log.
        self.notes = warnings(document, operation) + ((compiled.note,) if compiled.note else ())
        self._request = with_defaults(document, operation)
        requested = self._request.get("model")
        # Interned, so that a million tasks share a few strings.
        self.model = intern(
            requested if isinstance(requested, str) else str(operation.answer.get("model", ""))
        )
        self._media: list[MediaSpec | None] = [None] * HUES
        self._pending: PendingBody | None = None
        # The number of results and their total cost. None stands for the documented default of both.
        self.results = results_of(self._request, operation, self.media(0))
        self.price = compiled.price if self.results is None else self.results.reserved  # in credits

    def media(self, random: int) -> MediaSpec:
        """Return the media spec (duration, size, colour) of a task's result file.

        The colour depends on `random`, the random number of the task.
        """
        hue = random % HUES
        spec = self._media[hue]
        if spec is None:
            spec = self._media[hue] = media_spec_of(self._request, self.compiled.operation.medium, hue)
        return spec

    def encode(self, task: Task, now: float) -> bytes:
        """Return the JSON that describes the state of `task` at the time `now`.

        A request with this body must have created the task.
        """
        if now >= task.timetable.starts:
            return to_json(task, now)
        if self._pending is None:
            self._pending = PendingBody(task)  # encodes the members that all pending tasks share once
        return self._pending.encode(task)


NO_BODY = Interpretation(None)


class Interpreter:
    """Parses the bodies of create requests to one path, and caches the parsed bodies."""

    def __init__(self, operations: CompiledOperations) -> None:
        self._operations = operations
        self._remembered: dict[bytes, Interpretation] = {}

    def interpret(self, raw: bytes) -> Interpretation:
        """Parse a body and choose the operation for its model.

        If an equal body was parsed before, the cached `Interpretation` may be returned.
        """
        body = self._remembered.get(raw)
        if body is None:
            body = self._interpret(raw)
            if len(raw) <= _MOST_BYTES:
                if len(self._remembered) >= _MOST_BODIES:
                    self._remembered.clear()
                self._remembered[raw] = body
        return body

    def _interpret(self, raw: bytes) -> Interpretation:
        document = parse(raw)
        if isinstance(document, ApiError):
            return Interpretation(document, raw=raw)
        return Interpretation(*self._operations.choose(document), raw)
