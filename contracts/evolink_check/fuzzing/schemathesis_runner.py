"""Schemathesis at work, through a door of ours. Imported where it is first needed: it brings Schemathesis along."""

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
from evolink_check.fuzzing.schemathesis_transport import BASE, CaseAdapter, NotSentError
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

    Ask = Callable[[Any], Any]  # a case of Schemathesis, to its response
    Complaint = tuple[str, Entry, str, str]  # clause, exchange, expected, seen

CHECKS = [
    built_in.status_code_conformance,
    built_in.content_type_conformance,
    built_in.response_headers_conformance,
    built_in.response_schema_conformance,
    built_in.negative_data_rejection,
    built_in.positive_data_acceptance,
]
# What a check holds against an answer, as a clause, where nothing but the answer counts.
_PLAIN = {
    "status_code_conformance": "error.documented-status",
    "content_type_conformance": "wire.json",
    "response_headers_conformance": "rate.retry-after",
}
_SUCCESS, _INVALID = range(200, 300), 400
_STEPS, _WALKS, _MOST = 4, 3, 20  # of one walk along the links; tasks made for them; walks tried at most
_SHOWN = 200  # characters of a complaint


class _Found(Exception):  # noqa: N818  (what a shrinker looks for)
    """Schemathesis has a complaint that we share."""


class _Spent(BaseException):
    """The tasks of this part are made; what follows would be drawn in vain."""


class SchemathesisRunner:
    """One walk through everything that Schemathesis makes of the documents."""

    def __init__(self, spec: Spec, send: Send, violations: Violations, effort: Effort, creates: int) -> None:
        load_all_checks()
        self._spec = spec
        self._violations = violations
        self._search = Search(effort.examples, effort.seed)
        self._walks = min(_WALKS, creates)
        self._paid = creates > 0
        self._door = CaseAdapter(spec, send, creates - self._walks, paid=self._paid)
        self._session = self._door.session()
        self.complaints: list[Complaint] = []

    @property
    def sent(self) -> int:
        """How many requests went out."""
        return self._door.sent

    def run(self) -> str:
        """Coverage first, then what is drawn; a line that says why it was cut short, or nothing."""
        try:
            for document in merged(self._spec):
                schema = openapi.from_dict(document, config=SchemathesisConfig.from_dict(_config(document)))
                every = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
                every = [operation for operation in every if not self._paid or self._creates(operation)]
                for operation in every:
                    self._cover(operation)
                for operation in every:
                    self._draw(operation)
                if self._walks:
                    self._door.creates = self._walks
                    self._follow(schema)
        except (HaltedError, SearchAbortedError) as why:
            return str(why)
        return ""

    def _cover(self, operation: Any) -> None:
        schema = operation.schema
        cases = schema.iter_coverage_cases(
            operation,
            generation_modes=self._modes(both=True),
            generation_config=schema.config.generation_for(operation=operation),
        )
        for case in cases:
            response = self._called(case)
            if response is not None:
                self.complaints += self._held_against(case, response)

    def _draw(self, operation: Any) -> None:
        """Wrong values for both; right ones for a query, and for a create only when it may make tasks."""
        for mode in self._modes(both=not self._creates(operation)):
            cases = operation.as_strategy(generation_mode=mode)
            self._shrunk(partial(run_property, cases, search=self._search))

    def _creates(self, operation: Any) -> bool:
        return (operation.method.upper(), operation.path) in self._spec.creates

    def _modes(self, *, both: bool) -> list[GenerationMode]:
        """Right values only where tasks are made: what is refused is tried where none are."""
        if self._paid:
            return [GenerationMode.POSITIVE]
        return [GenerationMode.NEGATIVE, *([GenerationMode.POSITIVE] if both else [])]

    def _follow(self, schema: Any) -> None:
        """The links of the documents: what a create answers is queried."""
        machine = schema.as_state_machine()

        def walk(ask: Ask) -> None:
            class Walk(machine):  # type: ignore[misc,valid-type]
                def call(self, case: Any, **_: Any) -> Any:
                    return ask(case)

                def validate_response(self, *_: Any, **__: Any) -> None:
                    """It was looked at when it arrived."""

            chosen = settings(search_settings(self._search), max_examples=_MOST, stateful_step_count=_STEPS)
            seed(self._search.seed)(Walk).run(settings=chosen)

        self._shrunk(walk)

    def _shrunk(self, run: Callable[[Ask], None]) -> None:
        """Run something of Hypothesis's over requests, and keep the complaints about the smallest one only."""
        smallest: list[Complaint] = []

        def ask(case: Any) -> Any:
            try:
                response = self._called(case)
                complaints = [] if response is None else list(self._held_against(case, response))
            except HaltedError as why:
                raise SearchAbortedError(str(why)) from None
            if response is None and self._door.spent:
                raise _Spent
            if response is None:
                reject()
            if complaints:
                smallest[:] = complaints
                raise _Found
            return response

        with suppress(_Spent, Unsatisfiable, _Found, Flaky):
            run(ask)
        self.complaints += smallest

    def _called(self, case: Any) -> Any:
        """The answer to a case; None when it was not sent."""
        try:
            return case.call(base_url=BASE, session=self._session)
        except NotSentError:
            return None

    def _held_against(self, case: Any, response: Any) -> Iterator[Complaint]:
        """What Schemathesis has against the answer, when the documents leave no doubt and our own rules are silent."""
        assert self._door.last is not None  # noqa: S101  (it was sent)
        ours, entry = self._door.last
        if self._violations(entry):
            return  # the judge will say so in its own words
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                if isinstance(failure, Failure) and (clause := clause_of(failure, ours, entry, self._spec)):
                    yield clause, entry, *_words(failure)


def clause_of(failure: Failure, ours: Case, entry: Entry, spec: Spec) -> str | None:
    """The clause that a complaint is about; None where it may be mistaken."""
    check, status = (*failure.checks, "")[0], entry.exchange.status
    creates = spec.creates.get((ours.method, ours.path))
    if creates is None and (ours.method != spec.query.method or ours.body):
        return None
    if check in _PLAIN:
        return _PLAIN[check]
    if check == "response_schema_conformance":
        return ("create.schema" if creates else "query.schema") if status in _SUCCESS else "error.shape"
    if creates is None:
        return None
    faults = create_faults(ours.headers, ours.body, creates)
    if check == "negative_data_rejection":
        return next((fault.clause for fault in faults if fault.sure), None)
    refused = check == "positive_data_acceptance" and not faults and status == _INVALID
    return "create.accepts" if refused else None


def _words(failure: Failure) -> tuple[str, str]:
    """What was expected and what was seen, in a line each."""
    lines = [line.strip() for line in failure.message.splitlines() if line.strip()]
    return f"what Schemathesis calls right: no {failure.title.lower()}"[:_SHOWN], "; ".join(lines)[:_SHOWN]


def _config(document: dict[str, Any]) -> dict[str, Any]:
    """Every documented status is a right answer to something; which one to what, our rules know better."""
    items = [one for item in document["paths"].values() for one in item.values() if isinstance(one, dict)]
    listed = {str(status) for one in items for status in one.get("responses", ())}
    refusals = sorted(status for status in listed if status.startswith("4"))
    return {
        "generation": {"allow-x00": False, "with-security-parameters": False},
        "phases": {"coverage": {"unexpected-methods": ["DELETE", "PATCH", "PUT"]}},
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["2XX", *(set(refusals) - {"400"})]},
            "negative_data_rejection": {"expected-statuses": ["405", *refusals]},
        },
    }
