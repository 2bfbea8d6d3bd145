"""The checks of a request, in the order of their execution.

The input of each check is the context of the request. The endpoints complete the context before the checks run. A check
returns an error, or None if the request passes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from evolink_mock.api.operations import CompiledOperation
from evolink_mock.domain import ids
from evolink_mock.domain.accounts import remaining
from evolink_mock.http.errors import ApiError
from evolink_mock.http.key_hint import unauthorized
from evolink_mock.recipes.effects import GATEWAY
from evolink_mock.recipes.recipe import NO_RECIPE

if TYPE_CHECKING:
    from evolink_mock.api.request_context import RequestContext


_REDIRECTED = 307  # a placeholder, because the recipe replaces the response
Check = Callable[["RequestContext"], "ApiError | None"]


def check_token(context: RequestContext) -> ApiError | None:
    """Return a 401 if the request has no accepted bearer token (clause `auth.bearer`)."""
    if context.token is not None:
        return None
    return unauthorized(context.headers, context.exchange.query, context.exchange.request_body)


def check_recipe(context: RequestContext) -> ApiError | None:
    """Return the error that a recipe requests, or the 400 for an invalid recipe.

    Returns None if no recipe requests an error. Returns None if the requested error is not documented for the
    operation. Errors that gateways send, such as 502, count as documented.
    """
    recipe = context.recipe
    if recipe is NO_RECIPE:
        return None
    if isinstance(recipe, ApiError):
        return recipe
    status = recipe.status
    if recipe.redirect:
        return ApiError(_REDIRECTED)
    if status is None or (status not in context.documented and status not in GATEWAY):
        return None
    return ApiError(status, headers=_retry_after(recipe.retry_after) if status == 429 else ())  # noqa: PLR2004


def check_rate_limit(context: RequestContext) -> ApiError | None:
    """Return a 429 if the rate limit is exceeded (clause `rate.retry-after`)."""
    return None if context.retry_after is None else ApiError(429, headers=_retry_after(context.retry_after))


def check_body(context: RequestContext) -> ApiError | None:
    """Return an error if the request body is not valid JSON.

    A body above the size limit, a compressed body and a wrong content type are errors, too.
    """
    document = context.body.document
    return document if isinstance(document, ApiError) else None


def check_schema(context: RequestContext) -> ApiError | None:
    """Return a 400 that names the fields that violate the schema (clauses `create.*`)."""
    body = context.body
    return body.compiled if isinstance(body.compiled, ApiError) else body.schema_error()


def check_callback_url(context: RequestContext) -> ApiError | None:
    """Return a 400 if the callback URL is not allowed (clauses `callback.*`)."""
    return context.callback if isinstance(context.callback, ApiError) else None


def check_model_access(context: RequestContext) -> ApiError | None:
    """Return a 403 if the account has no access to the model (clause `model.access`)."""
    denied = context.account.denied_models
    if not denied:
        return None
    assert isinstance(context.compiled, CompiledOperation)  # noqa: S101  (`check_schema` comes before)
    model = context.document.get("model", context.compiled.operation.defaults.get("model"))
    return ApiError(403) if isinstance(model, str) and model in denied else None


def check_credits(context: RequestContext) -> ApiError | None:
    """Return a 402 if the credits do not cover the price (clause `credits.reserved`)."""
    price = context.body.accepted().price  # `check_schema` comes before
    return ApiError(402) if remaining(context.account, context.now) < price else None


def check_task_id(context: RequestContext) -> ApiError | None:
    """Return a 400 if the id lacks the prefix of task ids (clause `query.id-prefix`)."""
    return ApiError(400, param="task_id") if ids.is_foreign(context.task_id) else None


def check_task_exists(context: RequestContext) -> ApiError | None:
    """Return a 404 if no task has the id (clause `query.unknown-id`).

    A recipe can request a 404 for an ended task.
    """
    task = context.task
    if task is None:
        return ApiError(404)
    is_forgotten = task.anomalies is not None and task.anomalies.is_forgotten
    return ApiError(404) if is_forgotten and context.now >= task.timetable.ends else None


def check_task_owner(context: RequestContext) -> ApiError | None:
    """Return a 403 if the task belongs to another account (clause `query.own-tasks`)."""
    assert context.task is not None  # noqa: S101  (`check_task_exists` comes before)
    return ApiError(403) if context.task.account != context.account.token else None


AUTHENTICATION: tuple[Check, ...] = (check_token,)
CREATE: tuple[Check, ...] = (
    check_recipe,
    check_rate_limit,
    check_body,
    check_schema,
    check_callback_url,
    check_model_access,
    check_credits,
)
QUERY: tuple[Check, ...] = (
    check_recipe,
    check_rate_limit,
    check_task_id,
    check_task_exists,
    check_task_owner,
)
CREDITS: tuple[Check, ...] = (check_recipe,)


def first_error(checks: tuple[Check, ...], context: RequestContext) -> ApiError | None:
    """Run the checks in order. Return the first error, or None if the request passes all checks."""
    for check in checks:
        error = check(context)
        if error is not None:
            return error
    return None


def _retry_after(seconds: float) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"retry-after", b"%d" % max(1, math.ceil(seconds))),)  # rounded up: no client retries too early
