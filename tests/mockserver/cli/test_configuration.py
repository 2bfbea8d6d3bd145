"""Settings beneath the command line: where they are found, and what is no setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from evolink_mock.cli.configuration import (
    environment_settings,
    pyproject_settings,
    settings_of_project,
    unknown_variables,
)


def read(folder: Path) -> dict[str, Any]:
    return {name: raw.value for name, raw in pyproject_settings(folder).items()}


def write(folder: Path, text: str | bytes) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").write_bytes(text if isinstance(text, bytes) else text.encode())


def test_the_section_is_read_whichever_way_its_names_are_spelt(tmp_path: Path) -> None:
    write(tmp_path, "[tool.evolink-mock]\nport = 9000\nmax-body = 1024\nrate = '30/minute'\n")
    assert read(tmp_path) == {"port": 9000, "max_body": 1024, "rate": "30/minute"}
    write(tmp_path, "[tool.evolink-mock]\nmax_body = 1024\n")
    assert read(tmp_path) == {"max_body": 1024}


def test_the_nearest_file_counts_and_no_other(tmp_path: Path) -> None:
    write(tmp_path, "[tool.evolink-mock]\nport = 9000\n")
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert read(tmp_path / "a" / "b") == {"port": 9000}
    write(tmp_path / "a", "[tool.other]\nport = 1\n")
    assert read(tmp_path / "a" / "b") == {}


@pytest.mark.parametrize("text", ["", "[project]\nname = 'x'\n", "[tool]\n", "tool = 5\n"])
def test_without_the_section_there_are_no_settings(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    assert read(tmp_path) == {}


def refused(folder: Path) -> str:
    """Why the file is refused, without its name, which is told first."""
    with pytest.raises(ValueError, match=r"pyproject\.toml: ") as caught:
        read(folder)
    return str(caught.value).removeprefix(f"{folder / 'pyproject.toml'}: ")


@pytest.mark.parametrize(
    ("name", "meant"),
    [("max-bdy", " (did you mean max-body?)"), ("prot", " (did you mean port?)"), ("zzz", "")],
)
def test_a_typo_is_refused_with_the_nearest_name(tmp_path: Path, name: str, meant: str) -> None:
    write(tmp_path, f"[tool.evolink-mock]\n{name} = 1\n")
    assert refused(tmp_path) == f"[tool.evolink-mock] has no setting {name!r}{meant}"


@pytest.mark.parametrize("text", ["port 9000", b"name = '\xff'", "a = 1\na = 2\n"])
def test_what_is_no_toml_is_refused(tmp_path: Path, text: str | bytes) -> None:
    write(tmp_path, text)
    assert refused(tmp_path).startswith("invalid TOML: ")


def test_a_section_that_is_no_table_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "tool.evolink-mock = 5\n")
    assert refused(tmp_path) == "tool.evolink-mock is not a table"


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_text(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    write(tmp_path, "")
    monkeypatch.setattr(Path, "read_text", read_text)  # root may read everything
    assert refused(tmp_path) == "cannot be read: Permission denied"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "tcp://10.96.12.3:8080"),
        ("HTTPS_PORT", "tcp://10.96.12.3:8443"),
        ("PROXY_PORT", "udp://[fd00::3]:8081"),
        ("SERVICE_HOST", "10.96.12.3"),
        ("SERVICE_PORT", "8080"),
        ("SERVICE_PORT_HTTP", "8080"),
        ("PORT_8080_TCP", "tcp://10.96.12.3:8080"),
        ("PORT_8080_TCP_PROTO", "tcp"),
        ("PORT_8080_TCP_ADDR", "10.96.12.3"),
        ("OTHER_SERVICE_HOST", "10.96.12.4"),
        ("OTHER_PORT", "tcp://10.96.12.4:80"),
        ("NAME", "/client/evolink-mock"),
        ("ENV_PATH", "/bin"),
    ],
)
def test_what_kubernetes_and_docker_set_for_a_service_of_this_name_is_no_setting(
    name: str, text: str
) -> None:
    variables = {f"EVOLINK_MOCK_{name}": text}
    assert environment_settings(variables) == {}
    assert unknown_variables(variables) == []


def test_a_variable_that_is_no_setting_is_warned_of_with_the_nearest() -> None:
    variables = {
        "EVOLINK_MOCK_MAX_BDY": "1",
        "EVOLINK_MOCK_ZZZ": "1",
        "EVOLINK_MOCK_HTPS_PORT": "8443",
        "PORT": "x",
    }
    assert unknown_variables(variables) == [
        "EVOLINK_MOCK_HTPS_PORT is not a setting (did you mean EVOLINK_MOCK_HTTPS_PORT?)",
        "EVOLINK_MOCK_MAX_BDY is not a setting (did you mean EVOLINK_MOCK_MAX_BODY?)",
        "EVOLINK_MOCK_ZZZ is not a setting",
    ]


@pytest.mark.parametrize("name", ["PORT", "MAX_BODY", "TOKEN", "QUIET", "REDIRECT", "STORE_PASSWORD", "URL"])
def test_a_variable_that_is_one_of_ours_is_not_warned_of(name: str) -> None:
    assert unknown_variables({f"EVOLINK_MOCK_{name}": "1"}) == []


def test_a_working_directory_that_was_deleted_has_no_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "deleted"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert settings_of_project() == {}
