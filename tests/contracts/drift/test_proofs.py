"""A breaking change of a request comes with a body that the old schema accepts and the new one refuses."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from evolink_check.drift.run import with_proofs
from support.records.drift_documents import BODY, REMOVED, changes, documents, edited, page

P = f"{BODY}/properties"
PROVABLE: dict[str, tuple[dict[str, Any], Any]] = {
    "a maximum": ({f"{P}/duration/maximum": 10}, 11),
    "a minimum": ({f"{P}/duration/minimum": 5}, 4),
    "values": ({f"{P}/quality/enum": ["480p"]}, "720p"),
    "items": ({f"{P}/image_urls/maxItems": 2}, 3),
    "a step": ({f"{P}/strength/multipleOf": 0.5}, None),
    "a length": ({f"{P}/prompt/maxLength": 1000}, None),
    "a format": ({f"{P}/prompt/format": "uri"}, None),
    "a pattern": ({f"{P}/tag/pattern": "^[a-z]{1,4}$"}, None),
    "a member of an object": ({f"{P}/options/properties/loop": REMOVED}, None),
    "null": ({f"{P}/seed/type": "integer"}, None),
    "a required field": ({f"{BODY}/required": ["model", "prompt", "image_urls"]}, None),
    "unknown members": ({f"{BODY}/additionalProperties": False}, None),
    "a model": ({f"{P}/model/enum": ["dancer-3"], f"{P}/model/description": ""}, "dancer-2"),
}


def validator(document: dict[str, Any]) -> Any:
    return jsonschema_rs.Draft202012Validator({**document, "$ref": f"#{BODY}"}, validate_formats=True)


@pytest.mark.parametrize("name", PROVABLE)
def test_a_proof_is_accepted_by_the_old_schema_and_refused_by_the_new_one(name: str) -> None:
    old, new = page(), edited(page(), PROVABLE[name][0])
    one, other = documents(old, new)
    proofs = [change.proof for change in with_proofs([one], [other], changes(old, new)) if change.proof]
    assert len(proofs) == 1
    body, value = proofs[0].body, PROVABLE[name][1]
    assert validator(old).is_valid(body)
    assert not validator(new).is_valid(body)
    members = [len(member) if isinstance(member, list) else member for member in body.values()]
    assert value is None or value in members, "it is the smallest"


def test_a_pattern_that_refuses_what_was_accepted_is_breaking() -> None:
    old, new = page(), edited(page(), {f"{P}/tag/pattern": "^[a-z]{1,4}$"})
    assert [change.verdict for change in changes(old, new)] == ["notice"]
    one, other = documents(old, new)
    assert [change.verdict for change in with_proofs([one], [other], changes(old, new))] == ["breaking"]


def test_a_wider_pattern_is_not_breaking() -> None:
    old, new = page(), edited(page(), {f"{P}/tag/pattern": "^[a-z]{1,80}$"})
    one, other = documents(old, new)
    assert [change.verdict for change in with_proofs([one], [other], changes(old, new))] == ["notice"]


def test_what_only_the_description_states_has_no_proof() -> None:
    old = page()
    new = edited(old, {f"{P}/negative_prompt/description": "max 100 characters"})
    one, other = documents(old, new)
    (change,) = with_proofs([one], [other], changes(old, new))
    assert (change.verdict, change.proof) == ("breaking", None)
