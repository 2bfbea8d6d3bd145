import json

import pytest
from evolink_check.traffic.body_redaction import redact_body
from evolink_check.traffic.known_keys import KnownKeys

ID = "task-unified-1757169743-abcdefgh"


@pytest.mark.parametrize("key", ["sk-0123456789abcdef", "SK-0123456789abcdef"])
def test_a_key_beside_the_id_of_a_task_is_removed(key: str) -> None:
    body = json.dumps({"id": ID, "note": f"sent with {key}"}).encode()
    assert key.encode() not in redact_body(body)
    assert ID.encode() in redact_body(body)


def test_urls_lose_their_query_although_nothing_else_in_the_body_is_secret() -> None:
    body = {"id": ID, "results": ["https://files.example/1.mp4?a=1b2c3d4e5f", "https://files.example/2.mp4"]}
    redacted = json.loads(redact_body(json.dumps(body).encode()))
    assert redacted["results"][0].startswith("https://files.example/1.mp4?")
    assert "1b2c3d4e5f" not in redacted["results"][0]
    assert redacted["results"][1] == body["results"][1]


def test_a_name_that_is_a_url_is_redacted_like_any_text() -> None:
    assert b"1b2c3d4e5f" not in redact_body(b'{"https://files.example/1?a=1b2c3d4e5f" : 1, "b": "c"}')


def test_a_key_that_becomes_known_later_is_removed_from_an_equal_body() -> None:
    keys, body = KnownKeys(), b'{"note": "word-without-signs"}'
    assert redact_body(body, keys) == body
    keys.add("word-without-signs")
    assert b"word-without-signs" not in redact_body(body, keys)
