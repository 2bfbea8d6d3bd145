"""A Hypothesis strategy that generates create requests that a server must accept.

Import this module only when it is needed, because it imports Hypothesis.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from evolink_check.generation.case_builders import JSON, compact_json, create_case
from evolink_check.generation.fields import enum_fields, fields_of, minimal_body
from evolink_check.generation.invalid_bodies import LETTERS
from evolink_check.generation.pairwise import unusual_spelling
from evolink_check.generation.urls import PUBLIC, long_url

if TYPE_CHECKING:
    from evolink_spec import CreateOperation, Spec
    from hypothesis.strategies import DrawFn, SearchStrategy

    from evolink_check.generation.case import Case
    from evolink_check.generation.case_builders import Headers
    from evolink_check.settings import Subject

# Characters of one to four bytes, left-to-right and right-to-left, and combining marks.
SCRIPTS = "abc XYZ 019 .,!?'\"\\/\n\té\u0308ß\u0416\u05d0\u0639\u0e01\u732b\uac00\u200d\u200f\ufeff\U0001f408\U0001f3b6"
_WORDS = ("a cat dances", "the sea at night", "leaves in the wind", "a red balloon rises", "slow clouds")
_LONGEST = 10_000  # the maximum length of a prompt in characters


def valid_creates(operation: CreateOperation, spec: Spec, subject: Subject) -> SearchStrategy[Case]:
    """Generate valid create requests with optional and unknown fields.

    The JSON is written in several ways, for example with escapes or white space.
    """
    good = minimal_body(operation, subject)
    fields = {name: st.sampled_from(values) for name, values in enum_fields(operation).items()}
    if operation.callback is not None:
        fields[operation.callback.field] = _callback_urls(operation.callback.max_length)
    always = {name: st.just(value) for name, value in good.items()}
    if "model" in good:
        always["model"] = st.sampled_from((*operation.models, *operation.aliases))
    if "prompt" in good:
        always["prompt"] = prompts()
    documented = st.fixed_dictionaries(always, optional=fields)
    names = frozenset(fields_of(operation))
    unknown = st.dictionaries(
        st.text(LETTERS + "_", max_size=12).filter(lambda name: name not in names), scalars(), max_size=3
    )

    @st.composite
    def valid(draw: DrawFn) -> Case:
        body = {**draw(unknown), **draw(documented)}
        raw = draw(st.sampled_from((compact_json, _escaped, unusual_spelling)))(body)
        headers: Headers = (
            *JSON,
            *draw(st.sampled_from(((), (("Idempotency-Key", "8e1c"),), (("X-Y", "1"),)))),
        )
        return create_case("a valid create", operation, spec, raw, headers=headers)

    return valid()


def prompts() -> SearchStrategy[str]:
    """Generate harmless prompts of at most 10,000 characters. Some prompts mix characters of many writing systems."""
    words = st.lists(st.sampled_from(_WORDS), min_size=1, max_size=5).map(", ".join)
    odd = st.text(SCRIPTS, max_size=40).map(lambda text: f"a cat {text}")
    long = st.integers(1_000, _LONGEST).map(lambda size: ("a cat dances and " * size)[:size])
    return words | odd | long


def _escaped(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


def _callback_urls(limit: int) -> SearchStrategy[str]:
    query = st.text(LETTERS + "-._~!$'()*+,;=:@/?&", max_size=100)
    return query.map(lambda text: f"{PUBLIC}?{text}") | st.integers(len(PUBLIC) + 8, limit).map(long_url)


def scalars() -> SearchStrategy[Any]:
    """Generate JSON values that are neither lists nor objects."""
    numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    return st.none() | st.booleans() | numbers | st.text(LETTERS)
