"""The text of a bug."""

from __future__ import annotations

import pytest
from evolink_check.errors import describe_bug


def raised(text: str) -> Exception:
    with pytest.raises(KeyError) as caught:
        raise KeyError(text)
    return caught.value


def test_the_text_of_a_bug_is_its_traceback() -> None:
    lines = describe_bug(raised("a name")).splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "KeyError: 'a name'"


def test_the_text_of_a_bug_does_not_repeat_a_whole_file_that_its_exception_holds() -> None:
    last = describe_bug(raised("x" * 1_000_000)).splitlines()[-1]
    assert last.startswith("KeyError: 'xxx")
    assert last.endswith("xx [...]")
    assert len(last) == 506
