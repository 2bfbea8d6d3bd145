"""Creates that a server must accept, over the whole domain. It brings Hypothesis along, as `drawing` does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from evolink_check.generation.fields import fields_of, listed, usual_body
from evolink_check.generation.invalid_bodies import LETTERS
from evolink_check.generation.labels import JSON, compact, create_case
from evolink_check.generation.pairwise import spelled
from evolink_check.generation.urls import PUBLIC, long_url

if TYPE_CHECKING:
    from evolink_spec import CreateOperation, Spec
    from hypothesis.strategies import DrawFn, SearchStrategy

    from evolink_check.generation.case import Case
    from evolink_check.generation.labels import Headers
    from evolink_check.settings import Subject

# One to four bytes each, written from either side, and marks that join: letters without a word that means harm.
SCRIPTS = "abc XYZ 019 .,!?'\"\\/\n\té\u0308ß\u0416\u05d0\u0639\u0e01\u732b\uac00\u200d\u200f\ufeff\U0001f408\U0001f3b6"
_WORDS = ("a cat dances", "the sea at night", "leaves in the wind", "a red balloon rises", "slow clouds")
_LONGEST = 10_000  # characters of a prompt


def valid_creates(operation: CreateOperation, spec: Spec, subject: Subject) -> SearchStrategy[Case]:
    """Bodies of every documented form, with and without what is optional and what is unknown, spelled variously."""
    good = usual_body(operation, subject)
    fields = {name: st.sampled_from(values) for name, values in listed(operation).items()}
    if operation.callback is not None:
        fields[operation.callback.field] = _callback_urls(operation.callback.max_length)
    always = {name: st.just(value) for name, value in good.items()}
    if "model" in good:
        always["model"] = st.sampled_from((*operation.models, *operation.aliases))
    if "prompt" in good:
        always["prompt"] = prompts()
    documented = st.fixed_dictionaries(always, optional=fields)
    known = frozenset(fields_of(operation))
    unknown = st.dictionaries(
        st.text(LETTERS + "_", max_size=12).filter(lambda one: one not in known), scalars(), max_size=3
    )

    @st.composite
    def valid(draw: DrawFn) -> Case:
        body = {**draw(unknown), **draw(documented)}
        raw = draw(st.sampled_from((compact, _escaped, spelled)))(body)
        headers: Headers = (
            *JSON,
            *draw(st.sampled_from(((), (("Idempotency-Key", "8e1c"),), (("X-Y", "1"),)))),
        )
        return create_case("a valid create", operation, spec, raw, headers=headers)

    return valid()


def prompts() -> SearchStrategy[str]:
    """Benign prompts: words, any script and direction, marks that join, up to 10,000 characters."""
    words = st.lists(st.sampled_from(_WORDS), min_size=1, max_size=5).map(", ".join)
    odd = st.text(SCRIPTS, max_size=40).map(lambda one: f"a cat {one}")
    long = st.integers(1_000, _LONGEST).map(lambda size: ("a cat dances and " * size)[:size])
    return words | odd | long


def _escaped(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


def _callback_urls(limit: int) -> SearchStrategy[str]:
    """URLs of a host that is surely public, with anything behind it, up to the length that is allowed."""
    query = st.text(LETTERS + "-._~!$'()*+,;=:@/?&", max_size=100)
    return query.map(lambda one: f"{PUBLIC}?{one}") | st.integers(len(PUBLIC) + 8, limit).map(long_url)


def scalars() -> SearchStrategy[Any]:
    """A JSON value that is neither a list nor an object."""
    numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    return st.none() | st.booleans() | numbers | st.text(LETTERS)
