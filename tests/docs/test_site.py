"""The documentation as a web site: built without a warning, searchable, and complete without any other host."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT

BIN = Path(sys.executable).parent
# What a browser loads by itself; a link is followed by its reader only.
LOADED = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\bsrc=[\"']?(https?:)?//"
    r"|<link\b(?=[^>]*\brel=[\"']?(?:stylesheet|preload|preconnect|icon|modulepreload|prefetch))"
    r"[^>]*?\bhref=[\"']?(https?:)?//"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    done = subprocess.run(
        [str(BIN / "zensical"), "build", "--strict"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "site"


def test_every_page_is_built(site: Path) -> None:
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert pages <= {path.stem for path in site.glob("*.html")}


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert pages
    assert [path.name for path in pages if LOADED.search(path.read_text(encoding="utf-8"))] == []


def test_no_style_loads_anything_from_another_host(site: Path) -> None:
    styles = list(site.rglob("*.css"))
    assert styles
    pattern = re.compile(r"url\([\"']?(?:https?:)?//|@import\s+(?:url\()?[\"']?(?:https?:)?//")
    assert [path.name for path in styles if pattern.search(path.read_text(encoding="utf-8"))] == []


def test_the_search_knows_every_page(site: Path) -> None:
    index = json.loads((site / "search.json").read_text(encoding="utf-8"))
    known = {item["location"].partition("#")[0] for item in index["items"]}
    assert {f"{path.stem}.html" for path in (ROOT / "docs").glob("*.md")} <= known
