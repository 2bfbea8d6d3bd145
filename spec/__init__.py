"""The contract: the documents, what they say in prose, and the one way to read them."""

from spec.compiled import load
from spec.errors import SpecError
from spec.records import (
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
