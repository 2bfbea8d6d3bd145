from __future__ import annotations

from typing import Any

import pytest
from evolink_spec import CreateOperation, QueryOperation, SpecError
from evolink_spec.loading import load
from evolink_spec.operations import Notes, operations_of
from evolink_spec.pointers import Node
from support.records.spec_documents import (
    GET,
    POST,
    REMOVED,
    REQUEST,
    TASK,
    changed,
    create,
    overlay,
    query,
    saved,
)

ANSWER = f"{POST}/responses/200/content/application~1json/schema"
ERROR = f"{POST}/responses/400/content/application~1json"
BODY = f"{POST}/requestBody/content"
PATH = "/paths/~1v1~1images~1generations"
STATUS = {"status": {"enum": ["pending", "completed", "failed"]}}


def read(document: dict[str, Any]) -> list[CreateOperation | QueryOperation]:
    return operations_of(Node(document, "d.json"))


def read_create(document: dict[str, Any]) -> CreateOperation:
    found = read(document)[0]
    assert isinstance(found, CreateOperation)
    return found


def refused(document: dict[str, Any]) -> SpecError:
    with pytest.raises(SpecError) as caught:
        read(document)
    assert caught.value.source == "d.json"
    return caught.value


def task(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"id": {"type": "string"}, **STATUS, **properties}}


# What is a create, what is a query


def test_a_create_and_a_query_are_told_by_their_shape() -> None:
    document = create("m-1")
    document["paths"] |= query()["paths"]
    made, asked = read(document)
    assert (type(made), made.id, made.path) == (CreateOperation, "createGeneration", "/v1/images/generations")
    assert (type(asked), asked.id, asked.path) == (QueryOperation, "getJob", "/v1/jobs/{job_id}")
    assert (made.pointer, asked.pointer) == (POST, GET)


@pytest.mark.parametrize(
    "payload", ["candidates", "choices", "content", "data", "embeddings", "output", "outputs"]
)
def test_a_create_that_answers_at_once_is_refused_at_its_operation(payload: str) -> None:
    error = refused(changed(create(), ANSWER, task(**{payload: {"type": "array"}})))
    assert (error.pointer, error.problem) == (
        POST,
        f"describes no task: its response has `{payload}`, so it is synchronous",
    )


def test_a_query_may_hold_the_result() -> None:
    document = changed(query(), f"{TASK}/properties/data", {"type": "array"})
    assert isinstance(read(document)[0], QueryOperation)


def test_chat_completions_are_refused() -> None:
    chat = changed(create(path="/v1/chat/completions"), f"{TASK}/properties", {"choices": {"type": "array"}})
    assert str(refused(chat)) == (
        "d.json#/paths/~1v1~1chat~1completions/post: "
        "describes no task: its response has `choices`, so it is synchronous"
    )


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"type": "object", "properties": STATUS}, "its response has no `id`"),
        ({"type": "object", "properties": {"id": {"type": "string"}}}, "its response has no `status`"),
        ({"type": "array", "items": task()}, "its response has no `id`"),
        (True, "its response has no `id`"),
        (task(status={"type": "string"}), "the `status` of its response has no `enum`"),
        (task(status={"enum": ["completed", "failed"]}), "no value for an initial state"),
        (task(status={"enum": ["pending", "failed"]}), "no value for a success state"),
        (task(status={"enum": ["pending", "completed"]}), "no value for a failure state"),
        (task(status={"enum": "pending completed failed"}), "has no `enum`"),
    ],
)
@pytest.mark.parametrize("operation", [POST, GET])
def test_an_answer_that_is_no_task_is_refused_at_its_operation(
    operation: str, schema: Any, problem: str
) -> None:
    error = refused(changed(create() if operation == POST else query(), TASK, schema))
    assert error.pointer == operation
    assert error.problem.startswith("describes no task: ")
    assert problem in error.problem


@pytest.mark.parametrize(
    ("path", "method", "operation"),
    [
        ("/v1/images/{size}/generations", "post", "post"),
        ("/v1/images/generations", "delete", "post"),
        *(("/v1/images/generations", method, "post") for method in ("put", "patch", "options", "trace")),
        ("/v1/jobs", "get", "get"),
        ("/v1/{team}/jobs/{job_id}", "get", "get"),
        ("/v1/jobs/{job_id}/result", "get", "get"),
        ("/v1/jobs/job-{job_id}", "get", "get"),
        ("/v1/jobs/{job-id}", "get", "get"),
        ("/v1/jobs/{job_id}", "head", "get"),
        ("v1/jobs/{job_id}", "get", "get"),
    ],
)
def test_any_other_path_or_method_is_refused_where_it_stands(path: str, method: str, operation: str) -> None:
    document = create() if operation == "post" else query()
    described = next(iter(document["paths"].values()))[operation]
    error = refused(document | {"paths": {path: {method: described}}})
    assert error.pointer == f"/paths/{path.replace('/', '~1')}/{method}"
    assert "is neither a create" in error.problem


def test_a_post_without_a_body_is_no_create() -> None:
    assert "is neither a create" in refused(changed(create(), f"{POST}/requestBody", REMOVED)).problem


def test_the_first_success_counts_and_its_status_is_kept() -> None:
    responses = create()["paths"]["/v1/images/generations"]["post"]["responses"]
    other = {"description": "Another", "content": {"application/json": {"schema": {"type": "array"}}}}
    document = changed(create(), f"{POST}/responses", {"202": responses["200"], "200": other})
    assert read_create(document).success == 202


def test_what_is_referred_to_is_read_in_its_place() -> None:
    document = create("m-1")
    item = document["paths"]["/v1/images/generations"]
    components = document["components"]
    components["requestBodies"] = {"Body": item["post"]["requestBody"]}
    components["responses"] = {"Bad": item["post"]["responses"]["400"]}
    item["post"]["requestBody"] = {"$ref": "#/components/requestBodies/Body"}
    item["post"]["responses"]["400"] = {"$ref": "#/components/responses/Bad", "description": "Very bad"}
    components["pathItems"] = {"Images": item}
    document["paths"]["/v1/images/generations"] = {"$ref": "#/components/pathItems/Images"}
    found = read_create(document)
    assert (found.pointer, found.models) == ("/components/pathItems/Images/post", ("m-1",))
    assert found.errors[400].description == "Very bad"
    assert found.errors[400].body["error"]["code"] == 400


def test_extensions_are_let_pass_wherever_they_stand() -> None:
    document = create()
    for pointer in ("/paths", PATH, POST, f"{POST}/responses", f"{POST}/responses/400", ERROR, REQUEST):
        document = changed(document, f"{pointer}/x-mine", {"$ref": "elsewhere"})
    assert read(document)[0].id == "createGeneration"


def test_what_openapi_has_for_people_is_let_pass() -> None:
    notes = {"summary": "So", "description": "So it is"}
    more = {"externalDocs": {"url": "https://example.com"}, "deprecated": False, "tags": ["a"]}
    places: dict[str, dict[str, Any]] = {
        PATH: notes | {"servers": [], "parameters": []},
        POST: notes | more | {"servers": [], "parameters": []},
        f"{POST}/requestBody": {"description": "It"},
        f"{POST}/responses/400": {"headers": {}, "links": {}},
        ERROR: {"encoding": {}},
        f"{GET}/parameters/0": {"description": "It", "deprecated": False, "example": "a"},
    }
    document = create("m-1")
    document["paths"] |= query()["paths"]
    for place, fields in places.items():
        for name, value in fields.items():
            document = changed(document, f"{place}/{name}", value)
    assert [one.id for one in read(document)] == ["createGeneration", "getJob"]


# The request


def test_the_body_is_an_object_even_where_the_schema_does_not_say_so() -> None:
    assert read_create(changed(create(), f"{REQUEST}/type", REMOVED)).body_schema["type"] == "object"


@pytest.mark.parametrize(
    ("schema", "models"),
    [
        ({"const": "m-1"}, ("m-1",)),
        ({"enum": ["m-1", "m-2", "m-1"], "default": "m-1"}, ("m-1", "m-2")),
        ({"type": "string", "default": "m-1"}, ("m-1",)),
        ({"type": "string", "example": "m-1"}, ()),
        (True, ()),
    ],
)
def test_the_models_are_what_the_schema_accepts_or_suggests(schema: Any, models: tuple[str, ...]) -> None:
    assert read_create(changed(create(), f"{REQUEST}/properties/model", schema)).models == models


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *(("allOf", [{"enum": ["a"]}]), ("anyOf", [{"enum": ["a"]}]), ("oneOf", [{"const": "a"}])),
        *(("not", {"const": "a"}), ("if", {"const": "a"})),
    ],
)
def test_models_that_are_named_in_another_way_are_refused(word: str, value: Any) -> None:
    error = refused(changed(create(), f"{REQUEST}/properties/model", {word: value}))
    assert error.pointer == f"{REQUEST}/properties/model/{word}"
    assert "use `enum`" in error.problem


def test_a_body_without_a_model_names_none() -> None:
    found = read_create(changed(create(), f"{REQUEST}/properties/model", REMOVED))
    assert (found.models, found.properties) == ((), frozenset({"prompt", "n"}))


def test_a_default_beside_a_reference_counts() -> None:
    document = changed(create(), "/components/schemas/Size", {"enum": ["s", "m"], "default": "s"})
    size = {"$ref": "#/components/schemas/Size", "default": "m"}
    assert read_create(changed(document, f"{REQUEST}/properties/size", size)).defaults["size"] == "m"


@pytest.mark.parametrize(
    ("pointer", "value", "at", "problem"),
    [
        (f"{REQUEST}/type", "array", REQUEST, "must be of type object"),
        (
            f"{REQUEST}/properties/n/default",
            "1",
            "/default",
            "the default does not match its own schema at its top",
        ),
        (f"{REQUEST}/properties/model/enum", ["m-1", None], "/model", "must name its models as text"),
        (
            f"{REQUEST}/properties/prompt/nullable",
            True,
            "/nullable",
            "is not a supported keyword of JSON Schema 2020-12",
        ),
        (f"{BODY}/application~1json/schema", REMOVED, "/application~1json", "has no 'schema'"),
        (f"{BODY}/multipart~1form-data", {}, "/multipart~1form-data", "is not a supported field here"),
        (BODY, {}, "/content", "has no 'application/json'"),
        (BODY, REMOVED, "/requestBody", "has no 'content'"),
        (f"{POST}/operationId", REMOVED, POST, "has no 'operationId'"),
        (f"{POST}/operationId", 7, "/operationId", "must be text, not 7"),
        (f"{POST}/callbacks", {}, "/callbacks", "is not a supported field here"),
        (f"{POST}/requestbody", {}, "/requestbody", "is not a supported field here"),
        (f"{PATH}/fetch", {}, "/fetch", "is not a supported field here"),
        (f"{POST}/requestBody/x", {}, "/requestBody/x", "is not a supported field here"),
        (f"{PATH}/$ref", "other.yaml#/a", PATH, "only references within the same document"),
        (f"{POST}/$ref", "#/paths/-1", "/paths/-1", "does not exist"),
    ],
)
def test_a_request_that_is_not_understood_is_refused_where_it_stands(
    pointer: str, value: Any, at: str, problem: str
) -> None:
    error = refused(changed(create(), pointer, value))
    assert error.pointer.endswith(at)
    assert problem in error.problem


@pytest.mark.parametrize(
    "parameter",
    [
        {"name": "wait", "in": "query", "schema": {"type": "boolean"}},
        {"name": "X-Team", "in": "header", "schema": {"type": "string"}},
        {"name": "session", "in": "cookie", "schema": {"type": "string"}},
        {"name": "other", "in": "path", "required": True, "schema": {"type": "string"}},
    ],
    ids=lambda parameter: parameter["in"],
)
@pytest.mark.parametrize("pointer", [PATH, POST])
def test_a_parameter_that_the_server_would_not_read_is_refused(
    pointer: str, parameter: dict[str, Any]
) -> None:
    error = refused(changed(create(), f"{pointer}/parameters", [parameter]))
    assert error.pointer == f"{pointer}/parameters/0"
    assert "is not a supported parameter" in error.problem


@pytest.mark.parametrize("name", ["Accept", "authorization", "Content-Type"])
def test_headers_that_openapi_ignores_are_ignored(name: str) -> None:
    header = {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
    assert read_create(changed(create(), f"{POST}/parameters", [header])).id == "createGeneration"


@pytest.mark.parametrize(
    ("pointer", "value", "at", "problem"),
    [
        (f"{GET}/parameters", REMOVED, GET, "does not describe 'job_id'"),
        (f"{GET}/parameters/0/name", "id", f"{GET}/parameters/0", "is not a supported parameter"),
        (f"{GET}/parameters/0/in", "query", f"{GET}/parameters/0", "is not a supported parameter"),
        (f"{GET}/parameters/0/schema", {"type": "integer"}, f"{GET}/parameters/0/schema", "of type string"),
        (
            f"{GET}/parameters/0/schema/nullable",
            True,
            f"{GET}/parameters/0/schema/nullable",
            "not a supported keyword",
        ),
        (
            f"{GET}/parameters/0/allowEmptyValue",
            True,
            f"{GET}/parameters/0/allowEmptyValue",
            "not a supported field",
        ),
        (f"{GET}/parameters", {}, f"{GET}/parameters", "must be a list, not dict"),
        (f"{TASK}/properties/id/type", "integer", f"{TASK}/properties/id", "is not text"),
        (f"{TASK}/properties/id/nullable", True, f"{TASK}/properties/id/nullable", "not a supported keyword"),
    ],
)
def test_a_query_that_is_not_understood_is_refused_where_it_stands(
    pointer: str, value: Any, at: str, problem: str
) -> None:
    error = refused(changed(query(), pointer, value))
    assert error.pointer == at
    assert problem in error.problem


def test_the_parameter_of_a_query_may_stand_beside_its_methods() -> None:
    document = query()
    item = document["paths"]["/v1/jobs/{job_id}"]
    item["parameters"] = item["get"].pop("parameters")
    assert isinstance(read(document)[0], QueryOperation)


# The server and the token


@pytest.mark.parametrize(
    "url", ["https://api.example.com/v1", "https://{region}.example.com", "/v1", "{base}"]
)
@pytest.mark.parametrize("pointer", ["", PATH, POST])
def test_a_server_that_would_change_the_path_is_refused(pointer: str, url: str) -> None:
    error = refused(changed(create(), f"{pointer}/servers", [{"url": "https://a.example"}, {"url": url}]))
    assert error.pointer == f"{pointer}/servers/1/url"
    assert "has more than a scheme and a host" in error.problem


@pytest.mark.parametrize("url", ["https://api.example.com/", "http://127.0.0.1:8080", "/"])
def test_a_server_without_a_path_is_let_pass(url: str) -> None:
    assert read(changed(create(), "/servers", [{"url": url}]))


@pytest.mark.parametrize(
    ("pointer", "value", "at", "problem"),
    [
        (
            "/components/securitySchemes/bearer/scheme",
            "basic",
            "/security/0",
            "something other than one HTTP bearer",
        ),
        (
            "/components/securitySchemes/bearer/type",
            "apiKey",
            "/security/0",
            "something other than one HTTP bearer",
        ),
        ("/security", [{"bearer": []}, {}], "/security/1", "something other than one HTTP bearer"),
        ("/security", [], "/security", "requires no token"),
        (f"{POST}/security", [], f"{POST}/security", "requires no token"),
        (f"{POST}/security", [{"key": []}], "/components/securitySchemes", "has no 'key'"),
    ],
)
def test_another_credential_than_a_bearer_token_is_refused(
    pointer: str, value: Any, at: str, problem: str
) -> None:
    error = refused(changed(create(), pointer, value))
    assert error.pointer == at
    assert problem in error.problem


def test_a_document_that_says_nothing_of_security_is_let_pass() -> None:
    assert read(changed(create(), "/security", REMOVED))


# The answers


@pytest.mark.parametrize("status", ["2XX", "4XX", "default", "99", "600", "301", "100", "٤٠٤"])
def test_a_status_that_is_no_single_answer_is_refused(status: str) -> None:
    error = refused(changed(create(), f"{POST}/responses/{status}", {"description": "?"}))
    assert error.pointer == f"{POST}/responses/{status}"
    assert "is not a supported status" in error.problem


@pytest.mark.parametrize(
    ("pointer", "value", "at", "problem"),
    [
        (
            f"{ERROR}/examples",
            {"a": {"value": {"error": {"message": "b"}}}},
            ERROR,
            "must have either `example`",
        ),
        (f"{ERROR}/example", {"message": "flat"}, f"{ERROR}/example", "has no 'error'"),
        (f"{ERROR}/example/error", "text", f"{ERROR}/example/error", "must be a mapping, not str"),
        (f"{ERROR}/example/error/message", REMOVED, f"{ERROR}/example/error", "has no 'message'"),
        (f"{ERROR}/example/error/message", 5, f"{ERROR}/example/error/message", "must be text, not 5"),
        (f"{ERROR}/schema/nullable", True, f"{ERROR}/schema/nullable", "is not a supported keyword"),
        (f"{ERROR}/value", {}, f"{ERROR}/value", "is not a supported field here"),
        (f"{POST}/responses/400/content", REMOVED, f"{POST}/responses/400", "has no 'content'"),
        (
            f"{POST}/responses/400/body",
            {},
            f"{POST}/responses/400/body",
            "is not a supported field here",
        ),
        (f"{POST}/responses/400/description", REMOVED, f"{POST}/responses/400", "has no 'description'"),
        (f"{POST}/responses/200", REMOVED, f"{POST}/responses", "has no 2xx response"),
        (
            f"{POST}/responses/200/content",
            {"text/plain": {}},
            f"{POST}/responses/200/content",
            "has no 'applic",
        ),
        (
            f"{TASK}/properties/progress/minimum",
            1,
            TASK,
            "its examples does not match its own schema at /progress",
        ),
        (f"{TASK}/example", ["id"], TASK, "has an example that is not an object"),
        (f"{POST}/responses", [], f"{POST}/responses", "must be a mapping, not list"),
    ],
)
def test_an_answer_that_is_not_understood_is_refused_where_it_stands(
    pointer: str, value: Any, at: str, problem: str
) -> None:
    error = refused(changed(create(), pointer, value))
    assert error.pointer == at
    assert problem in error.problem


@pytest.mark.parametrize(
    ("pointer", "value", "at", "problem", "code"),
    [
        (f"{ERROR}/example", REMOVED, ERROR, "has no example: the usual body", "invalid_request"),
        (
            f"{ERROR}/schema",
            {"required": ["b"]},
            f"{ERROR}/example",
            "the example does not match its own schema at its top",
            create()["paths"]["/v1/images/generations"]["post"]["responses"]["400"]["content"][
                "application/json"
            ]["example"]["error"].get("code"),
        ),
    ],
    ids=["none", "invalid"],
)
def test_an_error_whose_example_is_missing_or_invalid_is_noted_and_has_a_body(
    pointer: str, value: Any, at: str, problem: str, code: str | None
) -> None:
    notes = Notes()
    (operation,) = operations_of(Node(changed(create(), pointer, value), "d.json"), notes)
    assert [(note.pointer, note.problem.startswith(problem)) for note in notes.warnings] == [(at, True)]
    assert operation.errors[400].body["error"].get("code") == code
    assert operation.errors[400].body["error"]["message"]


def test_an_operation_that_is_no_task_is_noted_and_the_others_are_read() -> None:
    document = create("m-1")
    document["paths"]["/v1/chat"] = {"post": {"responses": {}}}
    notes = Notes()
    assert [operation.path for operation in operations_of(Node(document, "d.json"), notes)] == [
        "/v1/images/generations"
    ]
    assert [note.pointer for note in notes.skipped] == ["/paths/~1v1~1chat/post"]


def test_of_several_examples_the_first_is_the_answer() -> None:
    examples = {name: {"value": {"error": {"message": name}}} for name in ("one", "another")}
    document = changed(changed(create(), f"{ERROR}/example", REMOVED), f"{ERROR}/examples", examples)
    assert read_create(document).errors[400].body == {"error": {"message": "one"}}


def test_an_overlay_can_add_a_missing_example(tmp_path: Any) -> None:
    document = changed(create("m-1"), f"{ERROR}/example", REMOVED)
    body = {"error": {"message": "Added"}}
    adds = overlay({"target": "$..responses['400'].content.*", "update": {"example": body}})
    spec = load(saved(tmp_path, "d.json", document), saved(tmp_path, "o.json", adds))
    assert spec.creates["POST", "/v1/images/generations"]["m-1"].errors[400].body == body


def test_what_only_an_ended_task_has_is_left_out_of_the_answer() -> None:
    ended = {
        "results": {"type": "array", "example": ["a"]},
        "error": {"type": "object", "example": {"code": "b"}},
    }
    document = create()
    document["components"]["schemas"]["Task"]["properties"] |= ended
    assert read_create(document).answer.keys() == {"id", "object", "progress", "status"}


def test_one_operation_id_for_two_operations_is_refused() -> None:
    document = create()
    document["paths"]["/v1/videos/generations"] = document["paths"]["/v1/images/generations"]
    error = refused(document)
    assert error.pointer == "/paths/~1v1~1videos~1generations/post"
    assert error.problem == f"repeats the operationId 'createGeneration' of {POST}"
