"""What one OpenAPI document says about tasks, in a form that can be cached."""

from __future__ import annotations

from dataclasses import dataclass, field

from evolink_spec.models import CreateOperation, QueryOperation, TaskFailure  # noqa: TC001  (the cache decodes them)


@dataclass(frozen=True, slots=True)
class Document:
    """The operations and task failures of one OpenAPI document."""

    creates: list[CreateOperation] = field(default_factory=list)
    queries: list[QueryOperation] = field(default_factory=list)
    failures: tuple[TaskFailure, ...] = ()
    # For each create operation: the old model names in its description, with the current names.
    prose_aliases: list[dict[str, str]] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)  # JSON pointer and problem
    skipped: list[tuple[str, str]] = field(default_factory=list)  # the same, for operations without a task
