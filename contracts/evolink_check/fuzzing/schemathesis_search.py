"""Search for violations of clauses with requests and checks of Schemathesis.

Import this module only when it is needed, because it imports Schemathesis.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import reject, seed, settings
from hypothesis.errors import Flaky, Unsatisfiable
from schemathesis import GenerationMode, openapi
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks as built_in

from evolink_check.analysis.request_faults import create_faults
from evolink_check.fuzzing.merged_document import merged
from evolink_check.fuzzing.schemathesis_adapter import BASE, CaseAdapter, NotSentError
from evolink_check.generation.property_search import (
    Search,
    SearchAbortedError,
    run_property,
    search_settings,
)
from evolink_check.transport.target import HaltedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evolink_spec import Spec

    from evolink_check.fuzzing.fuzzer import Send, Violations
    from evolink_check.generation.case import Case
    from evolink_check.settings import Effort
    from evolink_check.traffic.trace import Entry

    SendCase = Callable[[Any], Any]  # sends a case of Schemathesis; returns the response
    ClauseFailure = tuple[str, Entry, str, str]  # clause, exchange, expected, seen

CHECKS = [
    built_in.status_code_conformance,
    built_in.content_type_conformance,
    built_in.response_headers_conformance,
    built_in.response_schema_conformance,
    built_in.negative_data_rejection,
    built_in.positive_data_acceptance,
]
# The clauses of checks that need only the response.
_CLAUSES_BY_CHECK = {
    "status_code_conformance": "error.documented-status",
    "content_type_conformance": "wire.json",
    "response_headers_conformance": "rate.retry-after",
}
_SUCCESS, _INVALID = range(200, 300), 400
_STEPS, _WALKS, _MOST = 4, 3, 20  # requests of a walk along links; tasks for walks; maximum number of walks
_SHOWN = 200  # the maximum length of a failure in a report, in characters


class _FailureFound(Exception):  # noqa: N818  (not an error, but the aim of the search)
    ...


class _TaskLimitReached(BaseException): ...


class SchemathesisSearch:
    """Sends the requests of Schemathesis, and collects the failures of its checks."""

    def __init__(self, spec: Spec, send: Send, violations: Violations, effort: Effort, creates: int) -> None:
        load_all_checks()
        self._spec = spec
        self._violations = violations
        self._search = Search(effort.examples, effort.seed)
        self._walks = min(_WALKS, creates)
        self._paid = creates > 0
        self._adapter = CaseAdapter(spec, send, creates - self._walks, paid=self._paid)
        self._session = self._adapter.session()
        self.failures: list[ClauseFailure] = []

    @property
    def sent(self) -> int:
        """The number of requests that were sent."""
        return self._adapter.sent

    def run(self) -> str:
        """Send the requests of Schemathesis' coverage phase, then randomly generated requests.

        If tasks may be created, also follow the OpenAPI `links` from create requests to queries. Return why the search
        was cut short; empty if the search was complete.
        """
        try:
            for document in merged(self._spec):
                schema = openapi.from_dict(document, config=SchemathesisConfig.from_dict(_config(document)))
                every = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
                every = [operation for operation in every if not self._paid or self._creates(operation)]
                for operation in every:
                    self._run_coverage(operation)
                for operation in every:
                    self._generate(operation)
                if self._walks:
                    self._adapter.creates = self._walks
                    self._follow_links(schema)
        except (HaltedError, SearchAbortedError) as why:
            return str(why)
        return ""

    def _run_coverage(self, operation: Any) -> None:
        schema = operation.schema
        cases = schema.iter_coverage_cases(
            operation,
            generation_modes=self._generation_modes(both=True),
            generation_config=schema.config.generation_for(operation=operation),
        )
        for case in cases:
            response = self._response_to(case)
            if response is not None:
                self.failures += self._failures_of(case, response)

    def _generate(self, operation: Any) -> None:
        # valid create requests create tasks, so they are sent in a paid search
        for mode in self._generation_modes(both=not self._creates(operation)):
            cases = operation.as_strategy(generation_mode=mode)
            self._run_and_shrink(partial(run_property, cases, search=self._search))

    def _creates(self, operation: Any) -> bool:
        return (operation.method.upper(), operation.path) in self._spec.creates

    def _generation_modes(self, *, both: bool) -> list[GenerationMode]:
        # invalid create requests create no task
        if self._paid:
            return [GenerationMode.POSITIVE]
        return [GenerationMode.NEGATIVE, *([GenerationMode.POSITIVE] if both else [])]

    def _follow_links(self, schema: Any) -> None:
        # links in the documents say how to query a created task
        machine = schema.as_state_machine()

        def walk(send_case: SendCase) -> None:
            class Walk(machine):  # type: ignore[misc,valid-type]
                def call(self, case: Any, **_: Any) -> Any:
                    return send_case(case)

                def validate_response(self, *_: Any, **__: Any) -> None:
                    """Do nothing, because the response was checked when it arrived."""

            chosen = settings(search_settings(self._search), max_examples=_MOST, stateful_step_count=_STEPS)
            seed(self._search.seed)(Walk).run(settings=chosen)

        self._run_and_shrink(walk)

    def _run_and_shrink(self, run: Callable[[SendCase], None]) -> None:
        smallest: list[ClauseFailure] = []

        def send_case(case: Any) -> Any:
            try:
                response = self._response_to(case)
                failures = [] if response is None else list(self._failures_of(case, response))
            except HaltedError as why:
                raise SearchAbortedError(str(why)) from None
            if response is None and self._adapter.limit_reached:
                raise _TaskLimitReached
            if response is None:
                reject()
            if failures:
                smallest[:] = failures
                raise _FailureFound
            return response

        with suppress(_TaskLimitReached, Unsatisfiable, _FailureFound, Flaky):
            run(send_case)
        self.failures += smallest

    def _response_to(self, case: Any) -> Any:
        try:
            return case.call(base_url=BASE, session=self._session)
        except NotSentError:
            return None

    def _failures_of(self, case: Any, response: Any) -> Iterator[ClauseFailure]:
        assert self._adapter.last is not None  # noqa: S101  (it was sent)
        ours, entry = self._adapter.last
        if self._violations(entry):
            return  # a rule reports it
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                if isinstance(failure, Failure) and (clause := clause_of(failure, ours, entry, self._spec)):
                    yield clause, entry, *_expected_and_seen(failure)


def clause_of(failure: Failure, ours: Case, entry: Entry, spec: Spec) -> str | None:
    """Return the clause that a failure violates; None for a possible false alarm."""
    check, status = (*failure.checks, "")[0], entry.exchange.status
    creates = spec.creates.get((ours.method, ours.path))
    if creates is None and (ours.method != spec.query.method or ours.body):
        return None
    if check in _CLAUSES_BY_CHECK:
        return _CLAUSES_BY_CHECK[check]
    if check == "response_schema_conformance":
        return ("create.schema" if creates else "query.schema") if status in _SUCCESS else "error.shape"
    if creates is None:
        return None
    faults = create_faults(ours.headers, ours.body, creates)
    if check == "negative_data_rejection":
        return next((fault.clause for fault in faults if fault.sure), None)
    refused = check == "positive_data_acceptance" and not faults and status == _INVALID
    return "create.accepts" if refused else None


def _expected_and_seen(failure: Failure) -> tuple[str, str]:
    lines = [line.strip() for line in failure.message.splitlines() if line.strip()]
    return f"no failure of Schemathesis: {failure.title.lower()}"[:_SHOWN], "; ".join(lines)[:_SHOWN]


def _config(document: dict[str, Any]) -> dict[str, Any]:
    operations = [
        operation
        for item in document["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict)
    ]
    listed = {str(status) for operation in operations for status in operation.get("responses", ())}
    # evolink-check itself decides which documented status is correct
    refusals = sorted(status for status in listed if status.startswith("4"))
    return {
        "generation": {"allow-x00": False, "with-security-parameters": False},
        "phases": {"coverage": {"unexpected-methods": ["DELETE", "PATCH", "PUT"]}},
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["2XX", *(set(refusals) - {"400"})]},
            "negative_data_rejection": {"expected-statuses": ["405", *refusals]},
        },
    }
