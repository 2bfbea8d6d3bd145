"""The operations that a mock simulates, as the start page lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evolink_mock.api import files
from evolink_mock.api.credits import PATH as CREDITS
from evolink_mock.api.models import PATH as MODELS
from evolink_mock.domain.task_body import MEDIA_PATH

if TYPE_CHECKING:
    from evolink_spec import Spec

_OTHERS = (
    ("GET", CREDITS, "Shows the remaining credits"),
    ("GET", MODELS, "Lists the models"),
    ("GET", f"{MEDIA_PATH}{{name}}", "Downloads a result"),
    ("POST", f"{files.PREFIX}/upload/base64", "Uploads a file as Base64"),
    ("POST", f"{files.PREFIX}/upload/stream", "Uploads a file as a form"),
    ("POST", f"{files.PREFIX}/upload/url", "Uploads a file from a URL"),
    ("GET", f"{files.PREFIX}/quota", "Shows the quota of uploaded files"),
    ("GET", f"{files.PREFIX}/list", "Lists the uploaded files"),
    ("GET", f"{files.PREFIX}/download/{{file_id}}", "Downloads an uploaded file"),
    ("DELETE", f"{files.PREFIX}/{{file_id}}", "Deletes an uploaded file"),
    ("GET", files.LINKS, "Downloads an uploaded file by its link"),
)


class OperationRow(NamedTuple):
    """A row of the table of operations. `models` is empty if the operation does not depend on a model."""

    method: str
    path: str
    purpose: str
    models: tuple[str, ...] = ()


def operation_rows(spec: Spec) -> list[OperationRow]:
    """Return a row for each operation.

    Operations that create tasks come first, then the status query, then the rest.
    """
    creates = [
        OperationRow(method, path, "Creates a task", tuple(model or "any" for model in by_model))
        for (method, path), by_model in spec.creates.items()
    ]
    query = OperationRow(spec.query.method, spec.query.path, "Shows a task")
    return [*creates, query, *(OperationRow(*other) for other in _OTHERS)]
