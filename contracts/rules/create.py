"""Rules of this kind follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contracts.judging import Rule

RULES: Mapping[str, Rule] = {}
