"""Find the recipe in a `Prefer` header (RFC 7240): `mock=RECIPE`, or `code=STATUS` as in the mock server Prism."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_NAMES = ("mock", "code")
_SEPARATORS = ",;="
_OPERATORS = "=@*+"  # characters that end the name of an effect


class Preference(NamedTuple):
    """A preference (NAME=VALUE) in a `Prefer` header, or one of its parameters."""

    name: str
    value: str | None
    is_quoted: bool
    start: int  # the position of the value in the header


def recipe_text(header: str, effects: Collection[str]) -> str | None:
    """Return the first recipe in a header; None if there is none.

    A sequence of steps contains commas, and should be quoted. A comma continues an unquoted sequence if the name of an
    effect follows.
    """
    for preference in preferences(header):
        if preference.name.lower() in _NAMES:
            if preference.is_quoted or preference.value is None:
                return preference.value or ""
            return _unquoted_sequence(header[preference.start :], effects)
    return None


def preferences(header: str) -> Iterator[Preference]:
    """Yield the preferences in a header, each followed by its parameters.

    The content of a quoted string is a single value.
    """
    position, length = 0, len(header)
    is_closed = True  # False after a quoted string that does not end, because no later string can end
    while position < length:
        character = header[position]
        if character == '"':
            end = _quoted_end(header, position) if is_closed else None
            is_closed = end is not None
            position = position + 1 if end is None else end
        elif character in _SEPARATORS or character.isspace():
            position += 1
        else:
            name_end = _token_end(header, position, '"' + _SEPARATORS)
            name = header[position:name_end]
            equals = _skip_space(header, name_end)
            if equals == length or header[equals] != "=":
                yield Preference(name, None, is_quoted=False, start=name_end)
                position = equals
                continue
            start = _skip_space(header, equals + 1)
            end = _quoted_end(header, start) if is_closed and header[start : start + 1] == '"' else None
            if end is not None:
                yield Preference(name, header[start + 1 : end - 1], is_quoted=True, start=start)
                position = end
            else:
                position = _token_end(header, start, '",;')
                yield Preference(name, header[start:position], is_quoted=False, start=start)


def _quoted_end(header: str, start: int) -> int | None:
    """Return the position after a quoted string; None without a closing quote."""
    position, length = start + 1, len(header)
    while position < length:
        if header[position] == '"':
            return position + 1
        position += 2 if header[position] == "\\" else 1
    return None


def _token_end(header: str, position: int, stops: str) -> int:
    length = len(header)
    while position < length and header[position] not in stops and not header[position].isspace():
        position += 1
    return position


def _skip_space(header: str, position: int) -> int:
    length = len(header)
    while position < length and header[position].isspace():
        position += 1
    return position


def _unquoted_sequence(rest: str, effects: Collection[str]) -> str:
    first, *others = rest.partition(";")[0].split(",")
    kept = [first.split(maxsplit=1)[0] if first.strip() else ""]
    for other in others:
        if _effect_name(other) not in effects:
            break
        kept.append(other)
    return ",".join(kept)


def _effect_name(item: str) -> str:
    ends = [position for position in map(item.find, _OPERATORS) if position >= 0]
    return item[: min(ends, default=len(item))].strip()
