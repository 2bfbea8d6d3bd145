"""Which document serves a body, and what a task of it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.api.operations import CompiledOperation, CompiledOperations
from evolink_mock.http.errors import ApiError
from evolink_spec import ErrorAnswer
from support.records.builders import BODY, CREATES, MODEL, OLD_MODEL, OPERATION, OPERATIONS, an_operation

if TYPE_CHECKING:
    from evolink_spec import CreateOperation

ONE = an_operation(models=("one", "one-fast"), aliases={"uno": "one"}, source="one.yaml")
TWO = an_operation(models=("two",), aliases={}, source="two.yaml", answer={})
ANY = an_operation(models=(), aliases={}, source="any.yaml")
BOTH: dict[str | None, CreateOperation] = {"one": ONE, "one-fast": ONE, "two": TWO}


def chosen(operations: CompiledOperations, document: Any) -> Any:
    """The document of the operation that serves a body."""
    _, compiled = operations.choose(document)
    assert isinstance(compiled, CompiledOperation)
    return compiled.operation.source


def test_the_old_name_of_a_model_is_replaced_by_the_one_that_answers() -> None:
    document, compiled = OPERATIONS.choose(BODY | {"model": OLD_MODEL})
    assert document == BODY
    assert isinstance(compiled, CompiledOperation)
    assert compiled.validator.check(document) is None


def test_the_body_that_was_sent_is_left_alone() -> None:
    sent = BODY | {"model": OLD_MODEL}
    OPERATIONS.choose(sent)
    assert sent["model"] == OLD_MODEL


def test_the_actual_name_is_served_as_it_is() -> None:
    document, compiled = OPERATIONS.choose(BODY)
    assert document is BODY
    assert isinstance(compiled, CompiledOperation)
    assert compiled.operation is OPERATION


@pytest.mark.parametrize("model", ["gpt", None, 7, [], {"a": 1}])
def test_the_schema_of_a_single_document_refuses_a_wrong_model(model: Any) -> None:
    document, compiled = OPERATIONS.choose(BODY | {"model": model})
    assert isinstance(compiled, CompiledOperation)
    fault = compiled.validator.check(document)
    assert fault is not None
    assert fault.param == "model"


@pytest.mark.parametrize(
    ("model", "source"),
    [("one", "one.yaml"), ("one-fast", "one.yaml"), ("uno", "one.yaml"), ("two", "two.yaml")],
)
def test_each_model_is_served_by_its_own_document(model: str, source: str) -> None:
    assert chosen(CompiledOperations(BOTH), {"model": model}) == source


def test_documents_with_the_same_operation_id_are_distinguished() -> None:
    assert ONE.id == TWO.id
    assert chosen(CompiledOperations(BOTH), {"model": "one"}) != chosen(
        CompiledOperations(BOTH), {"model": "two"}
    )


def test_the_models_of_one_document_share_a_compiled_operation() -> None:
    operations = CompiledOperations(BOTH)
    assert operations.choose({"model": "one"})[1] is operations.choose({"model": "one-fast"})[1]


def test_an_unknown_model_among_several_is_refused_with_the_known_ones() -> None:
    _, fault = CompiledOperations(BOTH).choose({"model": "three"})
    assert fault == ApiError(400, 'model: "three" is not one of one, one-fast, two', "model")


def test_a_long_unknown_model_is_cut() -> None:
    _, fault = CompiledOperations(BOTH).choose({"model": "x" * 100_000})
    assert isinstance(fault, ApiError)
    assert len(fault.detail) < 200


def test_an_unknown_model_among_many_is_refused_with_the_nearest() -> None:
    many: dict[str | None, CreateOperation] = {
        name: an_operation(models=(name,), aliases={}, source=f"{name}.yaml")
        for name in ("wan-1", "wan-2", "kling-1", "kling-2", "suno-1", "sora-1")
    }
    _, fault = CompiledOperations(many).choose({"model": "kling-3"})
    assert isinstance(fault, ApiError)
    assert fault.detail.startswith(
        'model: "kling-3" is not one of the 6 models of this path; the nearest are kling-'
    )
    assert "suno" not in fault.detail


@pytest.mark.parametrize(
    ("document", "detail"),
    [
        ({}, "model: is required"),
        ({"model": 7}, "model: 7 is not of type string"),
        ({"model": ["two"]}, "model: an array is not of type string"),
    ],
)
def test_a_body_without_a_model_is_judged_by_no_single_document(document: Any, detail: str) -> None:
    assert CompiledOperations(BOTH).choose(document)[1] == ApiError(400, detail, "model")


def test_the_errors_of_a_path_are_those_that_most_documents_have() -> None:
    rare, usual = ErrorAnswer(401, "", {"error": {"code": 1}}), OPERATION.errors[401]
    operations: dict[str | None, CreateOperation] = {
        str(number): an_operation(source=f"{number}.yaml", errors=errors)
        for number, errors in enumerate(
            ({401: rare, 404: rare}, {401: usual, 429: usual}, {401: usual, 429: rare})
        )
    }
    errors = CompiledOperations(operations).errors
    assert {status: answer.body for status, answer in errors.items()} == {401: usual.body, 429: usual.body}


@pytest.mark.parametrize(
    ("sent", "served"), [({"model": "one-quick"}, "one.yaml"), ({"model": "two-b"}, "two.yaml")]
)
def test_any_model_is_served_by_the_document_with_the_nearest_name(sent: Any, served: str) -> None:
    operations = CompiledOperations(BOTH, any_model=True)
    document, compiled = operations.choose(BODY | sent)
    assert isinstance(compiled, CompiledOperation)
    assert (compiled.operation.source, document["model"]) == (served, sent["model"])
    assert compiled.note.startswith(
        f'warning: no document describes the model "{sent["model"]}"; it is served as '
    )


def test_any_model_is_served_by_a_document_that_accepts_the_body() -> None:
    strict = an_operation(
        models=("red-2",), source="strict.yaml", properties={"model": {"enum": ["red-2"]}, "n": False}
    )
    lenient = an_operation(
        models=("red-44",), source="lenient.yaml", properties={"model": {"enum": ["red-44"]}}
    )
    operations = CompiledOperations({"red-2": strict, "red-44": lenient}, any_model=True)
    document, compiled = operations.choose({"model": "red-3", "n": 1})
    assert isinstance(compiled, CompiledOperation)
    assert compiled.operation.source == "lenient.yaml"
    assert compiled.validator.check(document) is None


@pytest.mark.parametrize("model", ["three", 7, None])
def test_a_document_without_models_serves_what_the_others_do_not(model: Any) -> None:
    operations = CompiledOperations({**BOTH, None: ANY})
    assert chosen(operations, {"model": model}) == "any.yaml"
    assert chosen(operations, {}) == "any.yaml"
    assert chosen(operations, {"model": "two"}) == "two.yaml"


@pytest.mark.parametrize("document", [[], [{"model": "one"}], "text", 7, None])
def test_a_body_that_is_not_an_object_is_refused_whatever_the_schema_says(document: Any) -> None:
    operations = CompiledOperations({None: an_operation(body_schema={})})
    _, fault = operations.choose(document)
    assert isinstance(fault, ApiError)
    assert (fault.status, fault.param) == (400, "")
    assert fault.detail.endswith("is not of type object")


def test_the_price_is_the_reserved_credits_of_the_document() -> None:
    operations = CompiledOperations(BOTH)
    prices = [
        compiled.price
        for model in ("one", "two")
        if isinstance(compiled := operations.choose({"model": model})[1], CompiledOperation)
    ]
    assert prices == [5, 0]
    assert set(CREATES) == {MODEL}
