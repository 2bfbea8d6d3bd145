"""The normal form of a schema (a shape), which has annotations and branches. Each branch is for values of one type."""

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

    If `values` is not None, only these values are accepted. Otherwise, the accepted values are all values of the type
    `kind` that match `limits`, `properties`, `required`, `additional` and `items`.

    `limits` are keywords, such as `maxLength`, with their values. `additional` is the shape of undescribed members;
    None if undescribed members can have any value.
    """

    kind: str
    values: tuple[Json, ...] | None = None
    limits: Mapping[str, Json] = field(default_factory=dict)
    properties: Mapping[str, Shape] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    additional: Shape | None = None
    items: Shape | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """The values that a schema accepts, which are the values of all its branches.

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
        """The schemas of the properties of objects, from all branches, by the name of the property."""
        return {name: shape for branch in self.branches for name, shape in branch.properties.items()}
