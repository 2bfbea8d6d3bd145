"""Changes of a page of the family with the verdict that a person gives them."""

from __future__ import annotations

from typing import Any

import pytest
from support.records.drift_documents import (
    ANSWER,
    BODY,
    POST,
    REMOVED,
    changes,
    edited,
    page,
)

P = f"{BODY}/properties"
A = f"{ANSWER}/properties"
BREAKING, NOTICE, SAFE = "breaking", "notice", "non-breaking"
Edits = dict[str, Any]


def replacing(old: str, new: str) -> Any:
    def replaced(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return replaced


def renaming(old: str, new: str) -> Any:
    return lambda members: {new if name == old else name: value for name, value in members.items()}


def without(*names: str) -> Any:
    return lambda members: {name: value for name, value in members.items() if name not in names}


# (name, edits of the page, kind of the change, field, verdict)
REQUEST: list[tuple[str, Edits, str, str, str]] = [
    (
        "a required field is added",
        {f"{P}/style": {"type": "string"}, f"{BODY}/required": ["model", "prompt", "style"]},
        "request-required-property-added",
        "style",
        BREAKING,
    ),
    (
        "an optional field is added",
        {f"{P}/style": {"type": "string"}},
        "request-property-added",
        "style",
        SAFE,
    ),
    (
        "an optional field becomes required",
        {f"{BODY}/required": ["model", "prompt", "image_urls"]},
        "request-property-required",
        "image_urls",
        BREAKING,
    ),
    (
        "a required field becomes optional",
        {f"{BODY}/required": ["model"]},
        "request-property-optional",
        "prompt",
        SAFE,
    ),
    (
        "an optional field is removed",
        {f"{P}/strength": REMOVED},
        "request-property-removed",
        "strength",
        BREAKING,
    ),
    (
        "a member of a closed object is removed",
        {f"{P}/options/properties/loop": REMOVED},
        "request-property-removed",
        "options.loop",
        BREAKING,
    ),
    (
        "a field is renamed",
        {P: renaming("image_urls", "images_urls")},
        "request-property-renamed",
        "image_urls",
        BREAKING,
    ),
    (
        "a field is renamed to a similar name",
        {P: renaming("negative_prompt", "negative_text_prompt")},
        "request-property-renamed",
        "negative_prompt",
        BREAKING,
    ),
    ("a type changes", {f"{P}/duration": {"type": "string"}}, "request-type-changed", "duration", BREAKING),
    (
        "a type gets an alternative",
        {f"{P}/duration/type": ["integer", "string"]},
        "request-type-widened",
        "duration",
        SAFE,
    ),
    (
        "whole numbers become numbers",
        {f"{P}/duration/type": "number"},
        "request-type-widened",
        "duration",
        SAFE,
    ),
    (
        "numbers become whole numbers",
        {f"{P}/strength": {"type": "integer", "minimum": 0, "maximum": 1}},
        "request-type-narrowed",
        "strength",
        BREAKING,
    ),
    ("null is no longer allowed", {f"{P}/seed/type": "integer"}, "request-null-refused", "seed", BREAKING),
    ("null is allowed", {f"{P}/tag/type": ["string", "null"]}, "request-null-allowed", "tag", SAFE),
    (
        "a listed value is removed",
        {f"{P}/quality/enum": ["480p"]},
        "request-values-removed",
        "quality",
        BREAKING,
    ),
    (
        "a listed value is added",
        {f"{P}/quality/enum": ["480p", "720p", "1080p"]},
        "request-values-added",
        "quality",
        SAFE,
    ),
    ("a list of values is dropped", {f"{P}/quality/enum": REMOVED}, "request-values-freed", "quality", SAFE),
    (
        "values are listed",
        {f"{P}/negative_prompt/enum": ["blur", "noise"]},
        "request-values-listed",
        "negative_prompt",
        BREAKING,
    ),
    (
        "a list becomes a range that holds it",
        {f"{P}/options/properties/fps": {"type": "integer", "minimum": 1, "maximum": 60}},
        "request-values-freed",
        "options.fps",
        SAFE,
    ),
    (
        "a list becomes a range that lacks one",
        {f"{P}/options/properties/fps": {"type": "integer", "maximum": 24}},
        "request-values-replaced",
        "options.fps",
        BREAKING,
    ),
    (
        "a range becomes a list",
        {f"{P}/duration": {"type": "integer", "enum": [4, 8], "default": 5}},
        "request-values-listed",
        "duration",
        BREAKING,
    ),
    ("a constant is required", {f"{P}/audio/const": True}, "request-values-listed", "audio", BREAKING),
    ("a minimum is raised", {f"{P}/duration/minimum": 5}, "request-limit-tightened", "duration", BREAKING),
    ("a minimum is lowered", {f"{P}/duration/minimum": 1}, "request-limit-relaxed", "duration", SAFE),
    ("a maximum is lowered", {f"{P}/duration/maximum": 10}, "request-limit-tightened", "duration", BREAKING),
    ("a maximum is raised", {f"{P}/duration/maximum": 30}, "request-limit-relaxed", "duration", SAFE),
    ("a maximum is removed", {f"{P}/duration/maximum": REMOVED}, "request-limit-relaxed", "duration", SAFE),
    (
        "a minimum number of items is added",
        {f"{P}/image_urls/minItems": 1},
        "request-limit-tightened",
        "image_urls",
        BREAKING,
    ),
    (
        "fewer items are allowed",
        {f"{P}/image_urls/maxItems": 2},
        "request-limit-tightened",
        "image_urls",
        BREAKING,
    ),
    ("more items are allowed", {f"{P}/image_urls/maxItems": 9}, "request-limit-relaxed", "image_urls", SAFE),
    (
        "a maximum length is lowered",
        {f"{P}/prompt/maxLength": 1000},
        "request-limit-tightened",
        "prompt",
        BREAKING,
    ),
    ("a maximum length is raised", {f"{P}/prompt/maxLength": 5000}, "request-limit-relaxed", "prompt", SAFE),
    (
        "a minimum length is added",
        {f"{P}/prompt/minLength": 1},
        "request-limit-tightened",
        "prompt",
        BREAKING,
    ),
    (
        "a pattern is added",
        {f"{P}/prompt/pattern": "^[a-z ]+$"},
        "request-limit-tightened",
        "prompt",
        BREAKING,
    ),
    ("a pattern is removed", {f"{P}/tag/pattern": REMOVED}, "request-limit-relaxed", "tag", SAFE),
    ("a format is added", {f"{P}/prompt/format": "uri"}, "request-limit-tightened", "prompt", BREAKING),
    (
        "a format is removed",
        {f"{P}/callback_url/format": REMOVED},
        "request-limit-relaxed",
        "callback_url",
        SAFE,
    ),
    (
        "the items lose their format",
        {f"{P}/image_urls/items": {"type": "string"}},
        "request-limit-relaxed",
        "image_urls[]",
        SAFE,
    ),
    ("a coarser step", {f"{P}/strength/multipleOf": 0.5}, "request-limit-tightened", "strength", BREAKING),
    ("a finer step", {f"{P}/strength/multipleOf": 0.05}, "request-limit-relaxed", "strength", SAFE),
    ("a default changes", {f"{P}/duration/default": 8}, "default-changed", "duration", BREAKING),
    ("a default is added", {f"{P}/strength/default": 1}, "default-added", "strength", NOTICE),
    ("a default is removed", {f"{P}/audio/default": REMOVED}, "default-removed", "audio", NOTICE),
    (
        "a default that a description states changes",
        {f"{P}/seed/description": "Default is `-1`"},
        "default-changed",
        "seed",
        BREAKING,
    ),
    (
        "unknown members are refused",
        {f"{BODY}/additionalProperties": False},
        "request-unknown-refused",
        "",
        BREAKING,
    ),
    (
        "unknown members are accepted",
        {f"{P}/options/additionalProperties": True},
        "request-unknown-accepted",
        "options",
        SAFE,
    ),
    ("a field is deprecated", {f"{P}/audio/deprecated": True}, "deprecated", "audio", NOTICE),
    ("a body is no longer required", {f"{POST}/requestBody/required": False}, "body-optional", "body", SAFE),
    (
        "a content type is replaced",
        {f"{POST}/requestBody/content": renaming("application/json", "multipart/form-data")},
        "content-type-removed",
        "body",
        BREAKING,
    ),
    (
        "a content type is added",
        {f"{POST}/requestBody/content/multipart~1form-data": {}},
        "content-type-added",
        "body",
        SAFE,
    ),
    (
        "a required parameter is added",
        {
            f"{POST}/parameters": lambda old: [
                *old,
                {"name": "team", "in": "query", "required": True, "schema": {"type": "string"}},
            ]
        },
        "required-parameter-added",
        "query team",
        BREAKING,
    ),
    (
        "a parameter becomes required",
        {f"{POST}/parameters/0/required": True},
        "parameter-required",
        "query trace",
        BREAKING,
    ),
    ("a parameter is removed", {f"{POST}/parameters": []}, "parameter-removed", "query trace", BREAKING),
    (
        "a parameter may be longer",
        {f"{POST}/parameters/0/schema/maxLength": 80},
        "request-limit-relaxed",
        "query trace",
        SAFE,
    ),
]
RESPONSE: list[tuple[str, Edits, str, str, str]] = [
    ("a field is added", {f"{A}/group": {"type": "string"}}, "response-property-added", "200 group", SAFE),
    ("a field is removed", {f"{A}/progress": REMOVED}, "response-property-removed", "200 progress", BREAKING),
    (
        "a field is renamed",
        {A: renaming("results", "result_urls")},
        "response-property-renamed",
        "200 results",
        BREAKING,
    ),
    (
        "a type changes",
        {f"{A}/created": {"type": "string"}},
        "response-type-changed",
        "200 created",
        BREAKING,
    ),
    (
        "the type of an error code changes",
        {"/components/schemas/Error/properties/error/properties/code/type": "integer"},
        "response-type-changed",
        "400, 402, 429 error.code",
        BREAKING,
    ),
    (
        "a field can be null",
        {f"{A}/results/type": ["array", "null"]},
        "response-null-allowed",
        "200 results",
        BREAKING,
    ),
    (
        "a value is added",
        {f"{A}/status/enum": ["pending", "processing", "completed", "failed", "cancelled"]},
        "response-values-added",
        "200 status",
        NOTICE,
    ),
    (
        "a value is removed",
        {f"{A}/usage/properties/user_group/enum": ["default"]},
        "response-values-removed",
        "200 usage.user_group",
        SAFE,
    ),
    (
        "a list of values is dropped",
        {f"{A}/usage/properties/user_group/enum": REMOVED},
        "response-values-freed",
        "200 usage.user_group",
        NOTICE,
    ),
    (
        "a billing rule is added",
        {f"{A}/usage/properties/billing_rule/enum": ["per_call", "per_second", "per_token"]},
        "response-values-added",
        "200 usage.billing_rule",
        NOTICE,
    ),
    (
        "error codes are listed",
        {"/components/schemas/Error/properties/error/properties/code/enum": ["invalid_request"]},
        "response-values-listed",
        "400, 402, 429 error.code",
        SAFE,
    ),
    (
        "a maximum is raised",
        {f"{A}/progress/maximum": 1000},
        "response-limit-relaxed",
        "200 progress",
        NOTICE,
    ),
    ("a maximum is lowered", {f"{A}/results/maxItems": 1}, "response-limit-tightened", "200 results", SAFE),
    ("a field is always there", {f"{ANSWER}/required": ["id"]}, "response-property-required", "200 id", SAFE),
    (
        "a status is added",
        {f"{POST}/responses/503": {"description": "Unavailable"}},
        "response-status-added",
        "503",
        NOTICE,
    ),
    (
        "a status of an error is removed",
        {f"{POST}/responses/402": REMOVED},
        "response-status-removed",
        "402",
        SAFE,
    ),
    (
        "the success status changes",
        {f"{POST}/responses": renaming("200", "202")},
        "response-status-removed",
        "200",
        BREAKING,
    ),
    (
        "a header is removed",
        {f"{POST}/responses/429/headers": REMOVED},
        "header-removed",
        "429 header retry-after",
        BREAKING,
    ),
    (
        "a documented error code changes",
        {f"{POST}/responses/402/content/application~1json/example/error/code": "quota_exceeded"},
        "error-code-changed",
        "402 error.code",
        NOTICE,
    ),
    (
        "the price of the example changes",
        {f"{A}/usage/properties/credits_reserved/example": 4.8},
        "example-changed",
        "200 usage.credits_reserved",
        NOTICE,
    ),
    (
        "the expected time changes",
        {f"{A}/task_info/properties/estimated_time/example": 300},
        "example-changed",
        "200 task_info.estimated_time",
        NOTICE,
    ),
    (
        "the answers have another content type",
        {f"{POST}/responses/200/content": renaming("application/json", "text/event-stream")},
        "content-type-removed",
        "200",
        BREAKING,
    ),
]
OPERATION: list[tuple[str, Edits, str, str, str]] = [
    (
        "the path changes",
        {"/paths": renaming("/v1/videos/generations", "/v2/videos/generations")},
        "path-changed",
        "",
        BREAKING,
    ),
    (
        "the method changes",
        {"/paths/~1v1~1videos~1generations": renaming("post", "put")},
        "path-changed",
        "",
        BREAKING,
    ),
    ("the operationId changes", {f"{POST}/operationId": "makeVideo"}, "operation-id-changed", "", NOTICE),
    ("the operation is deprecated", {f"{POST}/deprecated": True}, "deprecated", "", NOTICE),
    ("a server is replaced", {"/servers/0/url": "https://api.example.org"}, "server-removed", "", BREAKING),
    (
        "a server is added",
        {"/servers": [{"url": "https://api.example.com"}, {"url": "https://b.example.com"}]},
        "server-added",
        "",
        SAFE,
    ),
    (
        "another key is required",
        {"/components/securitySchemes/bearer": {"type": "apiKey", "in": "header", "name": "X-Key"}},
        "security-changed",
        "",
        BREAKING,
    ),
    ("no key is required", {"/security": []}, "security-changed", "", SAFE),
]
MODELS: list[tuple[str, Edits, str, str, str]] = [
    (
        "a model is replaced",
        {f"{P}/model/enum": ["dancer-3"], f"{P}/model/description": ""},
        "model-removed",
        "model",
        BREAKING,
    ),
    (
        "a model is renamed, and its old name accepted",
        {
            f"{P}/model/enum": ["dancer-3"],
            f"{P}/model/description": "The old names `dancer` and `dancer-2` are still supported: mapped to `dancer-3`",
        },
        "model-renamed",
        "model",
        SAFE,
    ),
    ("a model is added", {f"{P}/model/enum": ["dancer-2", "dancer-3"]}, "model-added", "model", SAFE),
    (
        "an older name is no longer accepted",
        {f"{P}/model/description": "Model name"},
        "alias-removed",
        "model",
        BREAKING,
    ),
    (
        "an older name is accepted, too",
        {f"{P}/model/description": replacing("`dancer` is", "`dancer` and the name `dancer-lite` are")},
        "alias-added",
        "model",
        SAFE,
    ),
    (
        "the default of a required model changes",
        {f"{P}/model/enum": ["dancer-2", "dancer-3"], f"{P}/model/default": "dancer-3"},
        "default-changed",
        "model",
        SAFE,
    ),
]
PROSE: list[tuple[str, Edits, str, str, str]] = [
    (
        "the sum is limited",
        {f"{P}/tag/description": "Each clip 2 to 15 seconds, total duration at most 15 seconds"},
        "prose-total-seconds-added",
        "tag",
        NOTICE,
    ),
    (
        "a value is not available",
        {f"{P}/quality/description": "`720p` is not yet available"},
        "prose-conditions-added",
        "quality",
        NOTICE,
    ),
    (
        "links live shorter",
        {f"{POST}/description": replacing("24", "12")},
        "prose-lifetime-changed",
        "",
        BREAKING,
    ),
    (
        "links live longer",
        {f"{POST}/description": replacing("24 hours", "72 hours")},
        "prose-lifetime-changed",
        "",
        SAFE,
    ),
    (
        "files may be larger",
        {f"{P}/image_urls/description": replacing("10MB", "30MB")},
        "prose-bytes-changed",
        "image_urls",
        SAFE,
    ),
    (
        "files must be smaller",
        {f"{P}/image_urls/description": replacing("10MB", "5 MB")},
        "prose-bytes-changed",
        "image_urls",
        BREAKING,
    ),
    (
        "more pixels are needed",
        {f"{P}/image_urls/description": replacing("300 to", "512 to")},
        "prose-pixels-changed",
        "image_urls",
        BREAKING,
    ),
    (
        "more pixels are allowed",
        {f"{P}/image_urls/description": replacing("6000 px", "8000 px")},
        "prose-pixels-changed",
        "image_urls",
        SAFE,
    ),
    (
        "another shape is needed",
        {f"{P}/image_urls/description": replacing("1:2.5 and", "1:2 and")},
        "prose-ratio-changed",
        "image_urls",
        BREAKING,
    ),
    (
        "a format is dropped",
        {f"{P}/image_urls/description": replacing(", WebP", "")},
        "prose-formats-removed",
        "image_urls",
        BREAKING,
    ),
    (
        "a format is accepted",
        {f"{P}/image_urls/description": replacing("WebP", "WebP, GIF")},
        "prose-formats-added",
        "image_urls",
        SAFE,
    ),
    (
        "texts must be shorter",
        {f"{P}/negative_prompt/description": replacing("500", "200")},
        "prose-characters-changed",
        "negative_prompt",
        BREAKING,
    ),
    (
        "texts may be longer",
        {f"{P}/negative_prompt/description": replacing("500", "1,000")},
        "prose-characters-changed",
        "negative_prompt",
        SAFE,
    ),
    (
        "a limit is stated",
        {f"{P}/tag/description": "At most 8 characters, up to 3 tags"},
        "prose-count-added",
        "tag",
        NOTICE,
    ),
    (
        "receivers have less time",
        {f"{P}/callback_url/description": replacing("`10` seconds", "`5` seconds")},
        "prose-timeout-changed",
        "callback_url",
        BREAKING,
    ),
    (
        "callbacks are retried less often",
        {f"{P}/callback_url/description": replacing("Max `3`", "Max `1`")},
        "prose-retries-changed",
        "callback_url",
        BREAKING,
    ),
    (
        "callbacks are retried later",
        {f"{P}/callback_url/description": replacing("`4` seconds", "`8` seconds")},
        "prose-wait-before-a-retry-changed",
        "callback_url",
        NOTICE,
    ),
    (
        "callbacks are not sent after a cancellation",
        {f"{P}/callback_url/description": replacing("completed, failed or cancelled", "completed or failed")},
        "prose-events-removed",
        "callback_url",
        BREAKING,
    ),
    (
        "URLs must be shorter",
        {f"{P}/callback_url/description": replacing("2048", "1024")},
        "prose-characters-changed",
        "callback_url",
        BREAKING,
    ),
    (
        "something is announced to vanish",
        {f"{P}/audio/description": "This parameter is deprecated"},
        "prose-deprecated-added",
        "audio",
        NOTICE,
    ),
    (
        "something no longer works",
        {f"{P}/audio/description": "`audio` is no longer supported"},
        "prose-withdrawn-added",
        "audio",
        BREAKING,
    ),
    (
        "a condition is stated",
        {f"{P}/audio/description": "`audio` cannot be used with `image_urls`"},
        "prose-conditions-added",
        "audio",
        NOTICE,
    ),
    (
        "a rate limit is lowered",
        {f"{POST}/description": "At most 60 requests per minute. Links are valid for 24 hours"},
        "prose-rate-added",
        "",
        NOTICE,
    ),
]
FORMS: list[tuple[str, Edits, str, str, str]] = [
    (
        "one of two fields is needed",
        {f"{BODY}/anyOf": [{"required": ["image_urls"]}, {"required": ["negative_prompt"]}]},
        "request-condition-changed",
        "",
        NOTICE,  # and breaking once a body is found that proves it
    ),
    (
        "a number or a word becomes possible",
        {f"{P}/duration": lambda schema: {"oneOf": [schema, {"enum": ["auto"]}], "default": 5}},
        "request-type-widened",
        "duration",
        SAFE,
    ),
    (
        "a value beside a range becomes possible",
        {
            f"{P}/duration": {
                "anyOf": [{"const": -1}, {"minimum": 4, "maximum": 12}],
                "type": "integer",
                "default": 5,
            }
        },
        "request-values-freed",
        "duration",
        SAFE,
    ),
]
ALL = [*FORMS, *REQUEST, *RESPONSE, *OPERATION, *MODELS, *PROSE]


@pytest.mark.parametrize(
    ("edits", "kind", "field", "verdict"), [row[1:] for row in ALL], ids=[row[0] for row in ALL]
)
def test_a_change_has_the_verdict_that_a_person_gives_it(
    edits: Edits, kind: str, field: str, verdict: str
) -> None:
    seen = changes(page(), edited(page(), edits))
    assert (kind, field, verdict) in [(change.kind, change.field, change.verdict) for change in seen]
    # Nothing else of the same page is accused.
    if verdict != BREAKING:
        assert [change for change in seen if change.verdict == BREAKING] == []


def test_both_verdicts_and_every_side_are_labelled() -> None:
    verdicts = [row[4] for row in ALL]
    assert len(ALL) >= 60
    assert min(verdicts.count(BREAKING), verdicts.count(SAFE)) >= 30


def test_a_value_that_the_schema_and_the_description_list_is_one_change() -> None:
    shapes = {"type": "string", "enum": ["16:9", "9:16"], "description": "- `16:9`: wide\n- `9:16`: high"}
    more = {
        "type": "string",
        "enum": ["16:9", "9:16", "1:1"],
        "description": "- `16:9`: a\n- `9:16`: b\n- `1:1`: c",
    }
    old, new = (edited(page(), {f"{P}/shape": schema}) for schema in (shapes, more))
    assert [change.kind for change in changes(old, new)] == ["request-values-added"]
    seconds = {"type": "string", "enum": ["5", "10"], "description": "`5` or `10` seconds"}
    more = {"type": "string", "enum": ["5", "10", "15"], "description": "`5`, `10` or `15` seconds"}
    old, new = (edited(page(), {f"{P}/length": schema}) for schema in (seconds, more))
    assert [change.kind for change in changes(old, new)] == ["request-values-added"]


TAG = f"{P}/tag/description"
OWN = f"{POST}/description"
WORDED: list[tuple[str, str, str, str, str]] = [
    (TAG, "Image URL array, 1-2 images", "Image URL array, 1-4 images", "prose-count-changed", SAFE),
    (
        TAG,
        "Provide up to three reference images",
        "Provide one reference image",
        "prose-count-changed",
        BREAKING,
    ),
    (TAG, "Number of images: 1-4", "Number of images: 1-10", "prose-value-changed", SAFE),
    (
        TAG,
        "Images up to 10MB, videos to 50MB",
        "Images up to 10MB, videos to 30MB",
        "prose-bytes-changed",
        BREAKING,
    ),
    (
        TAG,
        "Resolution up to 1920x1080 pixels",
        "Resolution up to 1280x720 pixels",
        "prose-pixels-changed",
        BREAKING,
    ),
    (TAG, "Aspect ratio `0.4` to `2.5`", "Aspect ratio `0.4` to `2`", "prose-value-changed", BREAKING),
    (
        TAG,
        "Clips of 2-15 seconds, 24-60 FPS",
        "Clips of 2-15 seconds, 30-60 FPS",
        "prose-frames-per-second-changed",
        BREAKING,
    ),
    (
        TAG,
        "recommended no more than 500 words",
        "recommended no more than 300 words",
        "prose-words-changed",
        NOTICE,
    ),
    (TAG, "Options: `fast`, `slow`", "Options: `fast`, `turbo`", "prose-options-removed", BREAKING),
    (TAG, "Options: `fast`, `slow`", "Options: `fast`, `slow`, `turbo`", "prose-options-added", SAFE),
    (TAG, "A short text", "A short text. What is too long is truncated", "prose-flags-added", NOTICE),
    (OWN, "Up to 5 concurrent tasks", "Up to 2 concurrent tasks", "prose-concurrent-changed", BREAKING),
    (OWN, "60 requests per minute", "120 requests per minute", "prose-rate-changed", SAFE),
    (
        OWN,
        "Tasks can be queried for 30 days",
        "Tasks can be queried for 7 days",
        "prose-lifetime-changed",
        BREAKING,
    ),
    (
        OWN,
        "The task times out after 20 minutes",
        "The task times out after 30 minutes",
        "prose-timeout-changed",
        SAFE,
    ),
    (OWN, "Usually takes 60 seconds", "Usually takes 120 seconds", "prose-seconds-changed", NOTICE),
    (OWN, "Price: $0.05 a piece", "Price: $0.08 a piece", "prose-price-changed", NOTICE),
    (OWN, "Charged per image", "Charged per second", "prose-billing-added", NOTICE),
    (
        OWN,
        "The whole body has at most 64MB",
        "The whole body has at most 32MB",
        "prose-bytes-changed",
        BREAKING,
    ),
]


@pytest.mark.parametrize(("pointer", "before", "after", "kind", "verdict"), WORDED)
def test_a_changed_number_or_word_of_a_description_has_its_verdict(
    pointer: str, before: str, after: str, kind: str, verdict: str
) -> None:
    old, new = (edited(page(), {pointer: text}) for text in (before, after))
    seen = changes(old, new)
    assert (kind, verdict) in [(change.kind, change.verdict) for change in seen]
    assert verdict == BREAKING or all(change.verdict != BREAKING for change in seen)
