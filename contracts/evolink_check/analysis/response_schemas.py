"""Find where the responses of a trace violate their schemas. Each kind of body is validated once."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evolink_check.analysis.openapi import Conformance
from evolink_check.traffic.formats import is_uri

if TYPE_CHECKING:
    from evolink_spec import Spec

    from evolink_check.analysis.openapi import Problem
    from evolink_check.traffic.trace import Exchange

_ID = re.compile(r"task-unified-[0-9]{10}-[a-z0-9]{8}")
_LATEST = 10**11  # Unix seconds: year 5138


class ResponseSchemas:
    """Finds schema problems in many responses. Those that differ only in ids, times and links are validated once."""

    def __init__(self, spec: Spec) -> None:
        self._conformance = Conformance(spec)
        self._problems: dict[tuple[str, str, int, str], tuple[Problem, ...]] = {}

    def problems(self, exchange: Exchange, answer: Any) -> tuple[Problem, ...]:
        """Return the schema problems of a response. `answer` is its decoded JSON body."""
        url = urlsplit(exchange.url)
        path = url.path if exchange.method.upper() == "POST" else url.path.rpartition("/")[0]
        key = (exchange.method, path, exchange.status, self._conformance.source(exchange) + _form(answer))
        if key not in self._problems:
            self._problems[key] = self._conformance.schema_problems(exchange)
        return self._problems[key]


def _form(answer: Any) -> str:
    """Return the JSON text of a body, with valid ids, times and links replaced by fixed texts."""
    if not isinstance(answer, dict):
        return json.dumps(answer)
    form = dict(answer)
    if isinstance(form.get("id"), str) and _ID.fullmatch(form["id"]):
        form["id"] = "an id"
    if type(form.get("created")) is int and 0 < form["created"] < _LATEST:
        form["created"] = "a time"
    links = form.get("results")
    if isinstance(links, list) and all(isinstance(link, str) and is_uri(link) for link in links):
        form["results"] = f"{len(links)} links"
    return json.dumps(form, sort_keys=True)
