"""The shared objects of all endpoints, such as the store and the clocks."""

from __future__ import annotations

import secrets
from functools import cached_property
from typing import TYPE_CHECKING

from evolink_mock.callbacks.service import CallbackService
from evolink_mock.domain.accounts import open_account
from evolink_mock.http.requests import Origins
from evolink_mock.media.cache import MediaCache
from evolink_mock.recipes.registry import RecipeRegistry, statuses_of
from evolink_mock.service.account_clock import AccountClocks
from evolink_mock.service.exchange_feed import ExchangeFeed
from evolink_mock.service.notifier import Notifier
from evolink_mock.service.store_opening import open_state
from evolink_mock.service.uploads import Uploads

if TYPE_CHECKING:
    from evolink_spec import CallbackRules, Spec

    from evolink_mock.domain.clock import Clock
    from evolink_mock.service.metrics import Metrics
    from evolink_mock.settings import Settings
    from evolink_mock.stores.records import OperationIndex


class Service:
    """The objects that all endpoints of a server share."""

    def __init__(
        self, spec: Spec, settings: Settings, clock: Clock | None = None, operator_key: str = ""
    ) -> None:
        self.spec = spec
        self.notifier = Notifier()
        self.store, self.clock, terms = open_state(spec, settings, clock, self.notifier.notify)
        self.speed = settings.speed
        self.tokens = settings.tokens
        self.max_body = settings.max_body
        self.recipe_sources = frozenset(settings.recipes.split(","))
        self.default_recipe = f"~{settings.recipe}" if settings.recipe else ""  # with the `~` of a token
        self.operator_key = settings.ui_key or operator_key or secrets.token_urlsafe(16)
        self.exchange_feed = ExchangeFeed()
        self.settings = settings
        self.ca_pem: bytes | None = None  # the certificate to trust; None if there is no https listener
        self.ready = False  # whether the delivery of callbacks is running
        self.anonymous = open_account("", terms)  # the account of requests without an accepted token
        self.registry = RecipeRegistry(statuses_of(spec), spec.failures)
        self.media_cache = MediaCache(settings.media_dir)
        self.uploads = Uploads()
        self.origins = Origins(settings.public_url, trust_proxy=settings.trust_proxy)
        self.callback_service = CallbackService(
            self.clock,
            self.store,
            _callback_rules(spec),
            settings.allow_callbacks_to,
            self.notifier.notify_all,
        )
        self.clocks = AccountClocks(self.clock, self.store, self.callback_service.scheduler, self.notifier)

    @cached_property
    def metrics(self) -> Metrics:
        """The Prometheus metrics, for servers with the setting `metrics`.

        The metrics need an optional package.
        """
        from evolink_mock.service.metrics import Metrics

        return Metrics()

    @cached_property
    def operations(self) -> OperationIndex:
        """The create operations by key. A task in a store or a snapshot contains the key of its operation."""
        from evolink_mock.stores.records import OperationIndex

        return OperationIndex(self.spec)


def _callback_rules(spec: Spec) -> CallbackRules | None:
    creates = (op for by_model in spec.creates.values() for op in by_model.values())
    return next((op.callback for op in creates if op.callback is not None), None)
