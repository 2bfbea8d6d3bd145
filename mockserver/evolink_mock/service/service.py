"""Everything an endpoint needs, built once: the one place where settings become objects."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from evolink_mock.callbacks.service import CallbackService
from evolink_mock.domain.accounts import AccountTerms, open_account
from evolink_mock.domain.clock import SystemClock
from evolink_mock.http.requests import Origins
from evolink_mock.media.cache import MediaCache
from evolink_mock.recipes.registry import RecipeRegistry, statuses_of
from evolink_mock.service.account_clock import AccountClocks
from evolink_mock.service.exchange_feed import ExchangeFeed
from evolink_mock.service.notifier import Notifier
from evolink_mock.service.uploads import Uploads
from evolink_mock.stores.memory import MemoryStore

if TYPE_CHECKING:
    from evolink_spec import CallbackRules, Spec

    from evolink_mock.domain.clock import Clock
    from evolink_mock.settings import Settings

# The start of a seeded clock, so that the same script sees the same times: the creation time in the
# document's own example.
SEEDED_START = 1757169743.0


class Service:
    """The parts of one server. They are shared by all endpoints and never replaced."""

    def __init__(
        self, spec: Spec, settings: Settings, clock: Clock | None = None, operator_key: str = ""
    ) -> None:
        seed = settings.seed
        terms = AccountTerms(
            seed=secrets.randbits(64) if seed is None else seed,
            credits=settings.credits,
            rate=settings.rate,
            denied_models=settings.denied_models,
        )
        self.spec = spec
        self.speed = settings.speed
        self.tokens = settings.tokens
        self.max_body = settings.max_body
        self.recipe_sources = frozenset(settings.recipes.split(","))
        self.default_recipe = f"~{settings.recipe}" if settings.recipe else ""  # as it follows a token
        self.clock = clock or SystemClock(None if seed is None else SEEDED_START, settings.clock_scale)
        self.notifier = Notifier()
        self.operator_key = settings.ui_key or operator_key or secrets.token_urlsafe(16)
        self.exchange_feed = ExchangeFeed()
        self.store = MemoryStore(terms, self.notifier.notify)
        self.settings = settings
        self.ca_pem: bytes | None = None  # the certificate to trust, if there is an https listener
        self.ready = False  # whether callbacks are being delivered
        self.anonymous = open_account("", terms)  # requests without a token
        self.registry = RecipeRegistry(statuses_of(spec), spec.failures)
        self.media_cache = MediaCache(settings.media_dir)
        self.uploads = Uploads()
        self.origins = Origins(settings.public_url, trust_proxy=settings.trust_proxy)
        self.callback_service = CallbackService(
            self.clock, self.store, _callback_rules(spec), settings.allow_callbacks_to
        )
        self.clocks = AccountClocks(self.clock, self.store, self.callback_service.scheduler, self.notifier)


def _callback_rules(spec: Spec) -> CallbackRules | None:
    creates = (op for by_model in spec.creates.values() for op in by_model.values())
    return next((op.callback for op in creates if op.callback is not None), None)
