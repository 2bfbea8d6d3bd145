"""The dependencies of pyproject.toml: whatever the source imports is declared."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
from support.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OPTIONAL = {
    "av",
    "httpx",
    "httpx2",
    "mcp",
    "prometheus-client",
    "pytest",
    "redis",
}  # of the mock: whoever needs results, a transport, the fixtures or a store on a server has them
DISTRIBUTIONS = packages_distributions()
PACKAGES = {
    "spec/evolink_spec": PROJECT["dependencies"],
    "mockserver/evolink_mock": PROJECT["dependencies"],
    "contracts/evolink_check": [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["contracts"]],
}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported_by(package: str) -> set[str]:
    """The top-level modules that a package imports, for types or at run time, less the standard library."""
    modules: set[str] = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module)
    tops = {module.partition(".")[0] for module in modules}
    return {top for top in tops if top not in sys.stdlib_module_names and not top.startswith("evolink_")}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_imported_distribution_is_declared(package: str) -> None:
    declared = {normal(re.split(r"[^A-Za-z0-9_.-]", requirement)[0]) for requirement in PACKAGES[package]}
    imported = {
        module: {normal(name) for name in DISTRIBUTIONS.get(module, [module])}
        for module in imported_by(package)
    }
    optional = OPTIONAL if package.startswith("mockserver") else set()
    undeclared = {module for module, names in imported.items() if not names & (declared | optional)}
    assert undeclared == set()


def test_every_dependency_states_a_lower_bound_and_no_upper_one() -> None:
    requirements = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["contracts"]]
    assert [text for text in requirements if not re.match(r"[a-z0-9-]+>=[0-9.]+(;.*)?$", text)] == []
