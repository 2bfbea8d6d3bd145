"""The changes of the parameters and the body of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.drift.contract.annotations import annotation_changes
from evolink_check.drift.schemas.differences import differences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.drift.pairs.operations import Content, Parameter
    from evolink_check.drift.pairs.pair import OperationPair
    from evolink_check.drift.records import Change, Verdict

MODEL = "model"
_OF_MODELS = {"values-removed", "values-added", "values-listed", "values-replaced"}
_REQUIRED: tuple[Verdict, str] = ("breaking", "a request without it was accepted and is refused")
_OPTIONAL: tuple[Verdict, str] = ("non-breaking", "every request that was accepted still is")


def request_changes(pair: OperationPair) -> Iterator[Change]:
    """Yield the changes of the parameters and the body, without removed and added models."""
    yield from _parameters(pair)
    yield from _bodies(pair)


def _parameters(pair: OperationPair) -> Iterator[Change]:
    old, new = pair.old.parameters, pair.new.parameters
    for name in [name for name in old if name not in new]:
        places = (old[name].pointer, pair.new.pointer)
        rule: tuple[Verdict, str] = ("breaking", "the API ignores it")
        yield pair.change("parameter-removed", pair.sent, rule, "was removed", name, places=places)
    for name in [name for name in new if name not in old]:
        places = (pair.old.pointer, new[name].pointer)
        if new[name].required:
            text = "was added, and is required"
            yield pair.change("required-parameter-added", pair.sent, _REQUIRED, text, name, places=places)
        else:
            rule = ("non-breaking", "it is optional")
            yield pair.change("parameter-added", pair.sent, rule, "was added", name, places=places)
    for name in [name for name in old if name in new]:
        yield from _parameter(pair, name, old[name], new[name])


def _parameter(pair: OperationPair, name: str, old: Parameter, new: Parameter) -> Iterator[Change]:
    places = (old.pointer, new.pointer)
    if new.required and not old.required:
        yield pair.change("parameter-required", pair.sent, _REQUIRED, "is required", name, places=places)
    elif old.required and not new.required:
        yield pair.change("parameter-optional", pair.sent, _OPTIONAL, "is optional", name, places=places)
    if old.shape is not None and new.shape is not None:
        for difference in differences(old.shape, new.shape):
            yield pair.judged(pair.sent, difference, name)


def _bodies(pair: OperationPair) -> Iterator[Change]:
    old, new = pair.old, pair.new
    if new.body_required and not old.body_required:
        yield pair.change("body-required", pair.sent, _REQUIRED, "is required", "body")
    if old.body_required and not new.body_required:
        yield pair.change("body-optional", pair.sent, _OPTIONAL, "is optional", "body")
    for name in [name for name in old.bodies if name not in new.bodies]:
        rule: tuple[Verdict, str] = ("breaking", "requests of this content type are refused")
        places = (old.bodies[name].pointer, new.pointer)
        yield pair.change(
            "content-type-removed", pair.sent, rule, f"{name} was removed", "body", (name, ""), places
        )
    for name in [name for name in new.bodies if name not in old.bodies]:
        rule = ("non-breaking", "the other content types are still accepted")
        places = (old.pointer, new.bodies[name].pointer)
        yield pair.change(
            "content-type-added", pair.sent, rule, f"{name} was added", "body", ("", name), places
        )
    for name in [name for name in old.bodies if name in new.bodies]:
        yield from _body(pair, old.bodies[name], new.bodies[name])


def _body(pair: OperationPair, old: Content, new: Content) -> Iterator[Change]:
    if old.shape is None or new.shape is None:
        return
    for difference in differences(old.shape, new.shape):
        # `ModelComparison` judges the changes of the models of all documents.
        is_model = difference.path == MODEL and pair.sent == "request"
        if not is_model or difference.kind not in _OF_MODELS:
            yield pair.judged(pair.sent, difference)
    yield from annotation_changes(pair, pair.sent, old.shape, new.shape)
