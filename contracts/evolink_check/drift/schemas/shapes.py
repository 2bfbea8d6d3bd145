"""The normal form of a schema: branches, each with values of one type, and annotations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec.models import Json


@dataclass(frozen=True, slots=True)
class Annotations:
    """The annotations of a schema. `texts` are pairs of a pointer and a description.

    `defaults` holds at most one value.
    """

    texts: tuple[tuple[str, str], ...] = ()
    defaults: tuple[Json, ...] = ()
    examples: tuple[Json, ...] = ()
    deprecated: bool = False
    aliases: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Branch:
    """Values of one type: those in `values` or, if this is None, all values that match `limits` and the other fields.

    `additional` is the shape of undescribed members; None allows any.
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
    """The values that a schema accepts, which are the values of its branches.

    A shape without branches accepts nothing.
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
        """The properties of all branches that are objects."""
        return {name: shape for branch in self.branches for name, shape in branch.properties.items()}
