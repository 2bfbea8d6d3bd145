"""Who may import whom: the statements of pyproject.toml, and what only the source itself tells."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = {"evolink_spec": "spec", "evolink_mock": "mockserver", "evolink_check": "contracts"}
MODULES = {
    ".".join(path.relative_to(ROOT / folder).with_suffix("").parts).removesuffix(".__init__"): path
    for package, folder in PACKAGES.items()
    for path in sorted((ROOT / folder / package).rglob("*.py"))
}
CLOCKS = (".time", ".monotonic", ".perf_counter", ".utcnow")
TIMED = {"evolink_mock.domain.clock", "evolink_check.clock", "evolink_check.client.harness.virtual_time"}
ENVIRONMENT = {
    "evolink_mock.settings",
    "evolink_mock.serving.shared_metrics",  # prometheus_client takes its folder from nowhere else
    "evolink_check.cli.config",
    "evolink_check.receiver.environment",
}
NAMES_VARIABLES = {"evolink_mock.cli.options", "evolink_check.cli.options"}
HEAVY = {
    "av",
    "httpcore2",
    "httpx",
    "httpx2",
    "hypothesis",
    "jsonschema",
    "jsonschema_rs",
    "openapi_core",
    "rich",
    "schemathesis",
}


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def nodes_of(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node below that is executed."""
    for node in ast.iter_child_nodes(tree):
        if not is_for_types_only(node):
            yield node
            yield from nodes_of(node)


def imports_of(module: str) -> set[str]:
    """Every name that a module imports, at its top or in a function: `a.b` for `from a import b` too."""
    imported: set[str] = set()
    for node in nodes_of(tree_of(module)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            imported |= {f"{node.module}.{alias.name}" for alias in node.names}
    return imported


def is_within(imported: str, module: str) -> bool:
    return imported == module or imported.startswith(f"{module}.")


def test_every_package_is_there() -> None:
    assert {module.partition(".")[0] for module in MODULES} == set(PACKAGES)


def test_layers_circles_and_purity_are_as_pyproject_states_them() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_no_folder_holds_more_than_15_modules() -> None:
    folders = [path.parent for path in MODULES.values() if path.name != "__init__.py"]
    assert {folder.name: folders.count(folder) for folder in set(folders) if folders.count(folder) > 15} == {}


@pytest.mark.parametrize("module", [module for module in MODULES if module not in TIMED])
def test_only_the_clock_reads_the_time(module: str) -> None:
    assert {name for name in imports_of(module) if is_within(name, "time")} == set()
    attributes = {ast.unparse(node) for node in nodes_of(tree_of(module)) if isinstance(node, ast.Attribute)}
    assert {attribute for attribute in attributes if attribute.endswith(CLOCKS)} == set()


@pytest.mark.parametrize("module", [module for module in MODULES if module not in ENVIRONMENT])
def test_only_the_settings_and_the_options_read_the_environment(module: str) -> None:
    for node in nodes_of(tree_of(module)):
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"environ", "environb", "getenv", "getenvb"}, ast.unparse(node)
        if isinstance(node, ast.keyword):
            assert node.arg != "envvar" or module in NAMES_VARIABLES
    readers = {"os.environ", "os.getenv", "dotenv"}
    assert not any(is_within(name, reader) for name in imports_of(module) for reader in readers)


def test_the_server_starts_without_what_is_heavy() -> None:
    code = (
        "import json, sys, evolink_mock.cli.app, evolink_mock.server.server, evolink_mock.server.app, evolink_spec;"
        "from evolink_mock.service.service import Service; from evolink_mock.settings import Settings;"
        "evolink_mock.server.app.create_app(Service(evolink_spec.load(), Settings()));"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(json.loads(done.stdout))
    assert {"starlette", "uvicorn"} <= loaded, "it was the server that was started"
    assert loaded & (HEAVY | {"evolink_check"}) == set()
