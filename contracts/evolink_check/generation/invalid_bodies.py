"""Strategies for invalid request bodies. Each strategy has one kind of fault, such as a wrong type.

Import this module only when it is needed, because it imports Hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from evolink_spec import CreateOperation
from hypothesis import strategies as st

from evolink_check.generation.fields import (
    OF_TYPE,
    enum_fields,
    fields_of,
    json_types_of,
    near_misses,
    required_of,
    values_of_other_types,
)
from evolink_check.generation.urls import (
    NOT_URIS,
    OTHER_SCHEMES,
    PUBLIC,
    WITH_SPACES,
    disguised_urls,
    internal_hosts,
    long_url,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypothesis.strategies import SearchStrategy

    Bodies = SearchStrategy[Any]

# Takes an operation and its minimal body.
BodyStrategy = Callable[[CreateOperation, dict[str, Any]], "Bodies"]
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def _with(good: Mapping[str, Any], field: str, value: Any) -> dict[str, Any]:
    return {**good, field: value}


def _with_other_value(good: Mapping[str, Any], values: Mapping[str, SearchStrategy[Any]]) -> Bodies:
    return st.one_of([strategy.map(partial(_with, good, name)) for name, strategy in values.items()])


def _without_required(operation: CreateOperation, good: dict[str, Any]) -> Bodies:
    names = (
        st.lists(st.sampled_from(required_of(operation)), min_size=1, unique=True) if good else st.just([])
    )
    optional = st.fixed_dictionaries(
        {}, optional={name: st.sampled_from(values) for name, values in enum_fields(operation).items()}
    )
    return st.builds(
        lambda dropped, more: {key: value for key, value in {**good, **more}.items() if key not in dropped},
        names,
        optional,
    )


def _of_other_type(operation: CreateOperation, good: dict[str, Any]) -> Bodies:
    fields = fields_of(operation)
    values = {
        name: st.sampled_from([value for value in values_of_other_types(node) if value is not None])
        | _json_value().filter(partial(_has_none_of, json_types_of(node)))
        for name, node in fields.items()
        if json_types_of(node)
    }
    return _with_other_value(good, values)


def _has_none_of(kinds: set[Any], value: Any) -> bool:
    kind = next(kind for kind, examples in OF_TYPE.items() if type(value) is type(examples[0]))
    return kind not in kinds


def _json_value() -> SearchStrategy[Any]:
    leaves: SearchStrategy[Any] = (
        st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    )
    leaves = leaves | st.text(LETTERS, max_size=4)
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(LETTERS, max_size=2), inner, max_size=2)
        ),
        max_leaves=4,
    )


def _outside_enum(operation: CreateOperation, good: dict[str, Any]) -> Bodies:
    listed = {**enum_fields(operation), **({"model": operation.models} if operation.models else {})}
    unlisted = {
        name: st.one_of(
            st.sampled_from(near_misses(values)),
            st.integers() if type(values[0]) is int else _near_words(values),
        )
        for name, values in listed.items()
    }
    return _with_other_value(good, unlisted)


def _near_words(values: tuple[Any, ...]) -> SearchStrategy[str]:
    return st.text(LETTERS, max_size=12) | st.sampled_from(values).flatmap(
        lambda value: st.integers(0, len(value)).map(lambda place: f"{value[:place]}-{value[place:]}")
    )


def _several_images(_: CreateOperation, good: dict[str, Any]) -> Bodies:
    url = st.just(good["image_urls"][0]) if good.get("image_urls") else st.just(PUBLIC)
    other = st.text(LETTERS, max_size=8).map(lambda name: f"https://example.com/{name}.jpg")
    return st.lists(url | other, min_size=2, max_size=6).map(lambda urls: _with(good, "image_urls", urls))


def _invalid_images(_: CreateOperation, good: dict[str, Any]) -> Bodies:
    text = st.sampled_from(NOT_URIS) | st.text(f"{LETTERS} /.", max_size=20)
    return text.map(lambda url: _with(good, "image_urls", [url]))


def _with_callback(urls: Callable[[int], SearchStrategy[str]]) -> BodyStrategy:
    # `urls` takes the maximum length of a callback URL
    def bodies(operation: CreateOperation, good: dict[str, Any]) -> Bodies:
        rules = operation.callback
        if rules is None:
            return st.nothing()
        return urls(rules.max_length).map(lambda url: _with(good, rules.field, url))

    return bodies


def _other_schemes(_: int) -> SearchStrategy[str]:
    scheme = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8).map(
        lambda name: f"{name}://example.com/"
    )
    return st.sampled_from(OTHER_SCHEMES) | scheme


def _internal_urls(_: int) -> SearchStrategy[str]:
    return st.sampled_from(internal_hosts()).flatmap(lambda host: st.sampled_from(list(disguised_urls(host))))


def _long_urls(limit: int) -> SearchStrategy[str]:
    return st.integers(limit + 1, 4 * limit).map(long_url)


def _invalid_urls(_: int) -> SearchStrategy[str]:
    return st.sampled_from((*NOT_URIS, *WITH_SPACES)) | st.text(f"{LETTERS} /.?", max_size=30)


INVALID_BODIES: tuple[tuple[str, tuple[str, ...], BodyStrategy], ...] = (
    ("a field is missing", ("create.required",), _without_required),
    ("another type", ("create.types",), _of_other_type),
    (
        "a value that is not listed",
        ("duration.enum", "mode.enum", "quality.enum", "model.enum"),
        _outside_enum,
    ),
    ("several images", ("create.image-urls-max-one",), _several_images),
    ("an image that is not a URI", ("create.image-urls-uri",), _invalid_images),
    ("a callback that is not https", ("callback.https-only",), _with_callback(_other_schemes)),
    ("a callback to an internal host", ("callback.no-internal",), _with_callback(_internal_urls)),
    ("a callback URL that is too long", ("callback.max-length",), _with_callback(_long_urls)),
    ("a callback that is not a URL", ("callback.uri",), _with_callback(_invalid_urls)),
)
