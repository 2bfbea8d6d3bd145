from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import evolink_spec
import pytest
import yaml
from evolink_spec.documents import parse, read, yaml_block
from evolink_spec.errors import SpecError
from hypothesis import given
from hypothesis import strategies as st
from support.steps import steps_of

VENDORED = sorted((Path(evolink_spec.__file__).parent / "openapi").glob("*.yaml"))
DOCUMENTS = st.dictionaries(
    st.text(max_size=4),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=12),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


class Quoting(yaml.SafeDumper):
    """PyYAML writes YAML 1.1, where some words need no quotes that 1.2 takes for numbers."""


Quoting.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def page(block: str, fence: str = "````") -> str:
    """A documentation page with one block in it, as the publisher makes them."""
    return (
        f"> Index\n\n# A model\n\n## OpenAPI\n\n{fence}yaml /en/a.json POST /v1/x\n{block}{fence}\n\nmore\n"
    )


@given(DOCUMENTS)
def test_a_document_is_the_same_in_json_in_yaml_and_on_a_page(document: dict[str, Any]) -> None:
    dumped = yaml.dump(document, Dumper=Quoting)
    assert parse(json.dumps(document), "d") == parse(dumped, "d") == parse(page(dumped), "d") == document


@pytest.mark.parametrize("path", VENDORED, ids=lambda path: path.name)
def test_the_block_of_a_page_is_kept_to_the_byte(path: Path) -> None:
    text = path.read_bytes().decode()
    assert "```" in text or path.name == "get-task-detail.yaml"  # an inner fence must not end the block
    assert yaml_block(page(text)) == text


@pytest.mark.parametrize("fence", ["```", "`````", "~~~", "~~~~"])
def test_a_fence_may_be_of_either_sign_and_any_length(fence: str) -> None:
    assert parse(page("a: 1\n", fence), "page.md") == {"a": 1}


def test_a_block_in_another_language_is_no_document() -> None:
    assert yaml_block("# Title\n\n```json\n{}\n```\n") is None


def test_a_page_with_windows_line_ends_is_read(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_bytes(page("a: 1\n").replace("\n", "\r\n").encode())
    assert read(file) == {"a": 1}


def test_a_longer_fence_closes_a_block_and_a_block_within_another_is_none() -> None:
    assert yaml_block("```yaml\na: 1\n`````\n") == "a: 1\n"
    assert yaml_block("````text\n```yaml\na: 1\n```\n````\n") is None


@pytest.mark.parametrize("line", ["```yaml\na: 1\n", "~~~\n", "```yaml\n```\n"])
def test_a_page_of_many_fences_is_read_in_linear_time(line: str) -> None:
    steps = [steps_of(yaml_block, line * count) for count in (2_000, 4_000)]
    assert steps[1] <= 2.1 * steps[0]
    assert yaml_block("```yaml\na: 1\n" * 50_000) is None  # no fence is closed: there is no block


def test_aliases_that_expand_to_a_huge_document_are_refused_before_they_are_expanded() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 40))
    with pytest.raises(SpecError, match="aliases expand to more than 1,000,000 values"):
        parse(f"l0: &l0 x\n{levels}", "d.yaml")


def test_a_byte_order_mark_is_no_part_of_a_document(tmp_path: Path) -> None:
    for text in ('{"a": 1}', "a: 1\n"):
        file = tmp_path / "d"
        file.write_text(text, encoding="utf-8-sig")
        assert read(file) == {"a": 1}


def test_of_several_blocks_the_one_that_is_a_document_is_read() -> None:
    text = page("command: install\n") + page("openapi: 3.1.0\n")
    assert parse(text, "page.md") == {"openapi": "3.1.0"}


def test_a_page_with_two_documents_is_an_error() -> None:
    with pytest.raises(SpecError, match="several documents"):
        parse(page("openapi: 3.1.0\n") * 2, "page.md")


@pytest.mark.parametrize("text", ["yes", "no", "on", "off", "y", "1:30", "1_000", "=", "0b1", "2025-01-31"])
def test_a_word_that_only_old_yaml_knows_stays_text(text: str) -> None:
    assert parse(f"a: {text}\n{text}: b\n", "d.yaml") == {"a": text, text: "b"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-3", -3),
        ("1e3", 1000.0),
        ("-.5", -0.5),
    ],
)
def test_the_plain_words_of_yaml_have_their_meaning(text: str, value: object) -> None:
    found = parse(f"a: {text}\n", "d.yaml")["a"]
    assert (found, type(found)) == (value, type(value))


def test_a_key_is_text_whatever_it_looks_like() -> None:
    text = "200: a\ntrue: b\n2025-01-31: c\n"
    assert parse(text, "d.yaml") == {"200": "a", "true": "b", "2025-01-31": "c"}


def test_a_merged_mapping_gives_what_is_not_said_anew() -> None:
    found = parse("a: &x {k: 1, 200: 2}\nb:\n  <<: *x\n  k: 3\n", "d.yaml")
    assert found["b"] == {"k": 3, "200": 2}


def test_a_key_that_stands_twice_is_an_error_that_names_it_and_its_line() -> None:
    with pytest.raises(SpecError, match=r"^d\.yaml: .*'post' appears twice.* line 3"):
        parse("get: 1\npost: 2\npost: 3\n", "d.yaml")


@pytest.mark.parametrize("text", ["a: [1\nb: 2\n", '{"a": 1,\n"b" 2}', "a: 1\n\tb: 2\n"])
def test_what_cannot_be_read_is_an_error_that_names_file_and_line(text: str) -> None:
    with pytest.raises(SpecError, match=r"^d: cannot be read as YAML or JSON: .*line 2") as caught:
        parse(text, "d")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ['{"a":' + "[" * 50_000, "!!python/object:os.system {}", "a: !local b", "a: 1\n---\nb: 2\n"]
)
def test_what_would_break_the_reader_is_an_error_too(text: str) -> None:
    with pytest.raises(SpecError, match=r"^d: cannot be read"):
        parse(text, "d")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1, "a": 2}', "'a' appears twice"),
        ('{"a": NaN}', "not JSON compliant"),
        ("a: .inf", "is not a JSON value"),
        ('{"a": ' + "1" * 5000 + "}", "Exceeds the limit"),
        ("a: " + "1" * 5000, "is not a JSON value"),
        ("a: !!int words", "'words' is not a JSON value"),
        ("a: !!bool words", "'words' is not a JSON value"),
        ("a: !!timestamp 2025-01-31", "could not determine a constructor"),
        ("? [a]\n: b\n", "a key must be text"),
        ("a: &a [*a]", "Circular reference"),
        ("a: \ud800", "surrogates not allowed"),
    ],
)
def test_what_json_cannot_say_is_an_error(text: str, problem: str) -> None:
    with pytest.raises(SpecError, match=problem):
        parse(text, "d")


@pytest.mark.parametrize(
    "text", ["", "just words", "- 1\n- 2\n", "# Title\n\nA page without a block.\n", "[]"]
)
def test_a_file_without_a_mapping_has_no_document(tmp_path: Path, text: str) -> None:
    file = tmp_path / "d.md"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match="holds no OpenAPI document") as caught:
        read(file)
    assert caught.value.source == str(file)


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"none\.yaml: cannot be read: No such file"):
        read(tmp_path / "none.yaml")


def test_a_directory_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r": cannot be read: "):
        read(tmp_path)


def test_a_file_that_is_no_text_is_an_error_that_names_the_byte(tmp_path: Path) -> None:
    file = tmp_path / "d.yaml"
    file.write_bytes(b"a: \xff")
    with pytest.raises(SpecError, match=r"d\.yaml: is not UTF-8 text \(byte 3\)"):
        read(file)
