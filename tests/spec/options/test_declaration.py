"""A field and its option: what a value may be, and what it is called everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema_rs
import pytest
from evolink_spec.options.declaration import Field, Option, fields_of, json_schema
from msgspec import Meta, Struct


class Record(Struct, frozen=True, kw_only=True):
    port: Annotated[int, Meta(ge=0, le=65535), Option(help="A port.", short="-p")] = 8080
    scale: Annotated[float | None, Meta(ge=0.5), Option(help="A factor.")] = None
    quiet: Annotated[bool, Option(help="A switch.")] = False
    profile: Annotated[Literal["quick", "deep"] | None, Option(help="A choice.")] = None
    tokens: Annotated[frozenset[str], Option(help="Several.", name="--token")] = frozenset()
    files: Annotated[tuple[Path, ...], Option(help="Several paths.")] = ()
    even: Annotated[int, Option(help="Parsed.", parse=lambda text: int(text) * 2, shown="1")] = 2
    internal: int = 0


FIELDS = {field.name: field for field in fields_of(Record)}


def field(name: str) -> Field:
    return FIELDS[name]


def test_a_field_without_an_option_is_not_for_users() -> None:
    assert "internal" not in FIELDS
    assert {name: one.flag for name, one in FIELDS.items() if one.flag != f"--{name}"} == {
        "tokens": "--token"
    }


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("port", "80", 80),
        ("port", 80, 80),
        ("scale", "0.5", 0.5),
        ("scale", 2, 2.0),
        ("quiet", "Yes", True),
        ("quiet", "off", False),
        ("quiet", True, True),
        ("profile", "deep", "deep"),
        ("tokens", ["a", "b"], frozenset("ab")),
        ("tokens", "a b", frozenset({"a b"})),
        ("files", "x", (Path("x"),)),
        ("files", [Path("x"), "y"], (Path("x"), Path("y"))),
        ("even", "3", 6),
        ("even", 3, 6),
    ],
)
def test_text_and_values_are_read_alike(name: str, raw: Any, value: Any) -> None:
    assert field(name).read(raw) == value


@pytest.mark.parametrize(
    ("name", "raw", "why"),
    [
        ("port", "x", "'x' is not a whole number from 0 to 65535"),
        ("port", 70000, "70000 is not a whole number from 0 to 65535"),
        ("port", True, "True is not a whole number from 0 to 65535"),
        ("port", 1.5, "1.5 is not a whole number from 0 to 65535"),
        ("scale", "0.1", "'0.1' is not a number of at least 0.5"),
        ("scale", "inf", "'inf' is not a number of at least 0.5"),
        ("scale", float("nan"), "nan is not a number of at least 0.5"),
        ("quiet", "maybe", "'maybe' is not true or false"),
        ("quiet", 2, "2 is not true or false"),
        ("profile", "slow", "'slow' is not one of quick, deep"),
        ("tokens", [1], "1 is not text"),
        ("tokens", 5, "5 is not a list"),
        ("even", [1], "[1] is not text"),
        ("even", True, "True is not text"),
    ],
)
def test_what_a_value_cannot_be_is_said_in_words(name: str, raw: Any, why: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  (the whole text is compared)
        field(name).read(raw)
    assert str(refused.value) == why


def test_a_default_is_shown_where_there_is_one() -> None:
    assert {name: one.shown_default for name, one in FIELDS.items() if one.shown_default} == {
        "port": "8080",
        "even": "1",
    }


@pytest.mark.parametrize(
    ("table", "valid"),
    [
        (
            {
                "port": 80,
                "scale": 1,
                "quiet": True,
                "profile": "deep",
                "token": ["a"],
                "files": ["x"],
                "even": "1",
            },
            True,
        ),
        ({"even": 1}, True),
        ({"port": 70000}, False),
        ({"port": "80"}, False),
        ({"token": "a"}, False),
        ({"tokens": ["a"]}, False),
        ({"internal": 1}, False),
    ],
)
def test_the_schema_of_a_table_knows_types_limits_and_names(table: dict[str, Any], valid: bool) -> None:  # noqa: FBT001
    assert jsonschema_rs.Draft202012Validator(json_schema("t", Record)).is_valid(table) is valid
