"""Extract facts about models and results from descriptions.

The patterns fit the wording of EvoLink's documents.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from evolink_spec.models import Prose
from evolink_spec.schemas import keywords, sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evolink_spec.models import Json
    from evolink_spec.pointers import Node

_UNITS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0, "小时": 3600.0, "天": 86400.0}
# The patterns are for text in lower case, because `re` searches more slowly if it ignores case.
_LINK_LIFE = re.compile(
    r"\b(?:links?|urls?)\b[^.\n]{0,80}?\bvalid for (?P<number>[0-9]+)[ -]?(?P<unit>minute|hour|day)"
    r"|有效期为? ?(?P<zh_number>[0-9]+) ?(?P<zh_unit>小时|天)"
)
_COUNTS = {"two": 2, "three": 3, "four": 4, "multiple": 2, "several": 2}
_RESULTS = re.compile(
    r"\b(?:returns?|generates?|produces?|creates?|outputs?) (?P<number>[0-9]{1,2}|two|three|four|multiple|several) "
    r"(?:[a-z]+ ){0,2}(?:images|videos|variations|results|songs|tracks|pictures|clips)\b"
)
_MOST_RESULTS = 24
_HOLD = re.compile(
    r"\b(?:hold|held|reserv|pre-?charg|pre-?deduct|freez|frozen|lock)\w*[^.\n]{0,80}?"
    r"\b(?P<number>[0-9]{1,4}) ?s(?:ec|\b)"
)
_OLD_NAME = re.compile(
    r"\b(?:still|previous|previously|backward|backwards|legacy|older?|former|formerly|deprecated|alias(?:es)?|"
    r"compatib\w*)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"`([A-Za-z0-9][A-Za-z0-9._+-]*)`")
_PART = re.compile(r"\n\s*\n|\n(?=\s*[-*] )")
_SUFFIX = re.compile(r"`(-[a-z0-9.-]+)`")


def prose_of(operation: Node, request: Mapping[str, Node], response: Mapping[str, Node]) -> Prose:
    """Return what the descriptions of a create operation say about its results.

    `request` and `response` are the properties of the two bodies.
    """
    text = _plain("\n".join(_descriptions(operation.value)))
    schema = _plain("\n".join(text for node in request.values() for text in _descriptions(node.value)))
    life = _LINK_LIFE.search(text)
    count = _RESULTS.search(text)
    hold = _HOLD.search(schema) or _HOLD.search(text)
    has_data = "result_data" in response or "result_data" in text + schema
    plain = Prose()
    return Prose(
        link_seconds=_seconds(life) if life else plain.link_seconds,
        results=_count(count["number"]) if count else plain.results,
        hold_seconds=float(hold["number"]) if hold else plain.hold_seconds,
        has_files=life is not None or not has_data,
        has_result_data=has_data,
        result_data=sample(response["result_data"]) if "result_data" in response else None,
        has_layers="z_index" in text + schema,
    )


def aliases_in(model: Node | None, models: Sequence[str]) -> dict[str, str]:
    """Return the old model names in the description of `model`.

    Each old name is mapped to its current name.
    """
    present = keywords(model) if model else {}
    text = present.get("description")
    aliases: dict[str, str] = {}
    if not isinstance(text, str) or not models:
        return aliases
    is_about_names = False
    for part in _PART.split(text):
        is_item = part.lstrip().startswith(("- ", "* "))
        is_about_names = bool(_OLD_NAME.search(part)) or (is_item and is_about_names)
        if is_about_names:
            names = _QUOTED.findall(part)
            current = [name for name in names if name in models]
            suffixes = _SUFFIX.findall(part)
            for name in names:
                if name not in models and _is_model_name(name, models):
                    aliases[name] = _current_name(name, models, current, suffixes)
    return aliases


def _is_model_name(name: str, models: Sequence[str]) -> bool:
    # A field or a value may be in backquotes, too.
    return "-" in name or any(model.startswith(name) for model in models)


def _current_name(name: str, models: Sequence[str], current: Sequence[str], suffixes: Sequence[str]) -> str:
    extended = [model for model in models if any(model == name + suffix for suffix in (*suffixes, "-beta"))]
    if extended:
        return extended[0]
    return max(current or models, key=lambda model: SequenceMatcher(None, name, model).ratio())


def _descriptions(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("description"), str):
            yield value["description"]
        for key, member in value.items():
            if key not in {"example", "examples", "default"}:
                yield from _descriptions(member)
    elif isinstance(value, list):
        for member in value:
            yield from _descriptions(member)


def _plain(text: str) -> str:
    text = text.lower().replace("`", "").replace("**", "")
    return "\n".join(" ".join(part.split()) for part in _PART.split(text))


def _seconds(match: re.Match[str]) -> float:
    number, unit = match["number"] or match["zh_number"], match["unit"] or match["zh_unit"]
    return float(number) * _UNITS[unit]


def _count(word: str) -> int:
    return max(1, min(_COUNTS.get(word) or int(word), _MOST_RESULTS))
