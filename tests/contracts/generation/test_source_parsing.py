"""Source is parsed in one thread at a time."""

from __future__ import annotations

import ast
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from evolink_check.generation import property_search
from evolink_check.generation.source_parsing import parse_in_one_thread

AT_ONCE = 4


def test_a_thread_does_not_parse_while_another_one_does() -> None:
    parsing = threading.Semaphore(1)
    overlaps = []
    arrived = threading.Barrier(AT_ONCE)

    def parse(source: str) -> str:
        if not parsing.acquire(blocking=False):
            overlaps.append(source)
            return source
        sum(range(200_000))  # another thread takes over in the meantime
        parsing.release()
        return source.upper()

    parse_alone = parse_in_one_thread(parse)

    def call(source: str) -> object:
        arrived.wait()
        return parse_alone(source)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert list(pool.map(call, "abcd")) == ["A", "B", "C", "D"]
    assert overlaps == []


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="this CPython parses in several threads")
def test_a_search_makes_python_parse_in_one_thread() -> None:
    assert property_search
    assert hasattr(ast.parse, "__wrapped__")
    assert ast.unparse(ast.parse("a =  1")) == "a = 1"
