"""Search for request bodies that the old schema accepts and the new schema rejects.

Import this module only when it is needed, because it imports Hypothesis.
"""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import jsonschema_rs
from evolink_spec.schemas import DIALECT
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException

from evolink_check.drift.contract.model_changes import models_of
from evolink_check.drift.proofs.strategies import boundary_values, values_of
from evolink_check.drift.records import Proof
from evolink_check.drift.schemas.keywords import escaped, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from evolink_spec.models import Json

    from evolink_check.drift.pairs.operations import Content
    from evolink_check.drift.pairs.pair import OperationPair
    from evolink_check.drift.records import Change, Document
    from evolink_check.drift.schemas.shapes import Branch, Shape

    Validator = jsonschema_rs.Draft202012Validator

_EXAMPLES = 200
_MISSING = {"request-property-required", "request-required-property-added"}
_PRESENT = {"request-property-removed", "request-property-renamed"}
_UNDECIDED = {"request-pattern-changed", "request-condition-changed"}
_UNKNOWN = "undocumented_member"
_SEARCH = settings(
    max_examples=_EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
_LONG_SEARCH = settings(_SEARCH, max_examples=5 * _EXAMPLES)


def prover_of(pair: OperationPair) -> Prover | None:
    """Return a prover for the breaking changes of an operation.

    Returns None if a schema is missing or cannot be compiled.
    """
    old, new = pair.old.body, pair.new.body
    if old is None or new is None or old.shape is None or new.shape is None:
        return None
    accepting, refusing = _validator(pair.old.document, old), _validator(pair.new.document, new)
    if accepting is None or refusing is None:
        return None
    return Prover((old.shape, new.shape), (accepting, refusing), [*_candidates(pair, old, new)])


class Prover:
    """Searches for proofs of changes to the requests of one operation.

    The search begins with the request bodies `samples`. Samples need not be valid.
    """

    def __init__(
        self, shapes: tuple[Shape, Shape], validators: tuple[Validator, Validator], samples: list[Json]
    ) -> None:
        self._shapes = shapes
        self._old, self._new = validators
        self._samples = samples
        self._base: dict[str, Json] | None = None

    def proven(self, change: Change) -> Change:
        """Return the change with a proof, or unchanged if no proof was found.

        A change of a `pattern` or of an `if` is a notice. With a proof, the change is breaking.
        """
        proof = self._proof(change) if _is_provable(change) else None
        if proof is None:
            return change
        if change.kind in _UNDECIDED:
            reason = "a request that was accepted is refused"
            return replace(change, proof=proof, verdict="breaking", reason=reason)
        return replace(change, proof=proof)

    def _proof(self, change: Change) -> Proof | None:
        self._base = self._base or self._valid_body()
        if self._base is None:
            return None
        steps = _steps(change.field)
        if change.kind in {"model-removed", "alias-removed"}:
            return self._proof_from({**self._base, "model": change.was}, "model")
        if change.kind in _MISSING:
            return self._proof_from(_without(self._base, steps), change.field)
        if change.kind == "request-unknown-refused":
            return self._proof_from(_with(self._base, [*steps, _UNKNOWN], value=True), change.field)
        return self._search(self._base, steps, change)

    def _search(self, base: dict[str, Json], steps: list[str], change: Change) -> Proof | None:
        old = _descendant(self._shapes[0], steps)
        new = _descendant(self._shapes[1], steps) if change.kind not in _PRESENT else old
        if old is None or new is None:
            return None
        boundary = boundary_values(old, new)
        candidates = [st.sampled_from(boundary), values_of(old)] if boundary else [values_of(old)]
        bodies = st.one_of(candidates).map(lambda value: _with(base, steps, value=value))
        effort = _LONG_SEARCH if change.kind in _UNDECIDED else _SEARCH
        try:
            body = find(
                bodies, lambda body: self._proof_from(body, change.field) is not None, settings=effort
            )
        except HypothesisException:
            return None
        return self._proof_from(body, change.field)

    def _proof_from(self, body: Json, field: str) -> Proof | None:
        if not self._old.is_valid(body):
            return None
        for error in self._new.iter_errors(body):
            place = "".join(
                "[]" if isinstance(step, int) else f".{step}" for step in error.instance_path
            ).lstrip(".")
            # the rejection must be due to the changed field
            if field.startswith(place) or place.startswith(field):
                return Proof(body, f"{joined('', *error.instance_path) or 'the body'}: {error.message:.200}")
        return None

    def _valid_body(self) -> dict[str, Json] | None:
        bodies = [body for body in self._samples if isinstance(body, dict) and self._old.is_valid(body)]
        if bodies:
            # bodies that the new schema accepts, too, are better
            both = [body for body in bodies if self._new.is_valid(body)]
            return min(both or bodies, key=lambda body: len(str(body)))
        try:
            found = find(values_of(self._shapes[0]), self._old.is_valid, settings=_SEARCH)
        except HypothesisException:
            return None
        return found if isinstance(found, dict) else None


def _candidates(pair: OperationPair, old: Content, new: Content) -> Iterator[Json]:
    names = sorted({*models_of(pair.old)} & {*models_of(pair.new)})
    for content in (old, new):
        yield from content.examples.values()
        sample = sample_of(content.shape) if content.shape else None
        yield sample
        if names and isinstance(sample, dict):
            yield {**sample, "model": names[0]}


def _is_provable(change: Change) -> bool:
    if change.kind in {"model-removed", "alias-removed"} | _UNDECIDED:
        return True
    return change.kind.startswith("request-") and change.verdict == "breaking"


def sample_of(shape: Shape) -> Json:
    """Return a sample value for a shape (a normalized schema).

    The sample is an example or the default of the schema. If the schema has neither, the sample is invented. An
    invented object has no optional members.
    """
    notes = shape.notes
    if notes.examples or notes.defaults:
        return (*notes.examples, *notes.defaults)[0]
    return _sample_of_branch(shape.branches[0]) if shape.branches else None


def _sample_of_branch(branch: Branch) -> Json:
    limits = branch.limits
    text = "https://example.com/a.jpg" if "format" in limits else "a"
    samples: dict[str, Json] = {
        "boolean": True,
        "string": text.ljust(limits.get("minLength", 0), "a"),
        "integer": limits.get("minimum", limits.get("maximum", 1)),
        "number": limits.get("minimum", limits.get("maximum", 1)),
        "array": [sample_of(branch.items) if branch.items else "a"] * limits.get("minItems", 0),
        "object": {
            name: sample_of(shape) for name, shape in branch.properties.items() if name in branch.required
        },
    }
    return branch.values[0] if branch.values else samples.get(branch.kind)


def _validator(document: Document, content: Content) -> Validator | None:
    pointer = joined(content.pointer, "schema")
    tree = {**document.tree, "$schema": DIALECT, "$ref": f"#{escaped(pointer)}"}
    try:
        return jsonschema_rs.Draft202012Validator(tree, validate_formats=True)
    except ValueError:
        return None


def _steps(field: str) -> list[str]:
    # `a.b[]` has the steps `a`, `b` and `[]`, where `[]` means any item
    return [step for step in re.split(r"\.|(?=\[\])", field) if step]


def _descendant(shape: Shape, steps: Sequence[str]) -> Shape | None:
    for step in steps:
        if step == "[]":
            items = [branch.items for branch in shape.branches if branch.items is not None]
            below = items[0] if items else None
        else:
            below = shape.properties.get(step)
        if below is None:
            return None
        shape = below
    return shape


def _with_changed_member(body: Json, steps: Sequence[str], change: Callable[[Any, str], None]) -> Json:
    # `change` gets the object or list that contains the member, and the last step. Missing objects and lists on the
    # path are created.
    copied = copy.deepcopy(body)
    value = copied
    for step, following in pairwise(steps):
        empty: Any = [] if following == "[]" else {}
        if step == "[]":
            if not value:
                value.append(empty)
            value = value[0]
        else:
            value = value.setdefault(step, empty)
    if steps:
        change(value, steps[-1])
    return copied


def _with(body: Json, steps: Sequence[str], *, value: Json) -> Json:
    def assign(parent: Any, step: str) -> None:
        if step == "[]":
            parent[:] = [value]
        else:
            parent[step] = value

    return _with_changed_member(body, steps, assign) if steps else value


def _without(body: Json, steps: Sequence[str]) -> Json:
    return _with_changed_member(body, steps, lambda parent, step: parent.pop(step, None))
