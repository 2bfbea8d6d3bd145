"""Count the credits of a run.

The price of a create request is reserved before the request is sent. Therefore concurrent requests cannot exceed the
budget together. The reserved price is the highest price so far. A request can exceed the budget if its price is a new
maximum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from evolink_spec import Spec

Decision = Literal["granted", "wait", "refused"]
_LONGEST = 1e9  # seconds of a plausible task
DEFAULT_PRICE = 5.0  # credits per create request if the documents give no price


@dataclass(frozen=True, slots=True)
class Budget:
    """The credits of one run."""

    # The maximum cost of the run; None if only requests that the server must refuse may be sent.
    granted: float | None
    tasks: int  # maximum number of tasks that the run may create
    price: float = DEFAULT_PRICE  # the highest price of a create request seen so far
    spent: float = 0.0  # the total cost of the accepted create requests
    created: int = 0  # the number of accepted create requests
    in_flight: tuple[float, ...] = ()  # the reserved prices of the create requests without a response

    def decide(self) -> Decision:
        """Decide whether another create request may be sent.

        The decision "granted" means now, and "refused" means never. The decision "wait" means later, after the response
        to a request in flight. If that request creates no task, its reserved credits become available again.
        """
        if self.granted is None:
            return "granted"
        if self.spent + self.price > self.granted or self.created >= self.tasks:
            return "refused"
        fits = self.spent + sum(self.in_flight) + self.price <= self.granted
        return "granted" if fits and self.created + len(self.in_flight) < self.tasks else "wait"

    def with_request(self) -> Budget:
        """Return the budget with a reservation for one more create request."""
        # The highest known price is reserved.
        return replace(self, in_flight=(*self.in_flight, self.price))

    def with_result(self, price: float, cost: float | None) -> Budget:
        """Return the budget after the response to a create request.

        `price` was reserved for the request. `cost` is the cost of the created task; None if there is no task.
        """
        place = self.in_flight.index(price)
        settled = replace(self, in_flight=self.in_flight[:place] + self.in_flight[place + 1 :])
        if cost is None:
            return settled
        price = max(self.price, cost)
        return replace(settled, price=price, spent=self.spent + cost, created=self.created + 1)

    @property
    def affords(self) -> int:
        """The number of create requests that the remaining credits cover.

        The number is 0 if `granted` is None.
        """
        rest = (self.granted or 0.0) - self.spent
        number = int(rest // self.price) if self.price else self.tasks
        return max(0, min(number, self.tasks - self.created)) if self.granted is not None else 0


def documented_price(spec: Spec) -> float:
    """Return the highest price in the documented responses to create requests.

    Returns `DEFAULT_PRICE` if no response has a price.
    """
    shown = [
        operation.answer.get("usage") for creates in spec.creates.values() for operation in creates.values()
    ]
    prices = [price for usage in shown if (price := price_in({"usage": usage})) is not None]
    return max(prices, default=DEFAULT_PRICE)


def estimated_time_in(answer: object) -> float:
    """Read `task_info.estimated_time` from the response to a create request.

    The unit is seconds. Returns 0 if the time is missing or implausible.
    """
    info = answer.get("task_info") if isinstance(answer, dict) else None
    time = info.get("estimated_time") if isinstance(info, dict) else None
    if isinstance(time, bool) or not isinstance(time, int | float) or not 0 < time < _LONGEST:
        return 0.0
    return float(time)


def price_in(answer: object) -> float | None:
    """Read `usage.credits_reserved` from the response to a create request.

    Returns None if the price is missing or invalid.
    """
    usage = answer.get("usage") if isinstance(answer, dict) else None
    price = usage.get("credits_reserved") if isinstance(usage, dict) else None
    if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < float("inf"):
        return None
    return float(price)
