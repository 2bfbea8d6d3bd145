"""What the words around a value, its form or its place say: that it is a credential, or that it is none."""

from __future__ import annotations

import time
from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from evolink_spec.credentials.encodings import without_encoded
from evolink_spec.credentials.members import secret_strings
from evolink_spec.credentials.names import names_secret
from evolink_spec.credentials.shapes import is_key
from evolink_spec.credentials.texts import named_values, without_credentials

if TYPE_CHECKING:
    from collections.abc import Callable

PASSWORD = "Summer-abcdefg9!"
HEX = "9f86d081884c7d659a2feaa0c55ad015"
UUID = "550e8400-e29b-41d4-a716-446655440000"
KEYS = [
    *(HEX, HEX.upper(), HEX + HEX[:8], UUID, "q8Xn3vTz7LpW2mKc9RbY5hJd", "w0rk8s7d6f5g4h3j2k1l9q8w7e6r5t4y"),
    *(
        "sk-proj-0123456789",
        "hf_0123456789abcdefghijABCD",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    ),
]
NAMED = [
    *(
        "export OPENAI_API_KEY={}",
        'EVOLINK_API_KEY="{}" python a.py',
        "token = '{}'",
        "use api key: {} please",
    ),
    *("my password is {} ok", "machine a login b password {}", "tool --api-key {} run", "tool --token={}"),
    *("curl -u user:{} http://a", "curl --user me:{} http://a", "curl -H 'X-Api-Key: {}' http://a"),
    *(
        'curl -H "Authorization: Token {}" http://a',
        "Server=h;User Id=a;Password={};",
        "密码\uff1a{}",
        "password: {}\na: b",
    ),
    *("AccountName=a;AccountKey={};", "a\n[b]\naws_secret_access_key = {}", '{{ login(password: "{}") }}'),
    *('{{"prompt": "{{\\"api_key\\": \\"{}\\"}}"}}', "{{'api_key': '{}'}}", "{{api_key: '{}', b: 1}}"),
    *(
        '<login user="a" password="{}"/>',
        '<h name="Authorization" value="{}"/>',
        '<h value="{}" name="Authorization"/>',
    ),
    *(
        "<a><api-key>{}</api-key></a>",
        "Cookie: sid={}; a=b",
        "/v1/token={}",
        "/v1/token/{}",
        "/v1/credits;key={}",
    ),
    *(
        "there is no /v1/token={}",
        "mail user:{}@host.example",
        "Authorization: Bearer {}",
        "-----BEGIN RSA PRIVATE KEY-----\n{}",
    ),
    "x -----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----",
]


def plain(text: str, **options: bool) -> str:
    return without_credentials(text, lambda _: "#", **options)


@pytest.mark.parametrize("text", NAMED)
@pytest.mark.parametrize("secret", [PASSWORD, HEX, UUID])
def test_a_value_that_its_text_announces_is_removed(text: str, secret: str) -> None:
    assert secret not in plain(text.format(secret))
    assert "#" in plain(text.format(secret))


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "text", ["{}", "draw {}", "draw '{}', nicely.", "there is no /v1/{}/x", "model: {} is unknown"]
)
def test_a_word_that_looks_like_a_key_is_removed(key: str, text: str) -> None:
    assert plain(text.format(key)) == text.format("#")


def test_a_key_in_base64_is_one_word() -> None:
    assert plain("draw pQ3/9xZk+7Lm2Vt8Rw5Yb1Nc6Hd4Js0Gf/AeUiOoKl= now") == "draw # now"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a token: golden coin, secret: the cat; the key: light",
            "the bearer of good news 2026",
            "a secret 1950s bunker",
        ),
        *(
            "my password is short",
            "password: the movie, season 2",
            "cookie: chocolate chip",
            "a cat at 12:30@noon",
            "the password protected room",
            "press any key to start",
        ),
        *(
            "draw MiniMax-Hailuo-02-Standard in 1920x1080p60",
            "Summer-Beach-Video-2026",
            "grok-imagine-image-to-video-beta",
        ),
        *(
            "task-unified-1757169743-7cvnl5zw",
            "20261129T184612Z",
            "/v1/videos/generations",
            "max_tokens=100",
            "sort_key=asc",
        ),
        *(
            "https://h.example/a/b.mp4",
            "ThisIsAVeryLongClassName2",
            "file-9f86d081884c7d659a2feaa0c55ad015",
            "--seed 12345678",
        ),
        "internationalization2internationalization3",
    ],
)
def test_what_users_need_to_read_stays(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize("variable", ["$EVOLINK_API_KEY", "${EVOLINK_API_KEY}", "%EVOLINK_API_KEY%"])
@pytest.mark.parametrize("text", [text for text in NAMED if "Cookie" not in text and "PRIVATE" not in text])
def test_the_name_of_a_variable_is_no_credential(text: str, variable: str) -> None:
    assert plain(text.format(variable)) == text.format(variable)


@pytest.mark.parametrize("identifier", [HEX, UUID])
def test_the_path_of_a_url_may_contain_identifiers(identifier: str) -> None:
    url = f"https://files.example/{identifier}/{identifier}.mp4"
    assert plain(f"see {url} now", plain_urls=True) == f"see {url} now"
    assert identifier not in plain(url)


@pytest.mark.parametrize(
    "data",
    [
        {"params": [{"value": PASSWORD, "name": "api_key"}]},
        {"env": [{"key": "EVOLINK_API_KEY", "val": PASSWORD}]},
        {"h": [{"header": "Authorization", "content": PASSWORD}]},
        {"headers": [["X-Api-Key", PASSWORD]]},
        {"args": ["--token", PASSWORD, "run"]},
        {"password": {"v": [{"w": PASSWORD}]}},
        {"creds": [PASSWORD]},
        {"db_pw": PASSWORD},
        {"oauth": {"access": PASSWORD}},
        {"mysecret1": PASSWORD},
    ],
)
def test_a_string_below_beside_or_after_the_name_of_a_credential_is_one(data: Any) -> None:
    assert PASSWORD in secret_strings(data)


@pytest.mark.parametrize(
    "data",
    [
        {"tags": ["secret", "garden", "x"]},
        {"name": "a", "value": "b"},
        {"prompt": "token"},
        ["--seed", "123"],
    ],
)
def test_other_strings_are_no_credentials(data: Any) -> None:
    assert secret_strings(data) == set()


@pytest.mark.parametrize(
    "name",
    [
        "token_type",
        "token_count",
        "secret_name",
        "password_policy",
        "prompt_tokens",
        "auth_url",
        "author",
        "monkey",
    ],
)
def test_a_name_that_only_describes_a_credential_announces_none(name: str) -> None:
    assert not names_secret(name)


ENCODINGS: dict[str, Callable[[str], str]] = {
    "percent": lambda key: "".join(f"%{byte:02x}" for byte in key.encode()),
    "percent twice": lambda key: quote(quote(key, safe=""), safe=""),
    "base64": lambda key: b64encode(key.encode()).decode(),
    "base64 of user and key": lambda key: b64encode(f"user:{key}".encode()).decode(),
    "base64 of a URL": lambda key: urlsafe_b64encode(f"{key}:".encode()).decode().rstrip("="),
    "hexadecimal": lambda key: key.encode().hex().upper(),
    "escapes": lambda key: "".join(f"\\u{byte:04x}" for byte in key.encode()),
    "entities": lambda key: "".join(f"&#{byte};" for byte in key.encode()),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("key", [PASSWORD, f"{HEX}/+", f"{UUID}!"])
def test_a_known_credential_is_found_in_every_encoding(encoding: str, key: str) -> None:
    def replacement_of(decoded: str) -> str:
        return "#" if key in decoded else ""

    encoded = ENCODINGS[encoding](key)
    text = f"the {encoded} end"
    assert encoded not in without_encoded(text, replacement_of)
    assert without_encoded("the task-unified-1757169743-7cvnl5zw end", replacement_of).endswith(
        "7cvnl5zw end"
    )


def test_the_values_that_a_path_names_are_known() -> None:
    assert named_values(f"/v1/token/{PASSWORD}") == [PASSWORD]


def test_words_are_no_keys() -> None:
    assert not any(
        map(is_key, ("a" * 40, "0" * 24, "internationalization", "Summer-Beach-Video-2026-Final-Cut"))
    )


@pytest.mark.parametrize(
    "piece",
    [
        "token=",
        "token ",
        "a ",
        "a.",
        "a=",
        '"a":',
        "/token/",
        "-u a:",
        "a:b@",
        "<a>",
        'name="a" value="',
        "cookie: a=b;",
        "bearer ",
        "-----BEGIN PRIVATE KEY-----",
        "aB3",
        "%41",
        "\\u0041",
        "aB3/",
        "eyJaaaaaaaa.",
        "密码\uff1a",
    ],
)
def test_the_time_grows_no_faster_than_the_text(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    began = time.process_time()
    plain(text)
    without_encoded(text, lambda _: "")
    assert time.process_time() - began < 5
