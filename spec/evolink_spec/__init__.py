"""The OpenAPI documents of the API, and the rules in their prose."""

from evolink_spec.compiled import load
from evolink_spec.errors import SpecError
from evolink_spec.models import (
    CallbackRules,
    CreateOperation,
    ErrorAnswer,
    Medium,
    QueryOperation,
    Spec,
    Statuses,
    TaskFailure,
)

__all__ = [
    "CallbackRules",
    "CreateOperation",
    "ErrorAnswer",
    "Medium",
    "QueryOperation",
    "Spec",
    "SpecError",
    "Statuses",
    "TaskFailure",
    "load",
]
