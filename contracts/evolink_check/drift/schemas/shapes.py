"""The normal form of a schema (a shape): annotations, and branches for each type."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec.models import Json


@dataclass(frozen=True, slots=True)
class Annotations:
    """The annotations of a schema. `texts` are pairs of a JSON pointer and a description.

    `defaults` has at most one value. `aliases` are pairs of a former and a current model name.
    """

    texts: tuple[tuple[str, str], ...] = ()
    defaults: tuple[Json, ...] = ()
    examples: tuple[Json, ...] = ()
    deprecated: bool = False
    aliases: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Branch:
    """The values of one type that a schema accepts.

    If `values` is None, values of the type `kind` must match all other fields.
    """

    kind: str
    values: tuple[Json, ...] | None = None  # the accepted values; None if they are not listed
    limits: Mapping[str, Json] = field(default_factory=dict)  # keywords, such as `maxLength`
    properties: Mapping[str, Shape] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    additional: Shape | None = None  # the shape of undescribed members; None if any value is allowed
    items: Shape | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """The values that a schema accepts. The schema accepts the values of all branches.

    A shape without branches accepts no value.
    """

    pointer: str
    branches: tuple[Branch, ...]
    notes: Annotations = field(default_factory=Annotations)

    @property
    def kinds(self) -> frozenset[str]:
        """The types of the accepted values."""
        return frozenset(branch.kind for branch in self.branches)

    @property
    def properties(self) -> dict[str, Shape]:
        """The properties of all branches: the shape of each property by its name."""
        return {name: shape for branch in self.branches for name, shape in branch.properties.items()}
