"""Deliveries, and the guard of callback URLs, as tests ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_mock.callbacks.url_guard import parse_callback_url, target_refusal
from evolink_mock.domain.deliveries import Delivery
from evolink_mock.http.urls import parse_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolink_mock.callbacks.url_guard import Allowed
    from evolink_mock.domain.deliveries import Attempt
    from evolink_spec.models import CallbackRules


def url_refusal(url: str, rules: CallbackRules, allowed: Sequence[Allowed]) -> str | None:
    """Why this URL may not be called, its name unresolved; None when it may."""
    try:
        target = parse_callback_url(url, rules)
    except ValueError as error:
        return str(error)
    return target_refusal(target, allowed)


def a_delivery(task_id: str, url: str = "https://hooks.example/", *attempts: Attempt) -> Delivery:
    return Delivery(task_id, parse_url(url), attempts)
