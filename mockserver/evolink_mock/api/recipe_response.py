"""Apply the recipe of a request to its response.

A recipe causes network faults, or deviations in the JSON of the task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from evolink_mock.domain import task_body
from evolink_mock.domain.accounts import next_random
from evolink_mock.recipes import body_variants
from evolink_mock.recipes.network_faults import inject_network_faults
from evolink_mock.recipes.recipe import NO_RECIPE, Recipe

if TYPE_CHECKING:
    from evolink_spec import CreateOperation, QueryOperation
    from starlette.types import Scope, Send

    from evolink_mock.api.request_context import RequestContext
    from evolink_mock.domain.tasks import Task
    from evolink_mock.http.errors import ApiError
    from evolink_mock.service.service import Service


def with_network_faults(context: RequestContext, scope: Scope, send: Send) -> Send:
    """Wrap `send` so that the response has the recipe's network faults."""
    if context.recipe is NO_RECIPE:
        return send
    return inject_network_faults(context.recipe, scope, context.documented, context.chance, send)


def draw_variant(context: RequestContext) -> None:
    """Draw the random number for a deviation that the recipe requests."""
    if _has_variant(context.recipe):
        context.variant = next_random(context.account)


def encode_task(
    service: Service, context: RequestContext, task: Task, operation: CreateOperation | QueryOperation
) -> bytes:
    """Encode a task as JSON, with the deviation that the recipe requests."""
    recipe = context.recipe
    if not _has_variant(recipe):
        return task_body.to_json(task, context.now)
    schema = body_variants.answer_schema(service.spec, operation)
    return body_variants.encode_variant(recipe, task, context.now, schema, context.variant)


def _has_variant(recipe: Recipe | ApiError) -> TypeGuard[Recipe]:
    return recipe is not NO_RECIPE and isinstance(recipe, Recipe) and bool(recipe.shape or recipe.status_word)
