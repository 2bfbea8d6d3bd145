from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from evolink_spec.errors import SpecError
from evolink_spec.pointers import Node, follow, join
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(alphabet="a~/01-", max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)
# The examples of RFC 6901, section 5.
RFC = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


def places(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Every value within a value, with its pointer."""
    yield pointer, value
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, member in members:
        yield from places(member, join(pointer, key))


@given(JSON)
def test_a_pointer_that_was_joined_leads_back_to_its_value(document: Any) -> None:
    for pointer, value in places(document):
        assert follow(document, pointer, "d.yaml") is value


@given(JSON)
def test_no_two_places_have_the_same_pointer(document: Any) -> None:
    pointers = [pointer for pointer, _ in places(document)]
    assert len(pointers) == len(set(pointers))


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", RFC),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
    ],
)
def test_the_examples_of_the_rfc_lead_where_it_says(pointer: str, value: object) -> None:
    assert follow(RFC, pointer, "d.yaml") == value


def test_a_tilde_is_unescaped_last() -> None:
    assert follow({"~1": "kept"}, "/~01", "d.yaml") == "kept"


@pytest.mark.parametrize(
    "pointer", ["/bar", "/foo/2", "/foo/x", "/foo/-", "/foo/-1", "/foo/01", "/foo/0/deeper", "/a~1b/0"]
)
def test_a_pointer_to_nothing_is_an_error_with_file_and_pointer(pointer: str) -> None:
    with pytest.raises(SpecError, match="does not exist") as caught:
        follow(RFC, pointer, "d.yaml")
    assert (caught.value.source, caught.value.pointer) == ("d.yaml", pointer)


def test_a_path_of_an_operation_is_one_token() -> None:
    assert join("/paths", "/v1/tasks/{task_id}", "get", 0) == "/paths/~1v1~1tasks~1{task_id}/get/0"


def test_a_child_knows_where_it_stands() -> None:
    child = Node({"paths": {"/v1": {"get": 1}}}, "d.yaml").child("paths").child("/v1").child("get")
    assert (child.source, child.pointer, child.value) == ("d.yaml", "/paths/~1v1/get", 1)


def test_a_reference_is_followed_to_where_it_leads_and_stands_there() -> None:
    document = {"use": {"$ref": "#/once"}, "once": {"$ref": "#/at~1last"}, "at/last": {"type": "string"}}
    found = Node(document, "d.yaml").child("use")
    assert (found.pointer, found.value) == ("/at~1last", {"type": "string"})


@pytest.mark.parametrize("value", [None, False, 0, "", [], {}])
def test_a_member_with_an_empty_value_is_there(value: object) -> None:
    assert Node({"a": value}, "d.yaml").child("a").value == value


def test_a_missing_member_is_none_to_get_and_an_error_to_child() -> None:
    node = Node({"a": {}}, "d.yaml").child("a")
    assert node.get("b") is None
    with pytest.raises(SpecError, match=r"^d\.yaml#/a: has no 'b'$"):
        node.child("b")


def test_the_children_come_in_the_order_of_the_document() -> None:
    node = Node({"z": 1, "a": {"$ref": "#/z"}, "m": 3}, "d.yaml")
    assert [(name, child.value) for name, child in node.children()] == [("z", 1), ("a", 1), ("m", 3)]


@pytest.mark.parametrize("value", [[], "text", 1, True])
def test_what_is_no_mapping_has_no_members(value: object) -> None:
    node = Node({"a": value}, "d.yaml").child("a")
    for ask in (node.mapping, node.children, lambda: node.get("b"), lambda: node.child("b")):
        with pytest.raises(SpecError, match=r"^d\.yaml#/a: must be a mapping, not "):
            ask()


@pytest.mark.parametrize("target", ["other.yaml#/a", "https://example.com/a", "#name", 1, None, ["#/a"]])
def test_a_reference_out_of_the_document_is_an_error_where_it_stands(target: object) -> None:
    with pytest.raises(
        SpecError, match=r"^d\.yaml#/a: refers to .* only references within the same document"
    ):
        Node({"a": {"$ref": target}}, "d.yaml").child("a")


def test_references_in_a_circle_are_an_error() -> None:
    document = {"a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}}
    with pytest.raises(SpecError, match=r"refers to itself through '#/[ab]'$"):
        Node(document, "d.yaml").child("a")


def test_a_reference_to_nothing_is_an_error_that_names_it() -> None:
    with pytest.raises(SpecError, match=r"^d\.yaml#/components/missing: does not exist$"):
        Node({"a": {"$ref": "#/components/missing"}}, "d.yaml").child("a")


def test_a_reference_may_be_percent_encoded() -> None:
    document = {"use": {"$ref": "#/paths/~1v1~1tasks~1%7Bid%7D"}, "paths": {"/v1/tasks/{id}": 1}}
    assert Node(document, "d.yaml").child("use").value == 1


def test_what_stands_beside_a_reference_is_laid_over_what_it_leads_to() -> None:
    there = {"type": "a", "description": "there"}
    document = {"use": {"$ref": "#/once", "description": "here"}, "once": there}
    assert Node(document, "d.yaml").child("use").value == {"type": "a", "description": "here"}
    assert there == {"type": "a", "description": "there"}


def test_the_entries_of_a_list_know_where_they_stand() -> None:
    document = {"list": [1, {"$ref": "#/once"}], "once": 2}
    found = Node(document, "d.yaml").child("list").items()
    assert [(node.pointer, node.value) for node in found] == [("/list/0", 1), ("/once", 2)]


@pytest.mark.parametrize("value", [0, 1, 2.5])
def test_a_number_is_given_as_it_is(value: float) -> None:
    assert Node({"a": value}, "d.yaml").child("a").number() == value


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({}, "items"),
        ("ab", "items"),
        (None, "text"),
        ("", "text"),
        (1, "text"),
        (None, "number"),
        ("1", "number"),
        (True, "number"),
        (-1, "number"),
    ],
)
def test_a_value_of_another_kind_than_is_asked_for_is_an_error(value: object, kind: str) -> None:
    with pytest.raises(SpecError, match=r"^d\.yaml#/a: must be "):
        getattr(Node({"a": value}, "d.yaml").child("a"), kind)()


def test_the_known_fields_of_a_mapping_are_given_without_its_extensions() -> None:
    node = Node({"a": {"one": 1, "x-own": 2, "two": {"$ref": "#/b"}}, "b": 3}, "d.yaml").child("a")
    found = node.fields({"one", "two", "three"})
    assert {name: field.value for name, field in found.items()} == {"one": 1, "two": 3}


def test_a_field_that_is_not_known_is_an_error_where_it_stands() -> None:
    with pytest.raises(SpecError, match=r"^d\.yaml#/a/tow: is not a supported field here$"):
        Node({"a": {"one": 1, "tow": 2}}, "d.yaml").child("a").fields({"one", "two"})
