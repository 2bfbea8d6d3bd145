"""Every page: its links lead somewhere, its code blocks are of a kind that a test runs, the navigation names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from support import doc_tables
from support.doc_pages import DEVELOPMENT, DOCS, PAGES, anchors, blocks, links, text_of
from support.paths import README, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = {"sh", "python", "json", "toml"}  # test_shell_blocks, test_python_blocks, test_data_blocks


def _named(page: Path) -> str:
    return page.name


@pytest.mark.parametrize("page", [*PAGES, *DEVELOPMENT], ids=_named)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in links(page):
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not fragment or fragment in anchors(target), link


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=_named)
def test_a_page_links_to_nothing_outside_of_the_site(page: Path) -> None:
    assert [link for link in links(page) if link.startswith("../")] == []


def test_every_code_block_is_of_a_kind_that_is_run() -> None:
    assert [block.place for block in blocks() if block.language not in RUN] == []


def test_the_navigation_names_every_page_once() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert sorted(_leaves(site["nav"])) == sorted(page.name for page in DOCS.glob("*.md"))


def _leaves(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for inner in node.values():
            yield from _leaves(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _leaves(inner)


def test_the_overview_and_the_readme_lead_to_every_page() -> None:
    names = {page.name for page in DOCS.glob("*.md")} - {"index.md"}
    assert {link.partition("#")[0] for link in links(DOCS / "index.md")} == names
    from_readme = {link.partition("#")[0].removeprefix("docs/") for link in links(README)}
    assert names <= from_readme


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=_named)
def test_the_generated_tables_are_those_that_the_code_gives(page: Path) -> None:
    text = text_of(page)
    assert text.count("<!-- begin generated") == len(doc_tables.regions(text))
    for name, table in doc_tables.regions(text).items():
        assert table == doc_tables.generated(name).strip("\n"), "uv run python tests/support/doc_tables.py"
