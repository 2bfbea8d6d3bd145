"""Where the values of a record come from, which source wins, and how an error names it."""

from __future__ import annotations

from typing import Annotated

import pytest
from evolink_spec.options.declaration import Option
from evolink_spec.options.sources import RawValue, from_environment, from_keywords, from_table, gather
from msgspec import Struct


class Record(Struct, frozen=True, kw_only=True):
    port: Annotated[int, Option(help="A port.")] = 1
    max_body: Annotated[int, Option(help="A size.")] = 1
    tokens: Annotated[tuple[str, ...], Option(help="Several.", name="--token")] = ()
    fast: Annotated[bool, Option(help="A switch.", excludes="port")] = False


def test_the_first_source_wins_for_each_field_by_itself() -> None:
    sources = [{"port": RawValue("a", "2")}, {"port": RawValue("b", "3"), "max_body": RawValue("b", "4")}]
    assert gather(Record, sources) == Record(port=2, max_body=4)


def test_a_value_that_does_not_count_is_still_checked() -> None:
    with pytest.raises(ValueError, match=r"^b: 'x' is not a whole number$"):
        gather(Record, [{"port": RawValue("a", "2")}, {"port": RawValue("b", "x")}])


def test_what_is_for_another_record_is_left_alone() -> None:
    assert gather(Record, [{"other": RawValue("a", "x")}]) == Record()


def test_two_that_exclude_each_other_cannot_stand_in_one_source() -> None:
    with pytest.raises(ValueError, match=r"^--fast and --port cannot be used together$"):
        gather(Record, [{"port": RawValue("--port", "2"), "fast": RawValue("--fast", "true")}])


def test_of_two_that_exclude_each_other_the_first_source_decides() -> None:
    port, fast = {"port": RawValue("a", "2")}, {"fast": RawValue("a", "true")}
    assert gather(Record, [port, fast]) == Record(port=2)
    assert gather(Record, [fast, port]) == Record(fast=True)
    assert gather(Record, [{"fast": RawValue("a", "false")}, port]) == Record(port=2)


def test_a_table_may_spell_its_names_with_dashes_or_underscores() -> None:
    for key in ("max-body", "max_body"):
        assert from_table({key: 5}, "f.toml", Record) == {"max_body": RawValue(f"f.toml {key}", 5)}
    with pytest.raises(ValueError, match=r"^f\.toml has no setting 'max-bdy' \(did you mean max-body\?\)$"):
        from_table({"max-bdy": 5}, "f.toml", Record)


def test_a_variable_is_a_prefix_and_the_option_in_capitals() -> None:
    variables = {"X_MAX_BODY": "5", "X_TOKEN": "a b", "X_PORT": "", "MAX_BODY": "6"}
    assert from_environment(variables, "X_", Record) == {
        "max_body": RawValue("X_MAX_BODY", "5"),
        "tokens": RawValue("X_TOKEN", ["a", "b"]),
    }


def test_keywords_are_the_names_of_the_fields() -> None:
    assert from_keywords({"max_body": 5, "port": None}, Record) == {"max_body": RawValue("max_body", 5)}
    with pytest.raises(TypeError, match=r"^unknown setting 'max_bdy' \(did you mean max_body\?\)$"):
        from_keywords({"max_bdy": 5}, Record)
