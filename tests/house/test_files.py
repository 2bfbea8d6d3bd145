"""The measures of the house, taken from the files themselves."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from evolink_spec import load
from support.paths import ROOT

SOURCES = sorted(
    path for package in ("spec", "mockserver", "contracts") for path in (ROOT / package).glob("**/*.py")
)
SPEC = load()
MODELS = {
    name
    for by_model in SPEC.creates.values()
    for operation in by_model.values()
    for name in (*operation.models, *operation.aliases)
}
DOCUMENTS = {Path(source).name for source in SPEC.documents}
BUILT_IN = {"get-task-detail.yaml"}  # spec/evolink_spec/loading.py may name it: it serves every document

# What only one machine, or one network, has. Put together here so that this file is not found by itself.
ELSEWHERE = re.compile("/ro" + "ot/|/wo" + "rk/")
REGISTRY = re.compile(
    r"https?://[^\s\"']*(?:pypi|simple|registry|nexus|artifactory|npmjs)[^\s\"']*", re.IGNORECASE
)
PUBLIC = tuple(f"https://{host}/" for host in ("pypi.org", "files.pythonhosted.org"))


def tracked() -> list[Path]:
    """The files of the checkout; of an unpacked archive, all that are not made."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=False
    )
    if listing.returncode:
        made = {".venv", ".git", "__pycache__", "dist", "build"}
        return [path for path in ROOT.rglob("*") if path.is_file() and not made & set(path.parts)]
    return [path for line in listing.stdout.decode().splitlines() if (path := ROOT / line).is_file()]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_no_model_and_no_document_is_named_in_code(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    allowed = BUILT_IN if named(path) == "spec/evolink_spec/loading.py" else set()
    assert MODELS, "the documents name models"
    assert [name for name in MODELS | DOCUMENTS - allowed if name in text] == []


def test_no_folder_has_more_than_15_modules() -> None:
    modules = (path for path in tracked() if path.suffix == ".py" and path.name != "__init__.py")
    folders = Counter(named(path.parent) for path in modules)
    assert {folder: count for folder, count in folders.items() if count > 15} == {}
    assert folders["mockserver/evolink_mock/http"] >= 10, "the modules are counted"


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_file_has_at_most_300_lines_and_a_function_45(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    functions = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert {node.name for node in functions if (node.end_lineno or 0) - node.lineno >= 45} == set()


def test_no_file_speaks_of_one_machine_or_of_another_registry() -> None:
    found = {}
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        strange = [
            *ELSEWHERE.findall(text),
            *(url for url in REGISTRY.findall(text) if not url.startswith(PUBLIC)),
        ]
        if strange:
            found[named(path)] = strange[:3]
    assert found == {}
