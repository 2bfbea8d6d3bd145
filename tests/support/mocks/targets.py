"""Mocks as servers to check: their keys, and targets that lead to them."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from evolink_check.generation.case import Case
from evolink_check.settings import Effort, Key, Subject
from evolink_check.traffic.trace import Account
from evolink_check.transport.recorder import RunRecorder
from evolink_check.transport.target import Target
from evolink_mock.domain.units import Speed
from evolink_mock.settings import Settings
from evolink_mock.testing.mock_server import _hosting

from support.records.trace_builders import SPEC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_mock import MockServer
    from evolink_mock.testing.account import MockAccount

SCALE = 20.0  # of a quick mock
MODEL = "grok-imagine-image-to-video-beta"
GOOD = b'{"model":"%s","prompt":"A dance","image_urls":["https://example.com/a.jpg"]}' % MODEL.encode()
JSON = (("Content-Type", "application/json"),)
CREDITS = Case("credits", (), "GET", "/v1/credits")
CREATE = Case("a create", ("create.accepts",), "POST", "/v1/videos/generations", JSON, GOOD, creates=True)
REFUSED = Case("a refusal", ("create.required",), "POST", "/v1/videos/generations", JSON, b"{}")


def subject_at(url: str, main: str = "", **more: Any) -> Subject:
    """A server with two accounts, whose keys nobody else has."""
    tokens = {"main": main or secrets.token_hex(12), "other": secrets.token_hex(12)}
    keys = {label: Key(Account(label, valid=True), token) for label, token in tokens.items()}
    return Subject(url, keys | more.pop("keys", {}), **{"any_key": True} | more)


def account_of(mock: MockServer, subject: Subject, label: str = "main", **terms: Any) -> MockAccount:
    """The account behind a key, in the hands of the test."""
    return mock.account(subject.keys[label].token, **terms)


def target_of(subject: Subject, effort: Effort | None = None, **more: Any) -> Target:
    return Target(subject, effort or Effort(), RunRecorder(subject.keys), SPEC, **more)


@contextmanager
def quick_mock(scale: float = SCALE, seconds: float = 6.0, **more: Any) -> Iterator[str]:
    """The URL of a mock whose clock runs so many times as fast: callbacks and their retries are over soon."""
    settings = Settings(port=0, clock_scale=scale, duration=Speed(seconds, seconds), **more)
    with _hosting(settings) as hosted:
        yield hosted.base_url
