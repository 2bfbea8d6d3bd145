"""Find where recorded responses violate their documented schemas."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evolink_check.analysis.openapi import Conformance
from evolink_check.traffic.formats import is_uri

if TYPE_CHECKING:
    from evolink_spec import Spec

    from evolink_check.analysis.openapi import Problem
    from evolink_check.traffic.trace import Exchange

_ID = re.compile(r"task-unified-[0-9]{10}-[a-z0-9]{8}")
_LATEST = 10**11  # Unix seconds: year 5138


class ResponseSchemas:
    """Finds schema violations in many responses.

    Responses that differ in ids, times and links alone are validated once.
    """

    def __init__(self, spec: Spec) -> None:
        self._conformance = Conformance(spec)
        self._problems: dict[tuple[str, str, int, str], tuple[Problem, ...]] = {}

    def problems(self, exchange: Exchange, path: str, answer: Any) -> tuple[Problem, ...]:
        """Return the schema violations of a response.

        `path` is the path of the request below the base URL. `answer` is the decoded JSON body of the response.
        """
        source = self._conformance.source(exchange.method, path, exchange.request_body)
        resource = path if exchange.method.upper() == "POST" else path.rpartition("/")[0]
        key = (exchange.method, resource, exchange.status, source + _form(answer))
        if key not in self._problems:
            self._problems[key] = self._conformance.schema_problems(replace(exchange, url=path))
        return self._problems[key]


def _form(answer: Any) -> str:
    if not isinstance(answer, dict):
        return repr(answer)
    # Valid ids, times and links become fixed words, so that similar bodies have equal texts.
    form = dict(answer)
    if isinstance(form.get("id"), str) and _ID.fullmatch(form["id"]):
        form["id"] = "an id"
    if type(form.get("created")) is int and 0 < form["created"] < _LATEST:
        form["created"] = "a time"
    links = form.get("results")
    if isinstance(links, list) and all(isinstance(link, str) and is_uri(link) for link in links):
        form["results"] = f"{len(links)} links"
    return repr(form)  # faster than json.dumps, and it distinguishes all JSON values
