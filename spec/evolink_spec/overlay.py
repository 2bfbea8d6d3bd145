"""Apply overlays (OpenAPI Overlay 1.0) to OpenAPI documents.

An overlay is a file that changes a document. EvoLink's documents state some rules in prose. The built-in overlay adds
these rules as data that programs can read.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from evolink_spec.errors import SpecError
from evolink_spec.pointers import join

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jsonpath_rfc9535 import JSONPathNode, JSONPathQuery

    from evolink_spec.models import Json

_ROOT_KEYS = {"overlay", "info", "extends", "actions"}
_ACTION_KEYS = {"target", "description", "update", "remove"}


def is_overlay(document: Mapping[str, Json]) -> bool:
    """Return whether a decoded file is an overlay, not an OpenAPI document."""
    return "overlay" in document


def apply(document: Mapping[str, Json], overlay: Mapping[str, Json], source: str) -> dict[str, Json]:
    """Return a copy of `document` with all actions of `overlay`, in order.

    An action without effect is allowed. One overlay can therefore serve several documents. `source` is the file of the
    overlay, for errors.
    """
    result: dict[str, Json] = _copy(document)
    for index, action in enumerate(_actions(overlay, source)):
        _apply_action(result, action, source, join("/actions", index))
    return result


def _actions(overlay: Mapping[str, Json], source: str) -> Sequence[Mapping[str, Json]]:
    if not str(overlay.get("overlay")).startswith("1.0."):
        raise SpecError(
            source, "/overlay", f"is version {overlay.get('overlay')!r}: only Overlay 1.0 is supported"
        )
    if "info" not in overlay:
        raise SpecError(source, "", "has no 'info'")
    for key in overlay:
        if key not in _ROOT_KEYS and not key.startswith("x-"):
            raise SpecError(source, join("", key), "is not a field of an overlay")
    actions = overlay.get("actions")
    if not isinstance(actions, list) or not actions:
        raise SpecError(source, "/actions", "must be a list with at least one action")
    return actions


def _apply_action(document: Json, action: Mapping[str, Json], source: str, pointer: str) -> None:
    if not isinstance(action, dict) or "target" not in action:
        raise SpecError(source, pointer, "must be a mapping with a target")
    for key in action:
        if key not in _ACTION_KEYS and not key.startswith("x-"):
            raise SpecError(source, join(pointer, key), "is not a field of an action")
    remove = action.get("remove", False)
    if not isinstance(remove, bool):
        raise SpecError(source, join(pointer, "remove"), f"must be true or false, not {remove!r}")
    if not remove and "update" not in action:
        raise SpecError(source, pointer, "has neither `update` nor `remove`")
    # The Overlay specification allows a target that selects nothing.
    nodes = _select(document, str(action["target"]), source, join(pointer, "target"))
    if remove:
        whole = SpecError(
            source, join(pointer, "target"), "selects the whole document, which cannot be removed"
        )
        _remove(document, nodes, whole)
        return
    for node in nodes:
        misfit = SpecError(source, join(pointer, "update"), "does not fit its target")
        _update(node.value, action["update"], misfit)


def _select(document: Json, target: str, source: str, pointer: str) -> list[JSONPathNode]:
    import jsonpath_rfc9535

    try:
        return list(_query(target).find(document))
    except jsonpath_rfc9535.JSONPathError as error:
        raise SpecError(source, pointer, f"is not a JSONPath: {error}") from error


@cache  # because the built-in overlay is applied to every document
def _query(target: str) -> JSONPathQuery:
    import jsonpath_rfc9535

    return jsonpath_rfc9535.compile(target)


def _remove(document: Json, nodes: list[JSONPathNode], whole: SpecError) -> None:
    places = {node.location for node in nodes}
    if () in places:
        raise whole
    # Children before parents, and list items from the end, so that the remaining locations stay valid.
    for place in sorted(places, key=lambda place: [(str(type(step)), step) for step in place], reverse=True):
        parent = document
        for step in place[:-1]:
            parent = parent[step]
        parent.pop(place[-1])


# Not `copy.deepcopy`, because two places of the original may share one object (a YAML alias).
def _copy(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _copy(member) for key, member in value.items()}
    return [_copy(member) for member in value] if isinstance(value, list) else value


def _update(value: Json, update: Json, misfit: SpecError) -> None:
    if isinstance(value, dict) and isinstance(update, dict):
        _merge(value, update)
    elif isinstance(value, list):
        value.append(_copy(update))
    else:
        raise misfit


def _merge(value: dict[str, Json], update: Mapping[str, Json]) -> None:
    for key, new in update.items():
        old = value.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            _merge(old, new)
        elif isinstance(old, list) and isinstance(new, list):
            old.extend(_copy(new))
        else:
            value[key] = _copy(new)
