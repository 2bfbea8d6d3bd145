"""The scripts of others are those of the packages in the manifest, unchanged, each with its licence."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files

import pytest

CONSOLE = files("evolink_mock.console")
MANIFEST = json.loads((CONSOLE / "vendored.json").read_text())
OWN = {"console.css", "console.js", "reference.css", "reference.js"}


@pytest.mark.parametrize("name", MANIFEST)
def test_a_vendored_file_is_unchanged_and_has_a_licence(name: str) -> None:
    package = MANIFEST[name]
    for target, file in package["files"].items():
        content = (CONSOLE / "static" / target).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"], target
    assert package["version"].split(".")[0] == package["range"]
    assert (CONSOLE / "licences" / f"{name}.txt").read_text().strip()


def test_every_static_file_is_our_own_or_in_the_manifest() -> None:
    vendored = {target for package in MANIFEST.values() for target in package["files"]}
    assert {path.name for path in (CONSOLE / "static").iterdir()} == OWN | vendored


def test_no_static_file_names_a_source_map() -> None:
    assert not [
        path.name
        for path in (CONSOLE / "static").iterdir()
        if b"sourceMappingURL=" in path.read_bytes()[-300:]
    ]
