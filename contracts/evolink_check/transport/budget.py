"""The arithmetic of credits: what was granted, what is spent, what is on its way. Pure.

A create is counted before it is sent, at the highest price known, so that no number of them under way at a time can
take more than was granted. Only a price higher than any seen before could; it is known from then on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from evolink_spec import Spec

Decision = Literal["granted", "wait", "refused"]
DEFAULT_PRICE = 5.0  # credits that a create is taken to cost where the documents name no number


@dataclass(frozen=True, slots=True)
class Budget:
    """Credits of one run. `granted` None: nothing may be spent; what is sent then must be refused by the server.

    `tasks` are made at most. `price` is the highest one known; `in_flight` are the prices of the creates under way,
    `spent` what those that were accepted, `created` in number, have cost.
    """

    granted: float | None
    tasks: int
    price: float = DEFAULT_PRICE
    spent: float = 0.0
    created: int = 0
    in_flight: tuple[float, ...] = ()

    def decide(self) -> Decision:
        """Whether one more create may be sent now, later when one under way has turned out free, or never."""
        if self.granted is None:
            return "granted"
        if self.spent + self.price > self.granted or self.created >= self.tasks:
            return "refused"
        fits = self.spent + sum(self.in_flight) + self.price <= self.granted
        return "granted" if fits and self.created + len(self.in_flight) < self.tasks else "wait"

    def with_request(self) -> Budget:
        """One create is under way, at the highest price known."""
        return replace(self, in_flight=(*self.in_flight, self.price))

    def with_result(self, price: float, cost: float | None) -> Budget:
        """One that left at `price` came back: it made a task at this cost, or none (None)."""
        place = self.in_flight.index(price)
        settled = replace(self, in_flight=self.in_flight[:place] + self.in_flight[place + 1 :])
        if cost is None:
            return settled
        price = max(self.price, cost)
        return replace(settled, price=price, spent=self.spent + cost, created=self.created + 1)

    @property
    def affords(self) -> int:
        """How many more creates the rest covers; 0 when nothing was granted."""
        rest = (self.granted or 0.0) - self.spent
        number = int(rest // self.price) if self.price else self.tasks
        return max(0, min(number, self.tasks - self.created)) if self.granted is not None else 0


def documented_price(spec: Spec) -> float:
    """The highest price among the documents' own examples of a create's answer."""
    shown = [
        operation.answer.get("usage") for creates in spec.creates.values() for operation in creates.values()
    ]
    prices = [price for usage in shown if (price := price_in({"usage": usage})) is not None]
    return max(prices, default=DEFAULT_PRICE)


def price_in(answer: object) -> float | None:
    """`usage.credits_reserved` of a create's answer; None when it does not say."""
    usage = answer.get("usage") if isinstance(answer, dict) else None
    price = usage.get("credits_reserved") if isinstance(usage, dict) else None
    if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < float("inf"):
        return None
    return float(price)
