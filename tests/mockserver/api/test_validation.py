"""A body keeps the schema, or the 400 says what is wrong where; a second voice has to agree."""

from __future__ import annotations

import copy
import dataclasses
import json
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
import yaml
from evolink_mock.api.validation import Validator, show, with_defaults
from evolink_mock.http.json_body import parse
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.records.builders import BODY, MODEL, OPERATION, an_operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_mock.http.errors import ApiError

VALIDATOR = Validator(OPERATION)
SECRET = "s3cr3t"


def refused(body: Any, validator: Validator = VALIDATOR) -> ApiError:
    error = validator.check(body)
    assert error is not None
    assert error.status == 400
    return error


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"duration": 7}, "duration: 7 is not one of 6, 10"),
        ({"duration": 6.5}, "duration: 6.5 is not of type integer"),
        ({"duration": "6"}, 'duration: "6" is not of type integer'),
        ({"duration": True}, "duration: true is not of type integer"),
        ({"duration": None}, "duration: null is not of type integer"),
        ({"duration": 2**64}, "duration: 18446744073709551616 is not one of 6, 10"),
        ({"duration": [6]}, "duration: an array is not of type integer"),
        ({"mode": {"fun": 1}}, "mode: an object is not of type string"),
        ({"mode": "wild"}, 'mode: "wild" is not one of fun, normal, spicy'),
        ({"model": "gpt"}, f'model: "gpt" is not one of {MODEL}'),
        ({"callback_url": 5}, "callback_url: this value is not of type string"),
        ({"callback_url": "hooks"}, "callback_url: this value is not a valid uri"),
    ],
)
def test_a_reason_names_the_field_the_value_and_what_was_expected(
    fields: dict[str, Any], detail: str
) -> None:
    error = refused(BODY | fields)
    assert (error.detail, error.param) == (detail, next(iter(fields)))


@pytest.mark.parametrize("name", ["model", "prompt", "image_urls"])
def test_a_missing_field_is_named(name: str) -> None:
    error = refused({key: value for key, value in BODY.items() if key != name})
    assert (error.detail, error.param) == (f"{name}: is required", name)


@pytest.mark.parametrize(
    ("name", "sent"), [("prompt", "promt"), ("image_urls", "image_url"), ("model", "modell")]
)
def test_the_misspelling_of_a_missing_field_is_named(name: str, sent: str) -> None:
    error = refused({sent if key == name else key: value for key, value in BODY.items()})
    assert error.detail == f'{name}: is required; the unknown field "{sent}" is the nearest'
    assert error.param == name


def test_a_documented_field_is_no_misspelling_of_a_missing_one() -> None:
    properties: dict[str, Any] = {"prompt": {}, "prompts": {}}
    validator = Validator(
        dataclasses.replace(an_operation(properties=properties), body_schema={"required": ["prompt"]})
    )
    assert refused({"prompts": 1}, validator).detail == "prompt: is required"


def test_of_ten_thousand_unknown_fields_some_are_compared_with_a_missing_one() -> None:
    sent = {f"promt{number}": number for number in range(10_000)} | {"model": MODEL, "image_urls": []}
    assert refused(sent).detail.startswith('prompt: is required; the unknown field "promt')


@pytest.mark.parametrize("filler", [{}, {"extra": [0] * 1000}])
def test_a_wrong_model_is_named_first_because_it_decides_on_all_other_fields(filler: dict[str, Any]) -> None:
    error = refused({"duration": 7, "image_urls": 5, "model": "gpt", **filler})
    assert error.detail.startswith(f'model: "gpt" is not one of {MODEL}')
    assert error.param == "model"


def test_a_missing_model_is_named_first() -> None:
    assert refused({"duration": 7, "mode": "wild"}).param == "model"


def test_a_field_within_an_array_is_named_by_its_place() -> None:
    error = refused(BODY | {"image_urls": ["no uri"]})
    assert (error.detail, error.param) == ('image_urls.0: "no uri" is not a valid uri', "image_urls.0")


def test_an_error_for_too_many_items_names_the_limit() -> None:
    assert (
        refused(BODY | {"image_urls": BODY["image_urls"] * 2}).detail == "image_urls: has more than 1 items"
    )


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (None, "null is not of type object"),
        (7, "7 is not of type object"),
        ("text", '"text" is not of type object'),
        ([BODY], "an array is not of type object"),
    ],
)
def test_the_error_for_a_body_that_is_not_an_object_names_no_field(body: Any, detail: str) -> None:
    error = refused(body)
    assert (error.detail, error.param) == (detail, "")


def test_the_first_three_reasons_are_named_and_the_others_counted() -> None:
    error = refused({"duration": 7, "mode": "wild", "quality": "8k"})
    assert error.detail.count(";") == 3
    assert error.detail.endswith("; and 3 more")


def test_a_field_is_named_once() -> None:
    schema = {"a": {"type": "integer", "minimum": 5, "multipleOf": 2}}
    assert refused({"a": 3}, Validator(an_operation(properties=schema))).detail.count("a: ") == 1


@pytest.mark.parametrize("value", ["x" * 100_000, 10**4000, '"' * 1000])
def test_a_long_value_is_cut(value: Any) -> None:
    detail = refused(BODY | {"mode": value, "duration": value}).detail
    assert "…" in detail
    assert len(detail) < 300


@pytest.mark.parametrize(
    ("schema", "value", "detail"),
    [
        ({"minimum": 5}, 3, "a: 3 is less than the minimum of 5"),
        ({"maxLength": 2}, "long", 'a: "long" is longer than 2 characters'),
        ({"oneOf": [{"type": "null"}, {"const": 2}]}, {"b": 1}, "a: an object is not valid under any of"),
        ({"pattern": "y" * 500}, "x", 'a: "x" does not match "yyy'),
    ],
)
def test_every_other_keyword_has_a_reason_too(schema: Any, value: Any, detail: str) -> None:
    message = refused({"a": value}, Validator(an_operation(properties={"a": schema}))).detail
    assert message.startswith(detail)
    assert len(message) < 300


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer"},
        {"type": "string", "format": "uri"},
        {"type": "string", "maxLength": 10},
        {"type": "string", "pattern": "^https:"},
        {"enum": ["one"]},
        {"const": "one"},
        {"not": {"type": "string"}},
        {"oneOf": [{"type": "null"}, {"type": "integer"}]},
    ],
)
def test_the_callback_url_is_never_repeated_because_its_query_is_a_secret(schema: Any) -> None:
    validator = Validator(an_operation(properties={"callback_url": schema}))
    error = refused({"callback_url": f"http://hooks example/?{SECRET}"}, validator)
    assert error.param == "callback_url"
    assert SECRET not in error.detail


@pytest.mark.parametrize("rule", [{"type": "array"}, {"required": ["x"]}, {"not": {}}, {"maxProperties": 0}])
def test_a_reason_about_the_whole_body_does_not_repeat_the_callback_url_either(rule: Any) -> None:
    url = f"https://h/?{SECRET}"
    validator = Validator(an_operation(body_schema=rule))
    for body in ({"callback_url": url}, [{"callback_url": url}]):
        error = validator.check(body)
        assert error is None or SECRET not in error.detail


@pytest.mark.parametrize("field", ["prompt", "image_urls"])
def test_a_body_nested_deeper_than_the_validator_goes_is_refused(field: str) -> None:
    properties = {field: {"enum": [1]}}
    assert refused({field: nested(500)}, Validator(an_operation(properties=properties))).detail == (
        "the body is nested too deeply"
    )


def test_an_unknown_field_may_be_nested_as_deeply_as_it_could_be_read() -> None:
    assert VALIDATOR.check(BODY | {"extra": nested(500)}) is None


def test_of_a_hundred_thousand_errors_the_first_is_returned() -> None:
    error = refused(BODY | {"image_urls": [1] * 100_000})
    assert error.detail == "image_urls: has more than 1 items"


@pytest.mark.parametrize(
    ("value", "text"), [({}, "an object"), ([], "an array"), ("ä/", '"ä/"'), (None, "null"), (1e30, "1e30")]
)
def test_a_value_is_shown_as_json(value: Any, text: str) -> None:
    assert show(value) == text


def test_defaults_fill_the_fields_that_were_not_sent() -> None:
    served = with_defaults({"duration": 10, "extra": 1}, OPERATION)
    assert served == {"model": MODEL, "duration": 10, "mode": "normal", "quality": "480p", "extra": 1}


# The second voice: openapi-core reads the published document by itself.

URIS = (
    *(
        "",
        "x",
        "/x",
        "//",
        "//x",
        "?x",
        "#x",
        "https:",
        "http:/x",
        "http://",
        "https:///x",
        "http://a",
        "urn:x",
    ),
    *("https://example.com/a.jpg", "HTTPS://EXAMPLE.COM", "file:///x", "mailto:a@b.example", "1http://x"),
    *(
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "https://[::1]/",
        "https://[::g]/",
        "https://[v1.x]/",
    ),
    *(
        "https://a/%20",
        "https://a/%zz",
        "https://a/%",
        "https://u:p@h:99999/",
        "https://h:port/",
        "https://a?b?c",
    ),
    *("https://例え.jp/a", "https://a/ä", "https://a/|x", "https://a/{x}", 'https://a/"x"', "https://a\\b"),
    *(
        "https://a/<x>",
        "https://a/#b#c",
        "https://a b/",
        "https://a/b c",
        "https://a/\u202ex",
        "https://a\n",
        "\thttps://a",
    ),
)
ODD_URIS = st.sampled_from(URIS) | st.text(st.sampled_from("ahtps:/.?#[]@%2fé :"), max_size=20)
NUMBERS = st.sampled_from(
    (6, 10, 6.0, 10.0, 6.5, 7, -6, 0, True, 2**63, 2**64 + 6, 10**30, 1e30, 6.000000000000001)
)
ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.integers() | ODD_URIS | st.text(max_size=5)
    | st.sampled_from(("6", "fun", "Fun", "480p", "480P", MODEL, MODEL.upper())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
GOOD = st.fixed_dictionaries(
    {
        "model": st.just(MODEL),
        "prompt": st.text(max_size=10),
        "image_urls": st.lists(st.just("https://example.com/a.jpg"), max_size=1),
    },
    optional={
        "duration": st.sampled_from((6, 10, 6.0)),
        "mode": st.sampled_from(("fun", "normal", "spicy")),
        "quality": st.sampled_from(("480p", "720p")),
        "callback_url": st.just("https://hooks.example/a?b=c"),
    },
)
FIELDS = st.sampled_from(sorted((*OPERATION.properties, "extra")))
CHANGES = st.dictionaries(FIELDS, ODD | ODD_URIS.map(lambda uri: [uri]), max_size=2)
BODIES = st.one_of(
    st.builds(lambda good, changes: good | changes, GOOD, CHANGES),
    st.builds(lambda good, gone: {name: good[name] for name in good if name != gone}, GOOD, FIELDS),
    ODD,
)


@cache
def openapi_core_accepts() -> Callable[[bytes], bool]:
    """Whether openapi-core takes a body; its `uri` is judged by the one rule, as it has none of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from openapi_core import Config, OpenAPI
        from openapi_core.exceptions import OpenAPIError
        from openapi_core.testing import MockRequest
    document = yaml.safe_load(Path(OPERATION.source).read_text(encoding="utf-8"))
    document["servers"] = [{"url": "http://mock.test"}]
    uri = jsonschema_rs.Draft202012Validator({"format": "uri"}, validate_formats=True).is_valid
    api = OpenAPI.from_dict(document, config=Config(extra_format_validators={"uri": uri}))

    def accepts(raw: bytes) -> bool:
        headers = {"Authorization": "Bearer key"}
        request = MockRequest(
            "http://mock.test",
            "post",
            OPERATION.path,
            headers=headers,
            data=raw,
            content_type="application/json",
        )
        try:
            api.validate_request(request)
        except OpenAPIError:
            return False
        return True

    return accepts


def test_openapi_core_accepts_the_example_and_refuses_an_invalid_body() -> None:
    accepts = openapi_core_accepts()
    assert accepts(json.dumps(BODY).encode())
    assert not accepts(json.dumps(BODY | {"duration": 7}).encode())
    assert not accepts(json.dumps(BODY | {"image_urls": ["no uri"]}).encode())


@settings(deadline=None, max_examples=250)
@given(BODIES, st.booleans())
@example(BODY | {"duration": 6.0}, True)  # noqa: FBT003
@example(BODY | {"duration": True}, True)  # noqa: FBT003
@example(BODY | {"duration": 10**400}, True)  # noqa: FBT003
def test_openapi_core_agrees_on_every_body(body: Any, escaped: bool) -> None:  # noqa: FBT001
    raw = json.dumps(body, ensure_ascii=escaped).encode()
    assert (VALIDATOR.check(parse(raw)) is None) is openapi_core_accepts()(raw)


def test_validating_leaves_the_body_as_it_was() -> None:
    body = BODY | {"duration": 7}
    before = copy.deepcopy(body)
    VALIDATOR.check(body)
    assert body == before
