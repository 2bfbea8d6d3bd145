"""Find the credentials in JSON data.

The name of a member may announce a credential, as in `{"api_key": …}`. Another member may contain the name, as in
`{"name": "X-Api-Key", "value": …}`. In a list, the item before the credential may be its name, as in `["--token", …]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolink_spec.credentials.names import names_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

# Members that contain the name of what another member contains, as in {"name": "X-Api-Key", "value": …}.
_NAMING = frozenset(
    {"field", "header", "k", "key", "name", "param", "parameter", "property", "var", "variable"}
)
_NAMED = frozenset({"content", "data", "text", "v", "val", "value", "values"})
_PAIR = 2
_SHORTEST = 3  # minimum number of characters of a credential
_COMMON = frozenset({"auth", "key", "pass", "pin", "session", "ticket", "access"})


def secret_strings(data: Any) -> set[str]:
    """Return all strings in JSON data, at any depth, that are credentials."""
    return {text for text in _strings(data, secret=False) if len(text) >= _SHORTEST}


def _strings(data: Any, *, secret: bool) -> Iterator[str]:
    pending = [(data, secret)]  # without recursion, because the data may be deep
    while pending:
        value, is_secret = pending.pop()
        if isinstance(value, str):
            if is_secret:
                yield value
        elif isinstance(value, list):
            pending += [(item, is_secret or below) for item, below in _items(value)]
        elif isinstance(value, dict):
            pending += [(item, is_secret or below) for item, below in _members(value)]


def _members(value: dict[str, Any]) -> Iterator[tuple[Any, bool]]:
    named = {key for key in value if key.lower() in _NAMED}
    naming = {key for key in value if named and key.lower() in _NAMING and isinstance(value[key], str)}
    announced = any(names_secret(value[key]) for key in naming)
    for key, item in value.items():
        yield item, key not in naming and (names_secret(key) or (announced and key in named))


def _items(value: list[Any]) -> Iterator[tuple[Any, bool]]:
    before = ""
    for item in value:
        is_option = before.startswith("-")  # as in ["--token", item]
        # As in ["api_key", item].
        is_pair = len(value) == _PAIR and before.lower() not in _COMMON
        yield item, bool(before) and (is_option or is_pair) and names_secret(before.lstrip("-"))
        before = item if isinstance(item, str) and len(item) <= 64 else ""  # noqa: PLR2004  (characters of a name)
