"""A command starts without a stream, and Ctrl-C while it is being imported ends it without a traceback."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import Any

import pytest


class App:
    """The module of a command, which records the handler of SIGINT when it is imported and when it runs."""

    def __init__(self) -> None:
        self.handlers: list[Any] = []

    @property
    def main(self) -> Any:
        self.handlers.append(signal.getsignal(signal.SIGINT))
        return lambda: self.handlers.append(signal.getsignal(signal.SIGINT))


@pytest.mark.parametrize("package", ["evolink_mock", "evolink_check"])
@pytest.mark.parametrize(
    ("before", "meanwhile"),
    [(signal.default_int_handler, signal.SIG_DFL), (signal.SIG_IGN, signal.SIG_IGN)],
    ids=["usual", "ignored by the parent"],
)
def test_an_interrupt_during_the_import_has_no_handler_in_python(
    monkeypatch: pytest.MonkeyPatch, package: str, before: Any, meanwhile: Any
) -> None:
    start, app = importlib.import_module(f"{package}.cli.start"), App()
    monkeypatch.setitem(sys.modules, f"{package}.cli.app", app)
    original = signal.signal(signal.SIGINT, before)
    try:
        start.main()
    finally:
        signal.signal(signal.SIGINT, original)
    assert app.handlers == [meanwhile, before]


@pytest.mark.parametrize("package", ["evolink_mock", "evolink_check"])
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_the_output_for_a_stream_that_is_closed_is_discarded(
    monkeypatch: pytest.MonkeyPatch, package: str, name: str
) -> None:
    start, app = importlib.import_module(f"{package}.cli.start"), App()
    monkeypatch.setitem(sys.modules, f"{package}.cli.app", app)
    monkeypatch.setattr(sys, name, None)
    start.main()
    with getattr(sys, name) as stream:
        assert (stream.name, stream.isatty()) == (os.devnull, False)
        stream.write("text")
