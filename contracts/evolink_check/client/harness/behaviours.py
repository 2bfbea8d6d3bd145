"""Server behaviours with which a client must cope.

The OpenAPI documents allow these behaviours, or a network causes them. A behaviour consists of recipes. A recipe is a
short instruction to the mock, such as `latency=50ms` or `429`. Hypothesis generates behaviours, the simplest first.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evolink_spec.pointers import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_spec import Spec
    from hypothesis.strategies import SearchStrategy

USUAL = "ok"
# Recipes for the responses before the usual response, from the most harmless to the worst.
_CREATE_STEPS = ("latency=50ms", "shape=extra", "shape=full", "429", "500")
_LAST_OF_CREATE = (
    "400",
    "401",
    "402",
    "403",
    "drop",
    "cut",
    "502",
    "503",
    "504",
    "shape=minimal",
    "type=text/html",
)
_QUERY_STEPS = (
    *("latency=50ms", "shape=extra", "shape=full", "shape=minimal", "429", "500", "502", "503", "504"),
    *("status=queued", "type=text/html", "cut", "drop"),
)
_LAST_OF_QUERY = ("401", "403", "404")
_MEDIA = ("link=expired", "link=404", "link=truncated")
_MOST = 3  # maximum number of unusual responses in a row; after more, a client may give up


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A behaviour of the server. If a field is empty, the mock behaves as usual."""

    create: tuple[str, ...] = ()  # one recipe for each create request; later requests get usual responses
    task: str = ""  # a recipe for the course of the task, such as `slow=30s`
    query: tuple[str, ...] = ()  # one recipe for each query; later queries get usual responses
    link: str = ""  # a recipe for downloads of the result

    @property
    def makes_no_task(self) -> bool:
        """Whether the client gets no task.

        The mock then rejects the create request or sends an unusable response.
        """
        return bool(self.create) and self.create[-1] in _LAST_OF_CREATE

    @property
    def orders(self) -> tuple[tuple[str, str], ...]:
        """Pairs of an operation and its recipes, such as `("query", "429, 500")`.

        The recipes are joined in one text.
        """
        task = "+".join(filter(None, (self.task, self.link)))
        creates = [*self.create, *([task] if task and not self.makes_no_task else [])]
        by_operation = (("create", creates), ("query", list(self.query)))
        return tuple((operation, ", ".join(steps)) for operation, steps in by_operation if steps)

    def __str__(self) -> str:
        return "; ".join(f"{operation}: {recipe}" for operation, recipe in self.orders) or USUAL


def behaviours(spec: Spec) -> SearchStrategy[Behaviour]:
    """Return a strategy that generates server behaviours. Hypothesis shrinks towards the behaviour without recipes."""
    from hypothesis import strategies as st

    failures = [f"fail={failure.code}@{at}" for failure in spec.failures for at in (99, 40)]
    tasks = ["", "slow=30s", "slow=4m", *failures, "stuck=processing", "stuck=pending"]
    return st.builds(
        Behaviour,
        create=_steps(_CREATE_STEPS, _LAST_OF_CREATE),
        task=st.sampled_from(tasks),
        query=_steps(_QUERY_STEPS, _LAST_OF_QUERY),
        link=st.sampled_from(("", *_MEDIA)),
    )


def _steps(passing: tuple[str, ...], last: tuple[str, ...]) -> SearchStrategy[tuple[str, ...]]:
    from hypothesis import strategies as st

    ends = st.just(()) | st.sampled_from(last).map(lambda step: (step,))
    return st.builds(
        lambda steps, end: (*steps, *end), st.lists(st.sampled_from(passing), max_size=_MOST), ends
    )


def requests(spec: Spec) -> SearchStrategy[dict[str, Any]]:
    """Return a strategy that generates bodies of create requests. Hypothesis shrinks towards the documented example."""
    from hypothesis import strategies as st

    operation = next(iter(next(iter(spec.creates.values())).values()))
    properties = Node(dict(operation.body_schema), operation.source).resolved().value["properties"]
    optional = {
        name: st.sampled_from(schema["enum"]) for name, schema in properties.items() if "enum" in schema
    }
    required = {
        "model": st.just(operation.models[0]),
        "prompt": st.just("A dance")
        | st.text("abc äé漢🎬 \n\"\\/'", min_size=1, max_size=40).filter(str.strip),
        "image_urls": st.just(["https://example.com/image.jpg"]),
    }
    return st.fixed_dictionaries(required, optional={k: v for k, v in optional.items() if k not in required})


def reproduction(
    behaviour: Behaviour,
    serve: str = "evolink-mock serve",
    url: str = "http://127.0.0.1:8080",
    key: str = "any-token",
) -> str:
    """Return shell commands with which a user can try the behaviour.

    The commands start a mock with `serve`, and assign the recipes to an account. `url` is the URL of the mock. `key` is
    the API key of the account.
    """
    return "\n".join([f"{serve} &", *_assignments(behaviour, url, key)])


def _assignments(behaviour: Behaviour, url: str, key: str) -> Iterator[str]:
    for operation, recipe in behaviour.orders:
        body = f'{{"recipe": "{recipe}", "operation": "{operation}"}}'
        yield (  # with retries, because the mock may still be starting
            f"curl -sS --retry 9 --retry-delay 1 --retry-connrefused {url}/__mock__/recipes "
            f"-H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d {shlex.quote(body)}"
        )
