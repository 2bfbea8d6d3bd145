from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any

import evolink_spec
import jsonschema_rs
import pytest
from evolink_spec.documents import read
from openapi_spec_validator import OpenAPIV31SpecValidator

HERE = Path(evolink_spec.__file__).parent
SOURCES = tomllib.loads((HERE / "sources.toml").read_text(encoding="utf-8"))["document"]
FILES = [source["file"] for source in SOURCES]
QUERY = read(HERE / "openapi" / "get-task-detail.yaml")
GET = QUERY["paths"]["/v1/tasks/{task_id}"]["get"]

# status: code, message, type, param
QUERY_ERRORS = {
    "400": (
        "invalid_task_id",
        "Invalid task ID format, must start with 'task-unified-'",
        "invalid_request_error",
        "task_id",
    ),
    "401": ("unauthorized", "Authentication required", "authentication_error", None),
    "402": (
        "quota_exceeded",
        "Insufficient quota. Please top up your account.",
        "insufficient_quota",
        None,
    ),
    "403": (
        "permission_denied",
        "You don't have permission to access this task",
        "invalid_request_error",
        None,
    ),
    "404": ("task_not_found", "The requested task could not be found", "invalid_request_error", None),
    "429": ("rate_limit_exceeded", "Rate limit exceeded", "evo_api_error", None),
    "500": ("internal_error", "Failed to retrieve task status", "api_error", None),
}


def validator_of(component: str) -> jsonschema_rs.Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{component}", "components": QUERY["components"]}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def properties_without_words(schema: dict[str, Any]) -> dict[str, Any]:
    """The properties of a schema, less what is said for people."""
    return {
        name: {key: value for key, value in one.items() if key not in {"description", "example"}}
        for name, one in schema["properties"].items()
    }


@pytest.mark.parametrize("source", SOURCES, ids=FILES)
def test_a_document_has_the_bytes_that_its_source_records(source: dict[str, str]) -> None:
    content = (HERE / "openapi" / source["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == source["sha256"]


def test_every_document_and_no_other_has_a_source() -> None:
    assert sorted(FILES) == sorted(path.name for path in (HERE / "openapi").iterdir())


@pytest.mark.parametrize("source", SOURCES, ids=FILES)
def test_a_source_says_what_the_document_is_and_where_it_is_from(source: dict[str, str]) -> None:
    assert source.keys() == {"file", "title", "origin", "sha256"}
    assert source["title"]
    assert ("https://docs.evolink.ai/" in source["origin"]) == ("byte for byte" in source["origin"])


@pytest.mark.parametrize("file", FILES)
def test_a_document_is_valid_openapi(file: str) -> None:
    errors = OpenAPIV31SpecValidator(read(HERE / "openapi" / file)).iter_errors()
    assert [error.message for error in errors] == []


def test_no_two_documents_give_a_schema_the_same_name() -> None:
    names = [
        name
        for file in FILES
        for name in read(HERE / "openapi" / file)["components"]["schemas"]  # merged, both must stay
    ]
    assert len(names) == len(set(names))


def test_every_document_asks_for_the_same_key_of_the_same_server() -> None:
    documents = [read(HERE / "openapi" / file) for file in FILES]
    assert {document["servers"][0]["url"] for document in documents} == {"https://api.evolink.ai"}
    schemes = [document["components"]["securitySchemes"]["bearerAuth"] for document in documents]
    assert {(scheme["type"], scheme["scheme"]) for scheme in schemes} == {("http", "bearer")}
    assert all(document["security"] == [{"bearerAuth": []}] for document in documents)


@pytest.mark.parametrize("status", QUERY_ERRORS)
def test_the_query_documents_each_error_with_its_published_example(status: str) -> None:
    example = GET["responses"][status]["content"]["application/json"]["example"]
    code, message, kind, param = QUERY_ERRORS[status]
    wanted = {"code": code, "message": message, "type": kind} | ({"param": param} if param else {})
    assert example == {"error": wanted}
    validator_of("TaskErrorResponse").validate(example)


def test_the_query_documents_no_other_status() -> None:
    assert set(GET["responses"]) == {"200", *QUERY_ERRORS}


def test_the_query_has_one_path_parameter_and_its_published_name() -> None:
    assert GET["operationId"] == "getTaskDetail"
    assert [(one["name"], one["in"], one["schema"]) for one in GET["parameters"]] == [
        ("task_id", "path", {"type": "string"})
    ]


def test_the_answer_of_the_query_has_the_published_properties() -> None:
    schema = QUERY["components"]["schemas"]["TaskDetailResponse"]
    found = properties_without_words(schema)
    words = {"type": "string"}
    assert found == {
        "created": {"type": "integer"},
        "id": words,
        "model": words,
        "object": words
        | {"enum": ["image.generation.task", "video.generation.task", "audio.generation.task"]},
        "progress": {"type": "integer", "minimum": 0, "maximum": 100},
        "results": {"type": "array", "items": {"type": "string", "format": "uri"}},
        "status": words | {"enum": ["pending", "processing", "completed", "failed"]},
        "error": {"type": ["object", "null"], "properties": schema["properties"]["error"]["properties"]},
        "task_info": {"$ref": "#/components/schemas/TaskDetailInfo"},
        "type": words | {"enum": ["image", "video", "audio", "text"]},
    }
    assert properties_without_words(schema["properties"]["error"]) == dict.fromkeys(
        ("code", "message", "type"), words
    )


def test_nothing_is_required_in_an_answer_of_the_query() -> None:
    validator_of("TaskDetailResponse").validate({})
    validator_of("TaskErrorResponse").validate({})


@pytest.mark.parametrize("status", ["pending", "processing", "completed", "failed"])
def test_the_query_shows_an_example_of_each_status(status: str) -> None:
    value = GET["responses"]["200"]["content"]["application/json"]["examples"][status]["value"]
    validator_of("TaskDetailResponse").validate(value)
    assert value["status"] == status
    assert value["id"].split("-")[2] == str(value["created"])
    assert ("results" in value) == (status == "completed")
    assert ("error" in value) == (status == "failed")
