"""Everything an endpoint needs, put together once: the one place where settings become working parts."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from mockserver.accounts import Terms, open_account
from mockserver.clock import SystemClock
from mockserver.gallery import Gallery
from mockserver.recipes import Cookbook
from mockserver.requests import Origins
from mockserver.store import MemoryStore
from mockserver.timeline import Times
from mockserver.waits import Bells
from mockserver.webhooks import Webhooks

if TYPE_CHECKING:
    from mockserver.clock import Clock
    from mockserver.settings import Settings
    from mockserver.store import Store
    from spec import CallbackRules, Spec

# Where a seeded clock begins, so that the same script sees the same times: the creation time of the
# document's own example.
SEEDED_START = 1757169743.0


class Service:
    """The parts of one server. They are shared by all endpoints and never replaced."""

    def __init__(
        self, spec: Spec, settings: Settings, clock: Clock | None = None, store: Store | None = None
    ) -> None:
        seed = settings.seed
        terms = Terms(
            seed=secrets.randbits(64) if seed is None else seed,
            credits=settings.credits,
            rate=settings.rate,
            denied=settings.denied_models,
        )
        self.spec = spec
        self.speed = settings.speed
        self.tokens = settings.tokens
        self.max_body = settings.max_body
        self.clock = clock or SystemClock(None if seed is None else SEEDED_START, settings.clock_scale)
        self.bells = Bells()
        self.times = Times()
        self.store = store or MemoryStore(terms, self.bells.ring)
        self.settings = settings
        self.ca_pem: bytes | None = None  # the certificate to trust, where there is https
        self.ready = False  # whether callbacks are being delivered
        self.nobody = open_account("", terms)  # who asks without a token
        self.cookbook = Cookbook(_statuses(spec), spec.failures)
        self.gallery = Gallery()
        self.origins = Origins(settings.public_url)
        self.webhooks = Webhooks(self.clock, self.store, _callback_rules(spec), settings.allow_callbacks_to)


def _statuses(spec: Spec) -> set[int]:
    creates = (op for by_model in spec.creates.values() for op in by_model.values())
    return set(spec.query.errors).union(*(op.errors for op in creates))


def _callback_rules(spec: Spec) -> CallbackRules | None:
    creates = (op for by_model in spec.creates.values() for op in by_model.values())
    return next((op.callback for op in creates if op.callback is not None), None)
