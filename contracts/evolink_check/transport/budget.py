"""The arithmetic of credits: how many are granted, spent, and reserved for creates in flight.

A create is counted before it is sent, at the highest known price, so that concurrent creates cannot cost more than was
granted. Only a price higher than all earlier ones could exceed the budget; from then on it is the known price.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from evolink_spec import Spec

Decision = Literal["granted", "wait", "refused"]
_LONGEST = 1e9  # seconds of a plausible task
DEFAULT_PRICE = 5.0  # credits that a create is assumed to cost if the documents give no price


@dataclass(frozen=True, slots=True)
class Budget:
    """Credits of one run. `granted` None: none may be spent, so only requests are sent that the server must refuse.

    At most `tasks` are created. `price` is the highest known price; `in_flight` are the prices of creates without a
    response so far; `spent` is the cost of the accepted creates, `created` their number.
    """

    granted: float | None
    tasks: int
    price: float = DEFAULT_PRICE
    spent: float = 0.0
    created: int = 0
    in_flight: tuple[float, ...] = ()

    def decide(self) -> Decision:
        """Whether another create may be sent now, perhaps later (if a create in flight costs nothing), or never."""
        if self.granted is None:
            return "granted"
        if self.spent + self.price > self.granted or self.created >= self.tasks:
            return "refused"
        fits = self.spent + sum(self.in_flight) + self.price <= self.granted
        return "granted" if fits and self.created + len(self.in_flight) < self.tasks else "wait"

    def with_request(self) -> Budget:
        """The budget after one more create was sent, at the highest known price."""
        return replace(self, in_flight=(*self.in_flight, self.price))

    def with_result(self, price: float, cost: float | None) -> Budget:
        """The budget after the response to a create sent at `price`. `cost` is that of its task; None: no task."""
        place = self.in_flight.index(price)
        settled = replace(self, in_flight=self.in_flight[:place] + self.in_flight[place + 1 :])
        if cost is None:
            return settled
        price = max(self.price, cost)
        return replace(settled, price=price, spent=self.spent + cost, created=self.created + 1)

    @property
    def affords(self) -> int:
        """The number of creates that the remaining credits still cover; 0 if none were granted."""
        rest = (self.granted or 0.0) - self.spent
        number = int(rest // self.price) if self.price else self.tasks
        return max(0, min(number, self.tasks - self.created)) if self.granted is not None else 0


def documented_price(spec: Spec) -> float:
    """The highest price in the documented examples of a response to a create."""
    shown = [
        operation.answer.get("usage") for creates in spec.creates.values() for operation in creates.values()
    ]
    prices = [price for usage in shown if (price := price_in({"usage": usage})) is not None]
    return max(prices, default=DEFAULT_PRICE)


def estimated_time_in(answer: object) -> float:
    """`task_info.estimated_time` of the response to a create, in seconds; 0 if it is missing or not plausible."""
    info = answer.get("task_info") if isinstance(answer, dict) else None
    time = info.get("estimated_time") if isinstance(info, dict) else None
    if isinstance(time, bool) or not isinstance(time, int | float) or not 0 < time < _LONGEST:
        return 0.0
    return float(time)


def price_in(answer: object) -> float | None:
    """`usage.credits_reserved` of the response to a create; None if it is missing or not a valid number."""
    usage = answer.get("usage") if isinstance(answer, dict) else None
    price = usage.get("credits_reserved") if isinstance(usage, dict) else None
    if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < float("inf"):
        return None
    return float(price)
