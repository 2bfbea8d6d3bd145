"""What a user chose: the file, the command line, the environment, and which of them wins."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
import trustme
from evolink_check.cli.config import Configuration, choose, parse_base_url, parse_listen, parse_url
from evolink_check.cli.config_file import ConfigFile, schema
from evolink_check.cli.options import EffortOptions, ServerOptions
from evolink_check.settings import Effort, Failing
from evolink_check.traffic.trace import MAIN, OTHER
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Callable

NOTHING, ANY = ServerOptions(memory=None), EffortOptions()
PROFILES = {"quick": Effort(), "deep": Effort("deep", examples=500, seconds=1800.0)}
CLAUSES = ("task.final", "task.ends", "callback.timeout")
URL = "https://api.example.test"
EXAMPLE = """
cannot = ["callback.timeout"]
warn = ["task.ends"]

[target]
url = "https://api.example.test/"
token_env = "MY_KEY"
other_token_env = "MY_OTHER_KEY"
scale = 60
ca = "ca.pem"
prompt = "A dance"
image_url = "https://example.test/a.jpg"
task_limit = 300

[[keys]]
label = "poor"
token_env = "MY_POOR_KEY"
credits = false

[[keys]]
label = "busy"
token = "busy-key"
limited = true

[[failing]]
code = "content_policy_violation"
fields = { prompt = "something forbidden" }

[callbacks]
url = "https://hooks.example.test/here"
listen = "127.0.0.1:9001"
trust = true

[clock]
advance_url = "https://api.example.test/clock"

[effort]
profile = "deep"
max_credits = 100
rate = 5
jobs = 2
time_limit = 600
task_limit = 60
seed = 7
"""
KEYS = {"MY_KEY": "key-a", "MY_OTHER_KEY": "key-b", "MY_POOR_KEY": "key-c"}


@pytest.fixture
def chosen(tmp_path: Path) -> Callable[..., Configuration]:
    """What comes of a file, a command line and an environment."""
    trustme.CA(key_type=trustme.KeyType.ECDSA).cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    (tmp_path / "empty.pem").touch()

    def of(
        text: str | None, server: ServerOptions = NOTHING, effort: EffortOptions = ANY, **variables: str
    ) -> Configuration:
        path = tmp_path / "target.toml"
        path.write_text(text or "")
        options = replace(server, config=path if text is not None else None)
        return choose(options, effort, PROFILES, CLAUSES, variables)

    return of


def test_all_that_a_file_says_is_understood(chosen: Callable[..., Configuration], tmp_path: Path) -> None:
    found = chosen(EXAMPLE, **KEYS)
    subject, effort = found.subject, found.effort
    assert found.notes == ()
    assert (subject.url, subject.scale, subject.ca) == (URL, 60.0, str(tmp_path / "ca.pem"))
    assert {label: key.token for label, key in subject.keys.items()} == {
        MAIN: "key-a",
        OTHER: "key-b",
        "poor": "key-c",
        "busy": "busy-key",
    }
    assert subject.keys["poor"].account.credits is False
    assert [label for label, key in subject.keys.items() if key.limited] == ["busy"]
    assert subject.failing == (Failing("content_policy_violation", {"prompt": "something forbidden"}),)
    assert (subject.callback_url, subject.callback_listen) == (
        "https://hooks.example.test/here",
        ("127.0.0.1", 9001),
    )
    assert (subject.callback_trust, subject.task_limit) == (True, 60.0)  # that of `[effort]` precedes
    assert subject.advance_url == "https://api.example.test/clock"
    assert (subject.prompt, subject.image_url) == ("A dance", "https://example.test/a.jpg")
    assert subject.cannot == {"callback.timeout"}
    assert found.lowered == {"task.ends"}
    assert effort == Effort(
        "deep", examples=500, seconds=600.0, task_seconds=60.0, jobs=2, rate=5.0, max_credits=100.0, seed=7
    )


def test_the_command_line_wins_over_the_file(chosen: Callable[..., Configuration]) -> None:
    server = ServerOptions(
        url="http://127.0.0.1:8080", token="mine", scale=2.0, clauses=frozenset({"task.final"}), memory=None
    )
    effort_options = EffortOptions(max_credits=0.0, profile="quick", seed=0)
    found = chosen(EXAMPLE, server, effort_options, **KEYS)
    assert (found.subject.url, found.subject.main.token, found.subject.scale) == (
        "http://127.0.0.1:8080",
        "mine",
        2.0,
    )
    effort = found.effort
    assert (effort.profile, effort.max_credits, effort.seed) == ("quick", 0.0, 0)
    assert (effort.jobs, effort.clauses) == (2, frozenset({"task.final"}))


def test_without_a_file_the_keys_come_from_the_environment(chosen: Callable[..., Configuration]) -> None:
    found = chosen(None, ServerOptions(memory=None, url=URL), EVOLINK_API_KEY="a", EVOLINK_OTHER_API_KEY="b")
    assert [found.subject.keys[label].token for label in (MAIN, OTHER)] == ["a", "b"]
    assert found.effort == PROFILES["quick"]


def test_a_variable_that_the_file_names_wins_over_the_usual_one(chosen: Callable[..., Configuration]) -> None:
    text = f'[target]\nurl = "{URL}"\ntoken_env = "MY_KEY"'
    assert chosen(text, MY_KEY="a", EVOLINK_API_KEY="b").subject.main.token == "a"
    assert chosen(text, EVOLINK_API_KEY="b").subject.main.token == "b"


def test_an_account_is_taken_for_nothing_that_nobody_said(chosen: Callable[..., Configuration]) -> None:
    account = chosen(None, ServerOptions(memory=None, url=URL, token="a")).subject.main.account
    assert (account.valid, account.credits, account.access) == (True, None, None)


def test_where_any_key_will_do_two_are_made_up_that_nobody_has(chosen: Callable[..., Configuration]) -> None:
    made = [chosen(None, ServerOptions(memory=None, url=URL, any_key=True)).subject for _ in range(2)]
    assert len({key.token for subject in made for key in subject.keys.values()}) == 4
    assert all(subject.any_key for subject in made)


def test_no_key_is_shown(chosen: Callable[..., Configuration]) -> None:
    assert not any(key in repr(chosen(EXAMPLE, **KEYS)) for key in (*KEYS.values(), "busy-key"))


def test_a_key_whose_variable_is_not_set_is_left_out_with_a_note(
    chosen: Callable[..., Configuration],
) -> None:
    found = chosen(EXAMPLE, MY_KEY="a")
    assert set(found.subject.keys) == {MAIN, "busy"}
    assert found.notes == ("key poor: MY_POOR_KEY is not set, so it is not used",)


WRONG: dict[str, tuple[str, str]] = {
    "no TOML": ("[target", "target.toml: invalid TOML"),
    "an unknown table": ("[tarket]", "target.toml: there is no key 'tarket' (did you mean target?)"),
    "an unknown key": ('[target]\nurll = "x"', "target: there is no key 'urll' (did you mean url?)"),
    "an unknown key of a key": (
        '[[keys]]\nlabel = "a"\nvalidd = true',
        "keys[0]: there is no key 'validd' (did you mean valid?)",
    ),
    "a key like no other": ("zzzzz = 1", "there is no key 'zzzzz'"),
    "another type": ("[effort]\njobs = 'two'", "target.toml: effort.jobs: Expected `int | null`, got `str`"),
    "a table that is none": ("target = 1", "target.toml: target: Expected `object`, got `int`"),
    "another profile": ("[effort]\nprofile = 'slow'", "effort.profile: Invalid enum value 'slow'"),
    "nothing to wait": ("[effort]\ntime_limit = 0", "effort.time_limit"),
    "an unknown clause": (
        'cannot = ["task.fnal"]',
        "there is no clause 'task.fnal' (did you mean task.final?)",
    ),
    "two keys in one": ('[target]\ntoken = "a"\ntoken_env = "A"', "[target] token: set both"),
    "no key": (
        f'[target]\nurl = "{URL}"\ntoken_env = "NOT_SET"',
        "no key: set EVOLINK_API_KEY (NOT_SET is not set)",
    ),
    "a label of our own": (
        '[target]\ntoken="a"\n[[keys]]\nlabel="main"\ntoken="b"',
        "'main' is used twice, or reserved",
    ),
    "a label twice": (
        '[target]\ntoken="a"\n[[keys]]\nlabel="b"\ntoken="b"\n[[keys]]\nlabel="b"\ntoken="c"',
        "'b' is used twice",
    ),
    "one account twice": ('[target]\ntoken = "a"\nother_token = "a"', "the other key is the same"),
    "no URL": ('[target]\ntoken = "a"', "no URL: pass it"),
    "no such file": (f'[target]\nurl = "{URL}"\ntoken = "a"\nca = "b.pem"', "--ca: there is no file"),
    "no certificate": (
        f'[target]\nurl = "{URL}"\ntoken = "a"\nca = "empty.pem"',
        "empty.pem: contains no certificate",
    ),
    "a key with the end of its line": ('[target]\ntoken = "a\\n"', "key main: ends with white space"),
    "another key that no header can contain": (
        '[target]\ntoken = "a"\nother_token = "schlüssel"',
        "key other: ends",
    ),
    "a third key of two lines": (
        '[target]\ntoken = "a"\n[[keys]]\nlabel = "b"\ntoken = "c\\nd"',
        "key b: ends",
    ),
    "callbacks to nowhere": ('[callbacks]\nurl = "https://x.test"', "missing required field `listen`"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_told_with_its_place(chosen: Callable[..., Configuration], name: str) -> None:
    text, words = WRONG[name]
    with pytest.raises(ValueError, match=re.escape(words)):
        chosen(text)


def test_a_key_that_no_header_takes_is_not_shown(chosen: Callable[..., Configuration]) -> None:
    with pytest.raises(ValueError, match="no header can contain") as refused:
        chosen(None, ServerOptions(memory=None, url=URL), EVOLINK_API_KEY="sk-of-a-file\r\n")
    assert "sk-of-a-file" not in str(refused.value)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match=r"nowhere\.toml: cannot be read"):
        choose(ServerOptions(config=Path("nowhere.toml")), ANY, PROFILES, CLAUSES, {})


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (
            ServerOptions(memory=None, url=URL, token="a", clauses=frozenset({"task.fnal"})),
            "did you mean task.final",
        ),
        (ServerOptions(memory=None, url=URL, token="a", callback_url="https://x.test"), "go together"),
        (ServerOptions(memory=None, url=URL, token="a", callback_listen="127.0.0.1:1"), "go together"),
        (
            ServerOptions(memory=None, url=URL, token="a", callback_url=URL, callback_listen="9001"),
            "invalid address",
        ),
    ],
)
def test_a_command_line_that_cannot_be_is_refused(
    chosen: Callable[..., Configuration], server: ServerOptions, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        chosen(None, server)


@pytest.mark.parametrize(
    "text",
    ["api.example.test", "ftp://x", "https://", "https://x?y=1", "https://x#y", "https://u@x", "http://x:y"],
)
def test_what_is_no_base_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid base URL"):
        parse_url(text)


@pytest.mark.parametrize("text", ["9001", ":9001", "x:", "x:0", "x:65536", "x:y"])
def test_what_is_no_place_to_listen_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid address"):
        parse_listen(text)


def test_the_version_at_the_end_of_a_base_url_is_left_out() -> None:
    urls = ("https://api.evolink.ai/v1", "https://api.evolink.ai/v1/", "https://api.evolink.ai")
    assert set(map(parse_base_url, urls)) == {"https://api.evolink.ai"}


def test_addresses_are_read() -> None:
    assert parse_url("http://[::1]:80/base/") == "http://[::1]:80/base"
    assert parse_listen("[::1]:9001") == ("::1", 9001)


def test_the_schema_knows_the_example_and_refuses_a_slip() -> None:
    import tomllib

    validator: Any = jsonschema_rs.validator_for(json.loads(json.dumps(schema())))
    assert validator.is_valid(tomllib.loads(EXAMPLE))
    assert not validator.is_valid({"target": {"urll": URL}})


def test_every_key_of_the_file_has_its_place_in_the_example() -> None:
    import tomllib

    assert set(tomllib.loads(EXAMPLE)) == set(ConfigFile.__struct_fields__)
