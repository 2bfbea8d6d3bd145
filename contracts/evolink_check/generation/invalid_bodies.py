"""Bodies of creates with a single fault, drawn from the documents. It brings Hypothesis along, as `drawing` does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from evolink_spec import CreateOperation
from hypothesis import strategies as st

from evolink_check.generation.fields import (
    OF_TYPE,
    fields_of,
    kinds_of,
    listed,
    neighbours,
    other_types,
    required_of,
)
from evolink_check.generation.urls import (
    NO_URIS,
    OTHER_SCHEMES,
    PUBLIC,
    SPACED,
    disguises,
    internal_hosts,
    long_url,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypothesis.strategies import SearchStrategy

    Bodies = SearchStrategy[Any]

Faulty = Callable[[CreateOperation, dict[str, Any]], "Bodies"]  # from the operation and a good body of it
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def _with(good: Mapping[str, Any], field: str, value: Any) -> dict[str, Any]:
    return {**good, field: value}


def _one_field(good: Mapping[str, Any], values: Mapping[str, SearchStrategy[Any]]) -> Bodies:
    """The good body with one of these fields changed."""
    return st.one_of([drawn.map(partial(_with, good, name)) for name, drawn in values.items()])


def _dropped(operation: CreateOperation, good: dict[str, Any]) -> Bodies:
    names = (
        st.lists(st.sampled_from(required_of(operation)), min_size=1, unique=True) if good else st.just([])
    )
    optional = st.fixed_dictionaries(
        {}, optional={name: st.sampled_from(values) for name, values in listed(operation).items()}
    )
    return st.builds(
        lambda gone, more: {key: value for key, value in {**good, **more}.items() if key not in gone},
        names,
        optional,
    )


def _retyped(operation: CreateOperation, good: dict[str, Any]) -> Bodies:
    fields = fields_of(operation)
    drawn = {
        name: st.sampled_from([value for value in other_types(node) if value is not None])
        | _json_value().filter(partial(_is_of_none, kinds_of(node)))
        for name, node in fields.items()
        if kinds_of(node)
    }
    return _one_field(good, drawn)


def _is_of_none(kinds: set[Any], value: Any) -> bool:
    kind = next(kind for kind, known in OF_TYPE.items() if type(value) is type(known[0]))
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


def _unlisted(operation: CreateOperation, good: dict[str, Any]) -> Bodies:
    every = {**listed(operation), **({"model": operation.models} if operation.models else {})}
    drawn = {
        name: st.one_of(
            st.sampled_from(neighbours(values)),
            st.integers() if type(values[0]) is int else _odd_words(values),
        )
        for name, values in every.items()
    }
    return _one_field(good, drawn)


def _odd_words(values: tuple[Any, ...]) -> SearchStrategy[str]:
    return st.text(LETTERS, max_size=12) | st.sampled_from(values).flatmap(
        lambda value: st.integers(0, len(value)).map(lambda place: f"{value[:place]}-{value[place:]}")
    )


def _many_images(_: CreateOperation, good: dict[str, Any]) -> Bodies:
    url = st.just(good["image_urls"][0]) if good.get("image_urls") else st.just(PUBLIC)
    other = st.text(LETTERS, max_size=8).map(lambda name: f"https://example.com/{name}.jpg")
    return st.lists(url | other, min_size=2, max_size=6).map(lambda urls: _with(good, "image_urls", urls))


def _no_images(_: CreateOperation, good: dict[str, Any]) -> Bodies:
    text = st.sampled_from(NO_URIS) | st.text(f"{LETTERS} /.", max_size=20)
    return text.map(lambda one: _with(good, "image_urls", [one]))


def _callback(urls: Callable[[int], SearchStrategy[str]]) -> Faulty:
    """The good body with one of these callback URLs, made for the length that is allowed."""

    def bodies(operation: CreateOperation, good: dict[str, Any]) -> Bodies:
        rules = operation.callback
        if rules is None:
            return st.nothing()
        return urls(rules.max_length).map(lambda url: _with(good, rules.field, url))

    return bodies


def _other_scheme(_: int) -> SearchStrategy[str]:
    scheme = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8).map(
        lambda one: f"{one}://example.com/"
    )
    return st.sampled_from(OTHER_SCHEMES) | scheme


def _internal(_: int) -> SearchStrategy[str]:
    return st.sampled_from(internal_hosts()).flatmap(lambda host: st.sampled_from(list(disguises(host))))


def _too_long(limit: int) -> SearchStrategy[str]:
    return st.integers(limit + 1, 4 * limit).map(long_url)


def _no_url(_: int) -> SearchStrategy[str]:
    return st.sampled_from((*NO_URIS, *SPACED)) | st.text(f"{LETTERS} /.?", max_size=30)


FAULTS: tuple[tuple[str, tuple[str, ...], Faulty], ...] = (
    ("a field is missing", ("create.required",), _dropped),
    ("another type", ("create.types",), _retyped),
    ("a value that is not listed", ("duration.enum", "mode.enum", "quality.enum", "model.enum"), _unlisted),
    ("several images", ("create.image-urls-max-one",), _many_images),
    ("an image that is no URI", ("create.image-urls-uri",), _no_images),
    ("a callback that is not https", ("callback.https-only",), _callback(_other_scheme)),
    ("a callback to an internal host", ("callback.no-internal",), _callback(_internal)),
    ("a callback URL that is too long", ("callback.max-length",), _callback(_too_long)),
    ("a callback that is no URL", ("callback.uri",), _callback(_no_url)),
)
