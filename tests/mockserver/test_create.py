from __future__ import annotations

from driver import BODY, shaped
def test_a_create_is_answered_with_200(mock) -> None:
    task = mock.create()
    print(task)
    assert mock.query(task)
