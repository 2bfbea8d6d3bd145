"""May this request have what it asks for? One visible order of small questions, each answered without doing anything.

Facts are gathered first (a token, a body, what a name resolves to), then these functions decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from evolink_mock.api.operations import CompiledOperation
from evolink_mock.domain import ids
from evolink_mock.domain.accounts import remaining
from evolink_mock.http.errors import ApiError
from evolink_mock.recipes.effects import GATEWAY
from evolink_mock.recipes.registry import NO_RECIPE

if TYPE_CHECKING:
    from evolink_mock.api.call import RequestContext


Step = Callable[["RequestContext"], "ApiError | None"]


def authenticated(call: RequestContext) -> ApiError | None:
    """401 without a known bearer token (clause `auth.bearer`)."""
    return ApiError(401) if call.token is None else None


def as_asked(call: RequestContext) -> ApiError | None:
    """The error that a recipe asks for, where this operation documents it; 400 for an unknown recipe."""
    recipe = call.recipe
    if recipe is NO_RECIPE:
        return None
    if isinstance(recipe, ApiError):
        return recipe
    status = recipe.status
    if status is None or (status not in call.documented and status not in GATEWAY):
        return None
    return ApiError(status, headers=_retry_after(recipe.retry) if status == 429 else ())  # noqa: PLR2004


def within_rate(call: RequestContext) -> ApiError | None:
    """429 with the seconds to wait, when the account's window is full (clause `rate.retry-after`)."""
    return None if call.wait is None else ApiError(429, headers=_retry_after(call.wait))


def readable(call: RequestContext) -> ApiError | None:
    """400 for a body that is no JSON, too large, or of another content type."""
    return call.document if isinstance(call.document, ApiError) else None


def keeps_schema(call: RequestContext) -> ApiError | None:
    """400 with what is wrong where (clauses `create.*`)."""
    script = call.script
    return script if script is None or isinstance(script, ApiError) else script.validator.check(call.document)


def callback_allowed(call: RequestContext) -> ApiError | None:
    """400 for a callback URL that the rules forbid (clauses `callback.*`)."""
    return call.callback_refusal


def may_use_model(call: RequestContext) -> ApiError | None:
    """403 when the account has no access to the model (clause `model.access`)."""
    denied = call.account.denied
    if not denied:
        return None
    assert isinstance(call.script, CompiledOperation)  # noqa: S101  (`keeps_schema` stands before)
    model = call.document.get("model", call.script.operation.defaults.get("model"))
    return ApiError(403) if isinstance(model, str) and model in denied else None


def affordable(call: RequestContext) -> ApiError | None:
    """402 when the credits left are fewer than the price (clause `credits.reserved`)."""
    assert isinstance(call.script, CompiledOperation)  # noqa: S101
    return ApiError(402) if remaining(call.account, call.now) < call.script.price else None


def well_formed(call: RequestContext) -> ApiError | None:
    """400 for an id with a foreign prefix (clause `query.id-prefix`)."""
    return ApiError(400, param="task_id") if ids.is_foreign(call.task_id) else None


def known(call: RequestContext) -> ApiError | None:
    """404 for an id that was never given (clause `query.unknown-id`)."""
    return ApiError(404) if call.task is None else None


def own(call: RequestContext) -> ApiError | None:
    """403 for the task of another account (clause `query.own-tasks`)."""
    assert call.task is not None  # noqa: S101  (`known` stands before)
    return ApiError(403) if call.task.account != call.account.token else None


BEFORE_BODY: tuple[Step, ...] = (authenticated, as_asked, within_rate)
AFTER_BODY: tuple[Step, ...] = (as_asked, readable, keeps_schema, callback_allowed, may_use_model, affordable)
QUERY: tuple[Step, ...] = (authenticated, as_asked, within_rate, well_formed, known, own)
CREDITS: tuple[Step, ...] = (as_asked,)


def first_fault(steps: tuple[Step, ...], call: RequestContext) -> ApiError | None:
    """The fault of the first step that has one, in the order of `steps`."""
    for step in steps:
        fault = step(call)
        if fault is not None:
            return fault
    return None


def _retry_after(seconds: float) -> tuple[tuple[bytes, bytes], ...]:
    """Whole seconds, rounded up: a client that waits so long is let in."""
    return ((b"retry-after", b"%d" % max(1, math.ceil(seconds))),)
