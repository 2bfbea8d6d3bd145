"""Pages that say the same in other words or in another notation: nothing has changed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.records.drift_documents import ANSWER, BODY, CALLBACK, IMAGES, MODEL, POST, changes, edited, page

P = f"{BODY}/properties"
A = f"{ANSWER}/properties"
Edits = dict[str, Any]


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


def inlined(value: Any, tree: dict[str, Any]) -> Any:
    if isinstance(value, dict) and "$ref" in value:
        return inlined(tree["components"]["schemas"][value["$ref"].rpartition("/")[2]], tree)
    if isinstance(value, dict):
        return {key: inlined(member, tree) for key, member in value.items()}
    return [inlined(item, tree) for item in value] if isinstance(value, list) else value


SAME: list[tuple[str, Edits]] = [
    (
        "a typo is mended",
        {f"{POST}/description": "- Makes a video of images.\n\n- Links to results are valid for 24 hours"},
    ),
    (
        "prose is reworded",
        {f"{P}/negative_prompt/description": "Maximum 500 characters; describes what should not be seen"},
    ),
    ("prose states a day", {f"{POST}/description": "- Makes a video\n\n- Result links expire after 1 day"}),
    (
        "marks of code are added",
        {f"{P}/negative_prompt/description": "What to avoid, **max** `500` characters"},
    ),
    (
        "the requirements of images are reworded",
        {
            f"{P}/image_urls/description": (
                "List of reference images.\n\n**Requirements:**\n- A maximum of 4 images per request\n"
                "- Each image no larger than 10 MB\n- Width and height between 300 px and 6000 px\n"
                "- Aspect ratio from 1:2.5 to 2.5:1\n- Formats: .png, .jpg, .webp"
            )
        },
    ),
    (
        "the callback is reworded",
        {
            f"{P}/callback_url/description": (
                "Where the result is sent.\n\n* Sent when a task has failed, was cancelled, or completed\n"
                "* HTTPS only\n* Max length `2048` characters\n* The timeout is 10 seconds\n"
                "* At most 3 retries (after 1, 2 and 4 seconds)"
            )
        },
    ),
    (
        "a default is stated that the schema has",
        {f"{P}/duration/description": "Seconds, from `4` to `12`, default is `5`"},
    ),
    (
        "options are described that the schema lists",
        {f"{P}/quality/description": "- `480p`: small (default)\n- `720p`: large"},
    ),
    (
        "examples have other values",
        {
            f"{A}/id/example": "task-unified-1800000000-abcdefgh",
            f"{A}/created/example": 1800000000,
            f"{P}/prompt/example": "A cat",
            f"{POST}/responses/402/content/application~1json/example/error/message": "Pay",
        },
    ),
    (
        "a request has an example",
        {
            f"{POST}/requestBody/content/application~1json/examples": {
                "one": {"value": {"model": "dancer-2", "prompt": "x"}}
            }
        },
    ),
    (
        "titles, tags and versions change",
        {
            f"{POST}/summary": "Make it",
            f"{POST}/tags": ["Video"],
            "/info/version": "1.2.0",
            "/info/title": "T",
        },
    ),
    ("types in another order", {f"{P}/seed/type": ["null", "integer"]}),
    ("required names in another order", {f"{BODY}/required": ["prompt", "model"]}),
    (
        "listed values in another order",
        {
            f"{P}/quality/enum": ["720p", "480p"],
            f"{A}/status/enum": ["failed", "completed", "processing", "pending"],
        },
    ),
    (
        "null as in OpenAPI 3.0",
        {f"{P}/seed": {"type": "integer", "nullable": True, "description": "Default is `0`"}},
    ),
    (
        "null as an alternative",
        {f"{P}/seed": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "Default is `0`"}},
    ),
    ("null is not allowed, explicitly", {f"{P}/tag/nullable": False}),
    (
        "a constant instead of one value",
        {f"{P}/model": {"type": "string", "const": "dancer-2", "default": "dancer-2", "description": MODEL}},
    ),
    (
        "alternatives of constants",
        {
            f"{P}/quality": {
                "oneOf": [{"const": "480p"}, {"const": "720p"}],
                "type": "string",
                "default": "480p",
            }
        },
    ),
    (
        "limits in parts",
        {f"{P}/duration": {"allOf": [{"type": "integer", "minimum": 4}, {"maximum": 12}], "default": 5}},
    ),
    (
        "exclusive limits of whole numbers",
        {f"{P}/duration": {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 13, "default": 5}},
    ),
    (
        "exclusive limits as in OpenAPI 3.0",
        {
            f"{P}/duration": {
                "type": "integer",
                "minimum": 3,
                "exclusiveMinimum": True,
                "maximum": 12,
                "default": 5,
            }
        },
    ),
    (
        "keywords that exclude nothing",
        {
            f"{P}/prompt/minLength": 0,
            f"{P}/image_urls/minItems": 0,
            f"{BODY}/additionalProperties": True,
            f"{P}/options/required": [],
        },
    ),
    ("a whole number as a float", {f"{P}/duration/maximum": 12.0}),
    ("one part alone", {f"{P}/strength": lambda schema: {"allOf": [schema]}}),
    (
        "a schema is moved to the components",
        {
            f"{P}/strength": {"$ref": "#/components/schemas/Strength"},
            "/components/schemas/Strength": {"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.1},
        },
    ),
    (
        "an object in parts",
        {
            ANSWER: lambda schema: {
                "allOf": [
                    {"type": "object", "properties": {"id": schema["properties"]["id"]}},
                    {
                        "properties": {
                            name: value for name, value in schema["properties"].items() if name != "id"
                        }
                    },
                ]
            }
        },
    ),
    (
        "a security scheme is renamed",
        {
            "/security": [{"token": []}],
            "/components/securitySchemes": {"token": {"type": "http", "scheme": "Bearer"}},
        },
    ),
    ("operation-level security", {f"{POST}/security": [{"bearer": []}]}),
]


@pytest.mark.parametrize("edits", [edits for _, edits in SAME], ids=[name for name, _ in SAME])
def test_nothing_has_changed(edits: Edits) -> None:
    assert changes(page(), edited(page(), edits), strict=True) == []
    assert changes(edited(page(), edits), page(), strict=True) == []


def test_the_order_of_keys_does_not_matter() -> None:
    assert changes(page(), reordered(page())) == []


def test_references_can_be_replaced_by_what_they_refer_to() -> None:
    assert changes(page(), inlined(page(), page())) == []
    assert changes(json.loads(json.dumps(inlined(page(), page()))), page()) == []


def test_conditions_are_the_same_in_other_words() -> None:
    old = edited(page(), {f"{P}/audio/description": "`audio` cannot be used together with `image_urls`."})
    new = edited(page(), {f"{P}/audio/description": "Note: `image_urls` and `audio` are mutually exclusive!"})
    assert changes(old, new) == []


REWORDED = [
    ("Supports `1` to `7` images", "Allowed: from `1` up to `7` images"),
    ("Usually takes 2-3 minutes", "Most tasks usually need two to three minutes"),
    ("Seed, range: `0`-`2147483647`. Random if omitted", "From `0` to `2147483647`; random if it is missing"),
    (
        "| Images |\n|---|\n| 1 image |\n| 2 images |",
        "- 1 image: the first frame\n- 2 images: the last one, too",
    ),
    (
        "Any integer between `4` and `15`, or `-1`. Default: `5`",
        "`-1`, or from `4` to `15`. The default is `5`",
    ),
    ("Does not support `a_urls` or `b_urls`", "`a_urls` and `b_urls` are not supported by it"),
    ("A boat", "The background has been removed: a boat in the sunset"),
    ("Image size: max `10MB`", "Every image may have up to 10 MB"),
    ("Links are valid for 24 hours", "Please save the results: their links expire after one day"),
    ("Use Kling 3.0 video generation", "Kling 3.0 makes videos"),
    ("The best Veo 3 videos", "Videos by Veo 3"),
    ("Supports `1` image per request", "Exactly one image is accepted for each request"),
    ("Clip length: 2-15 s, 24-60 FPS", "Clips last from 2 to 15 seconds and have between 24 and 60 fps"),
    (
        "Max `3` retries (after `1`/`2`/`4` seconds)",
        "With a back-off of 1s, 2s and 4s, there are three retries at most",
    ),
    ("Prompt, limited to 2,000 tokens", "The prompt: 2000 tokens or fewer"),
    ("`audio` requires `image_urls`", "`image_urls` has to be there whenever `audio` is"),
    ("Only effective when `audio=true`", "Has an effect with `audio` only"),
    ("The URL must be directly accessible by the server", "Our servers have to be able to fetch the URL"),
    ("Formats: JPEG, PNG, WebP", "Accepted are .webp, .png, .jpg and .jpeg files of any kind of format"),
    ("width and height >= 300px", "Both sides have at least 300 pixels"),
    ("Range: 0.4-2.5 (`width / height`)", "The quotient of `width` and `height`: 0.4 to 2.5, in the range"),
    (
        "**Note:** see [the guide](https://example.com/v1/2024/10)",
        "See [our guide](https://example.com/v2/2025/12)",
    ),
    ("Costs `0.5` credits per second", "Per second, 0.5 credits are charged"),
]


@pytest.mark.parametrize(("before", "after"), REWORDED)
def test_other_words_with_the_same_numbers_are_no_change(before: str, after: str) -> None:
    old, new = (edited(page(), {f"{P}/tag/description": text}) for text in (before, after))
    assert [change.text for change in changes(old, new)] == []
    old, new = (edited(page(), {f"{POST}/description": text}) for text in (before, after))
    assert [change.text for change in changes(old, new)] == []


def test_the_texts_of_the_page_are_those_that_are_reworded() -> None:
    properties = page()["components"]["schemas"]["Request"]["properties"]
    assert properties["callback_url"]["description"] == CALLBACK
    assert properties["image_urls"]["description"] == IMAGES


MALFORMED = [
    *({"maximum": "x"}, {"maximum": {}}, {"multipleOf": 0}, {"type": "strange"}, {"type": ["string", 5]}),
    *({"required": [1]}, {"required": "a"}, {"enum": 5}, {"enum": []}, {"anyOf": []}, {"properties": []}),
    *({"$ref": "#/nowhere"}, {"$ref": 5}, {"$ref": f"#{P}/duration"}, {"pattern": "("}, {"items": False}),
]


@pytest.mark.parametrize("schema", [*MALFORMED, None, True, False, 5, "x", []], ids=str)
def test_a_malformed_schema_is_compared_like_any_other(schema: Any) -> None:
    new = edited(page(), {f"{P}/duration": schema})
    assert changes(new, new) == []
    changes(page(), new)
    changes(new, page())


def test_schemas_that_refer_to_each_other_in_many_ways_are_compared_in_time() -> None:
    names = [f"Block{number}" for number in range(9)]
    every = {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}
    blocks = {
        name: {"type": "object", "properties": {"content": {"type": "array", "items": every}, name: every}}
        for name in names
    }
    edits = {f"/components/schemas/{name}": schema for name, schema in blocks.items()}
    old = edited(page(), {**edits, f"{P}/blocks": {"type": "array", "items": every}})
    assert changes(old, old) == []
    new = edited(old, {f"{P}/duration/maximum": 10})
    assert [change.field for change in changes(old, new)] == ["duration"]
