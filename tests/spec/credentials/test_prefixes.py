"""Keys of well-known services are recognized by their prefix, and hexadecimal keys after any separator."""

from __future__ import annotations

import pytest
from evolink_spec.credentials.texts import without_credentials

HEX = "9f86d081884c7d659a2feaa0c55ad015"
LETTERS = "abcdefghijklmnopqrst"
MIXED = "QkdJvbTmWqLzHnXsRcYpGfAeKuDi"
PREFIXED = [
    *(f"glpat-{MIXED}", f"npm_{MIXED}", f"pypi-{MIXED}", f"dckr_pat_{LETTERS}", f"ATATT3xFf{MIXED}"),
    *(f"sntrys_{LETTERS}", f"glsa_{LETTERS}_12345678", f"hvs.{MIXED}", f"dp.pt.{MIXED}", f"ya29.a0{LETTERS}"),
    *(f"SG.{LETTERS}.{MIXED}", f"AGE-SECRET-KEY-1{MIXED.upper()}", f"GOCSPX-{MIXED}", f"vcp_{MIXED}"),
    *(f"hf_{MIXED}", f"gsk_{MIXED}", f"r8_{MIXED}", f"nvapi-{LETTERS}", f"xai-{MIXED}", f"pplx-{LETTERS}"),
    *(f"tvly-{MIXED}", f"phc_{MIXED}", f"lin_api_{LETTERS}", f"figd_{MIXED}", f"secret_{MIXED}abcdefgh"),
    *(f"ntn_{MIXED}abcdefgh", f"whsec_{LETTERS}", f"sq0atp-{LETTERS}", f"EAAC{MIXED}", f"xapp-1-{MIXED}"),
    *(f"sk-proj-{LETTERS}", f"sk-ant-api03-{LETTERS}", f"pat{MIXED[:14]}.{HEX}", f"SK{HEX}", f"dapi{HEX}"),
]
HEXADECIMAL = [
    f"pul-{HEX}",
    f"sbp_{HEX}",
    f"rubygems_{HEX}",
    f"shpss_{HEX}",
    f"unknown_{HEX}",
    f"ab-{HEX}-cd",
]


@pytest.mark.parametrize("key", [*PREFIXED, *HEXADECIMAL, f"unknown1234.{HEX}"])
@pytest.mark.parametrize("text", ["{}", "draw {} please", '"{}", nicely', "a={}&b"])
def test_a_key_is_removed_as_a_whole(key: str, text: str) -> None:
    assert without_credentials(text.format(key), lambda _: "#") == text.format("#")


@pytest.mark.parametrize("key", PREFIXED)
def test_a_key_with_a_prefix_is_removed_from_the_path_of_a_url(key: str) -> None:
    url = f"https://files.example/{key}/a.png"
    assert key not in without_credentials(url, lambda _: "#", plain_urls=True)


@pytest.mark.parametrize(
    "word",
    [
        *("hf_my_very_long_model_directory", "npm_config_registry_location", "secret_garden_in_the_morning"),
        *(
            "EAADVENTURES",
            "pattern-language",
            "api-reference",
            "token-economy-and-games",
            "fal_image_to_video",
        ),
        *(f"file-{HEX}", f"task-{HEX}", f"image_{HEX}", f"task-unified-{HEX}", "v1.0-release-candidate"),
        *("SG.example.host", "gpt-image-1-high-quality", "doubao-seedance-1.0-pro-fast", "a-" + "0" * 40),
    ],
)
def test_an_ordinary_word_with_such_a_prefix_stays(word: str) -> None:
    assert without_credentials(f"draw {word} now", lambda _: "#") == f"draw {word} now"
