"""The folder of the workers' counters: an error names what can be changed."""

from __future__ import annotations

from typing import NoReturn

import pytest
from evolink_mock.serving import shared_metrics
from evolink_mock.setting_values import SettingError


def test_without_a_writable_temporary_folder_the_error_names_the_setting_and_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(**_: object) -> NoReturn:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(shared_metrics, "TemporaryDirectory", fail)
    with (
        pytest.raises(SettingError, match=r"metrics: .*No usable .*set TMPDIR"),
        shared_metrics.shared_metrics(is_enabled=True),
    ):
        pass
