"""The errors about extras and the pages name a command that installs them, though the package is on no index."""

from __future__ import annotations

import re
import tomllib

import pytest
from evolink_spec.extras import install_command
from support.paths import ROOT

FOLDERS = ("mockserver", "contracts", "spec", "docs")
SOURCES = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.[pm][yd]")]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def test_an_extra_is_installed_from_a_path() -> None:
    assert install_command("media").startswith("pip install 'path/to/evolink-mock[media]'")


@pytest.mark.parametrize("pattern", [r"(?<!path/to/)evolink-mock\[", r"pip install evolink"])
def test_no_message_and_no_page_names_the_package_without_a_path(pattern: str) -> None:
    assert [str(path) for path in SOURCES if re.search(pattern, path.read_text(encoding="utf-8"))] == []


def test_every_extra_that_an_error_names_exists() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in SOURCES if path.suffix == ".py")
    names = set(re.findall(r"""install_command\(["'](\w+)["']\)""", texts))
    assert {"mcp", "metrics", "media", "redis", "contracts", "codings"} == names
    assert names <= EXTRAS.keys()
