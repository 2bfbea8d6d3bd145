from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import Any

import pytest
from evolink_spec.loading import load

SPEC = load()
CREATE = next(operation for by_model in SPEC.creates.values() for operation in by_model.values())
RECORDS = [SPEC, CREATE, SPEC.query, CREATE.callback, CREATE.errors[400], SPEC.failures[0], CREATE.statuses]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_is_frozen(record: Any) -> None:
    names = [field.name for field in fields(record)] if is_dataclass(record) else record._fields
    for name in names:
        with pytest.raises((FrozenInstanceError, AttributeError)):
            setattr(record, name, None)
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        record.another = 1


def test_the_words_of_a_status_stand_in_the_order_of_a_life() -> None:
    assert CREATE.statuses == ("pending", "processing", "completed", "failed", "")
    assert CREATE.statuses._fields == ("initial", "running", "success", "failure", "cancelled")
