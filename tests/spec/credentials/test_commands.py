"""Commands, code and tables say which of their words is a credential."""

from __future__ import annotations

import time

import pytest
from evolink_spec.credentials.texts import without_credentials

SECRET = "Vx01meadow-Lantern"
TEXTS = [
    "no /v1/tokens/{0}; did you mean /v1/tasks/{0}?",
    *("the api token is: {}", "the password was {}", "pw: {}", "PW={}", "token -> {}", "password → {}"),
    *("sshpass -p {} ssh x", "mysql -uroot -p{}", "mysqldump --all -p'{}' x", "docker login -u bob -p {}"),
    *("keytool -storepass {}", "redis-cli -h x -a {}", "openssl enc -k {}", "http -a bob:{} x"),
    *("define('DB_PASSWORD', '{}')", 'os.environ["API_KEY"] = "{}"', 'setenv("API_TOKEN", "{}")'),
    *(
        "IDENTIFIED BY '{}'",
        "identified with plugin by '{}'",
        'SET PASSWORD = PASSWORD("{}")',
        '.with_token("{}")',
    ),
    *("&quot;password&quot;:&quot;{}&quot;", "password%3D{}", "%22password%22%3A%22{}%22", "password&#61;{}"),
    *("api_key: !secret {}", "| user | x |\n| password | {} |", "**password:** {}", "`api_key`: `{}`"),
]


@pytest.mark.parametrize("text", TEXTS)
def test_the_value_is_removed(text: str) -> None:
    assert SECRET not in without_credentials(f"hello {text.format(SECRET)} bye", lambda _: "#")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "docker run -p 8080:80 image",
            "mkdir -p path/to/dir",
            "mysql -P 3306 -u root db",
            "a -> b -> golden",
        ),
        *("| token | count |\n| --- | --- |", "| password | required |", "draw('token', 'golden coin')"),
        *(
            'the words "secret", "garden2026"',
            "identified by its colour",
            "the password was lost",
            "key[0] = light",
        ),
        *("the token (golden) and the secret (of the garden)", "a cat | a dog | a key | a door"),
    ],
)
def test_ordinary_texts_stay(text: str) -> None:
    assert without_credentials(text, lambda _: "#") == text


@pytest.mark.parametrize(
    "piece",
    [
        "sshpass a ",
        "mysql -u ",
        "| token ",
        "f('token', ",
        "docker login ",
        ".token(",
        "a b ",
        "http a ",
        "%3d",
    ],
)
def test_the_time_grows_no_faster_than_the_text(piece: str) -> None:
    began = time.process_time()
    without_credentials(" -p token" + piece * (50_000 // len(piece)), lambda _: "#")
    assert time.process_time() - began < 5
