"""Write SARIF 2.1.0, which code hosts show beside the lines of a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Level = Literal["error", "warning", "note", "none"]


@dataclass(frozen=True, slots=True)
class Result:
    """One result of a SARIF file."""

    rule: str
    level: Level
    message: str
    places: Sequence[tuple[str, str]]  # pairs of a file and a JSON pointer
    fingerprint: str = ""  # identifies the result in later runs; empty if the result has none
    suppressed: bool = False
    lines: Sequence[int] = ()  # the line numbers of the places; empty if unknown


def to_sarif(results: Sequence[Result], rules: dict[str, str]) -> str:
    """Return the content of a SARIF file.

    `rules` maps the ids of rules to their descriptions.
    """
    used = sorted({result.rule for result in results})
    driver = {
        "name": "evolink-check",
        "version": version("evolink-mock"),
        "rules": [{"id": rule, "shortDescription": {"text": rules.get(rule, rule)}} for rule in used],
    }
    run = {"tool": {"driver": driver}, "results": [_result(result, used) for result in results]}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


def _result(result: Result, rules: list[str]) -> dict[str, Any]:
    record: dict[str, Any] = {
        "ruleId": result.rule,
        "ruleIndex": rules.index(result.rule),
        "level": result.level,
        "message": {"text": result.message},
        "locations": [_location(*place, *result.lines[:1]) for place in result.places[:1]],
    }
    if len(result.places) > 1:
        record["relatedLocations"] = [
            {"id": number, **_location(*place, *result.lines[number : number + 1])}
            for number, place in enumerate(result.places[1:], 1)
        ]
    if result.fingerprint:
        record["partialFingerprints"] = {"evolinkCheck/v1": result.fingerprint}
    if result.suppressed:
        record["suppressions"] = [{"kind": "external"}]
    return record


def _location(file: str, pointer: str, line: int = 0) -> dict[str, Any]:
    place: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": file}}}
    if line:
        place["physicalLocation"]["region"] = {"startLine": line}
    if pointer:
        place["logicalLocations"] = [{"fullyQualifiedName": pointer, "kind": "member"}]
    return place
