"""Schemathesis against the app in process: a stranger's idea of what a document promises."""

from __future__ import annotations

from typing import Any

import schemathesis
from evolink_mock.domain.clock import VirtualClock
from evolink_mock.domain.units import Rate
from evolink_mock.server.app import create_app
from evolink_mock.service.service import Service
from evolink_mock.settings import Settings
from hypothesis import settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance
from support.mocks.in_process import SPEC, START


def together() -> dict[str, Any]:
    """All documents as one: their links and callbacks speak of each other."""
    whole: dict[str, Any] = {}
    for document in SPEC.documents.values():
        paths = whole.get("paths", {}) | document["paths"]
        parts = whole.get("components", {})
        components = {name: parts.get(name, {}) | part for name, part in document["components"].items()}
        whole = {**whole, **document, "paths": paths, "components": parts | components}
    return whole


def served(**choices: Any) -> Any:
    """The documents, and an app that is said to keep them. What may be answered is what they list."""
    whole = together()
    listed = {
        status for item in whole["paths"].values() for one in item.values() for status in one["responses"]
    }
    refusals = sorted(listed - {"200", "400", "500"})
    config = SchemathesisConfig.from_dict(
        {
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["200", *refusals]},
                "negative_data_rejection": {"expected-statuses": ["400", "405", *refusals]},
            }
        }
    )
    schema = schemathesis.openapi.from_dict(whole, config=config)
    schema.app = create_app(
        Service(SPEC, Settings(tokens=frozenset({"key"}), **choices), VirtualClock(START))
    )
    return schema


def judge(case: schemathesis.Case[Any]) -> None:
    # A URL that its schema allows may still be an internal one, which only the prose forbids.
    asks_for_callback = isinstance(case.body, dict) and "callback_url" in case.body
    excluded: list[Any] = [positive_data_acceptance] if asks_for_callback else []
    case.call_and_validate(headers={"Authorization": "Bearer key"}, excluded_checks=excluded)


@served().parametrize()  # type: ignore[untyped-decorator]
@settings(max_examples=40, deadline=None)
def test_schemathesis_finds_nothing(case: schemathesis.Case[Any]) -> None:
    judge(case)


@served(credits=20, rate=Rate(100, 60.0)).parametrize()  # type: ignore[untyped-decorator]
@settings(max_examples=30, deadline=None)
def test_schemathesis_finds_nothing_where_credits_and_patience_are_short(
    case: schemathesis.Case[Any],
) -> None:
    judge(case)
