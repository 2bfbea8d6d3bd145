"""What a user writes becomes a setting, or an error that says what to write instead."""

from __future__ import annotations

import jsonschema_rs
import pytest
from evolink_mock.setting_checks import check
from evolink_mock.setting_values import (
    SettingError,
    parse_callback_host,
    parse_host,
    parse_host_pattern,
    parse_public_url,
    parse_token,
)
from evolink_mock.settings import Settings
from evolink_spec.options.sources import from_keywords, gather
from hypothesis import given
from hypothesis import strategies as st
from support.records.builders import MODEL, OLD_MODEL, SPEC

IS_URI = jsonschema_rs.Draft202012Validator({"format": "uri"}, validate_formats=True).is_valid


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://mock.test", "https://mock.test"),
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
        ("https://mock.test/below/it/", "https://mock.test/below/it"),
        ("https://[::1]:9000", "https://[::1]:9000"),
        ("https://mock.test/a%20b", "https://mock.test/a%20b"),
    ],
)
def test_a_public_url_ends_without_a_slash(text: str, url: str) -> None:
    assert parse_public_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "mock.test",
            "ftp://mock.test",
            "https://",
            "https:///x",
            "https://u:p@mock.test",
            "https://a?x",
        ),
        *("https://a#x", "https://a/a b", "https://a/ä", "https://a/%zz", "https://[::g]", "https://a:port"),
        *('https://mo"ck', "https://a/<x>", "https://mock\n.test", "https://mock.test\n"),
    ],
)
def test_what_could_not_begin_a_link_is_no_public_url(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid public URL|expected HOST or HOST:PORT"):
        parse_public_url(text)


@given(st.text(st.sampled_from("ab.:/[]%2f@?# \\"), max_size=12).map("https://".__add__))
def test_a_public_url_that_is_accepted_makes_uris(text: str) -> None:
    try:
        url = parse_public_url(text)
    except ValueError:
        return
    assert IS_URI(f"{url}/media/x.mp4")


@given(st.text(st.sampled_from("htps:/.a%2"), max_size=12) | st.text(max_size=5))
def test_any_text_is_a_public_url_or_refused(text: str) -> None:
    try:
        parse_public_url(text)
    except ValueError as error:
        assert repr(text)[1:-1] in str(error)  # noqa: PT017  (what is refused is named)


def test_settings_that_can_have_their_effect_are_fine() -> None:
    check(Settings(), SPEC)
    check(
        Settings(denied_models=frozenset((MODEL,)), offline=True, proxy_port=0, recipe="402"),
        SPEC,
    )
    assert [parse_token(token) for token in ("sk-key", "a.b_c/d=", "sk-a~b")]
    assert [parse_callback_host(host) for host in ("localhost:9000", "[::1]")]


def test_a_denied_model_that_is_not_served_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        ValueError, match=rf"^denied_models: {OLD_MODEL!r} is not served \(did you mean {MODEL}\?\)$"
    ):
        check(Settings(denied_models=frozenset((OLD_MODEL,))), SPEC)


def test_a_host_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="expected HOST or HOST:PORT"):
        parse_callback_host("http://localhost/")
    with pytest.raises(ValueError, match="an empty host would mean every address"):
        parse_host(" ")


@pytest.mark.parametrize("token", ["", " ", "two words", "clé", "a\tb"])
def test_a_token_that_no_request_could_carry_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(ValueError, match="must consist of visible ASCII characters") as caught:
        parse_token(token)
    assert not token.strip() or token not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [("evolink-mock", "evolink-mock"), ("Mock_*.Test.", "mock_*.test"), ("*", "*"), ("[FD00::1]", "fd00::1")],
)
def test_an_allowed_host_is_a_name_without_scheme_and_port(text: str, pattern: str) -> None:
    assert parse_host_pattern(text) == pattern


@pytest.mark.parametrize(
    "text", ["", ".", "mock:8080", "http://mock:8080", "http://mock", "mock/", "[::1]:80", "a b"]
)
def test_an_allowed_host_that_no_request_could_have_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write NAME, without https:// and without a port"):
        parse_host_pattern(text)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (
            Settings(recipe="429", recipes="off"),
            "^recipe: has no effect unless the sources of recipes include token$",
        ),
        (Settings(recipe="429", recipes="header"), "^recipe: has no effect"),
        (Settings(cors=("Off", "https://app.test")), "^cors: off cannot be combined with an origin$"),
        (Settings(offline=True), "^offline: has no effect without a proxy port$"),
    ],
)
def test_a_setting_that_another_one_makes_void_is_refused(settings: Settings, why: str) -> None:
    with pytest.raises(SettingError, match=why):
        check(settings, SPEC)


def test_a_public_url_and_the_headers_of_a_proxy_exclude_each_other() -> None:
    keywords = {"public_url": "https://mock.test", "trust_proxy": True}
    with pytest.raises(ValueError, match=r"^trust_proxy and public_url cannot be used together$"):
        gather(Settings, [from_keywords(keywords, Settings)])
