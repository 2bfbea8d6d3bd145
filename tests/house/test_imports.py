"""Who may know whom: the rules of the house, read from the source."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

import pytest
from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("spec", "mockserver", "contracts")
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
FORBIDDEN = {"spec": {"mockserver", "contracts"}, "mockserver": {"contracts"}, "contracts": {"mockserver"}}

# Nothing happens in these rooms but thought: what they need is given to them.
PURE = [
    *("accounts", "bodies", "callbacks", "effects", "faults", "grammar", "guard", "ids", "looks", "plans"),
    *("policy", "quantities", "recipes", "scripts", "shortcuts", "validation", "views"),
]
# The judge, and what it knows: a verdict depends on the trace and on nothing else.
JUDGES = [
    *("addresses", "answers", "budget", "cases", "conformance", "formats", "judging", "reading", "report"),
    *("requests", "secrets", "trace"),
    *(
        f"rules.{path.stem}".removesuffix(".__init__")
        for path in sorted((ROOT / "contracts/rules").glob("*.py"))
    ),
]
PURE_ROOMS = [
    *(f"mockserver.{name}" for name in PURE),
    *(
        "evolink_spec.errors",
        "evolink_spec.operations",
        "evolink_spec.overlay",
        "evolink_spec.pointers",
        "evolink_spec.models",
        "evolink_spec.schemas",
        "evolink_spec.tasks",
    ),
    *(f"contracts.{name}" for name in JUDGES),
]
WORLDLY = {
    *(
        "asyncio",
        "concurrent",
        "datetime",
        "fcntl",
        "ftplib",
        "glob",
        "http",
        "io",
        "logging",
        "multiprocessing",
    ),
    *(
        "os",
        "pathlib",
        "random",
        "secrets",
        "select",
        "selectors",
        "shutil",
        "signal",
        "socket",
        "socketserver",
    ),
    *("ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib.request", "uuid", "zoneinfo"),
    *("anyio", "av", "httpcore", "httptools", "httpx", "requests", "starlette", "uvicorn", "uvloop"),
}
CLOCKS = (".time", ".monotonic", ".perf_counter", "datetime.now", ".utcnow", ".today")
TIMED = {"evolink_mock.domain.clock", "evolink_check.clock", "evolink_check.client.harness.virtual_time"}
ENVIRONMENT = {"evolink_mock.settings", "evolink_check.cli.config"}
HEAVY = {"av", "httpcore", "httpx", "hypothesis", "jsonschema", "openapi_core", "rich", "schemathesis"}


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def nodes_of(tree: ast.AST, *, types: bool) -> Iterator[ast.AST]:
    """Every node below; with `types`, also what only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if types or not is_for_types_only(node):
            yield node
            yield from nodes_of(node, types=types)


def imports_of(module: str, *, types: bool = False) -> set[str]:
    """Every name that a module imports, at its top or in a function: `a.b` for `from a import b` too."""
    found: set[str] = set()
    for node in nodes_of(tree_of(module), types=types):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def reaches(imported: str, names: set[str]) -> bool:
    """Whether an import is one of these modules, or comes from within one."""
    return any(imported == name or imported.startswith(f"{name}.") for name in names)


def test_every_package_is_there() -> None:
    assert {module.partition(".")[0] for module in MODULES} == set(PACKAGES)
    assert set(PURE_ROOMS) <= MODULES.keys()


@pytest.mark.parametrize("module", MODULES)
def test_nobody_knows_whom_it_must_not_know(module: str) -> None:
    others = FORBIDDEN[module.partition(".")[0]]
    assert {one for one in imports_of(module, types=True) if reaches(one, others)} == set()


@pytest.mark.parametrize("module", [module for module in MODULES if module not in TIMED])
def test_only_the_clock_reads_the_time(module: str) -> None:
    assert {one for one in imports_of(module) if reaches(one, {"time"})} == set()
    asked = {
        ast.unparse(node)
        for node in nodes_of(tree_of(module), types=False)
        if isinstance(node, ast.Attribute)
    }
    assert {
        one for one in asked if one.endswith((".time", ".monotonic", ".perf_counter", ".utcnow"))
    } == set()


@pytest.mark.parametrize("module", [module for module in MODULES if module not in ENVIRONMENT])
def test_only_the_settings_and_the_options_read_the_environment(module: str) -> None:
    for node in nodes_of(tree_of(module), types=False):
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"environ", "environb", "getenv", "getenvb"}, ast.unparse(node)
        if isinstance(node, ast.keyword):
            assert node.arg != "envvar" or module in {"evolink_mock.cli.options", "evolink_check.cli.options"}
    assert not any(reaches(one, {"os.environ", "os.getenv", "dotenv"}) for one in imports_of(module))


@pytest.mark.parametrize("module", PURE_ROOMS)
def test_a_pure_room_imports_nothing_of_the_world(module: str) -> None:
    imported = imports_of(module)
    assert {one for one in imported if reaches(one, WORLDLY)} == set()
    ours = {one for one in imported if reaches(one, set(PACKAGES))}
    known = {one if one in MODULES else one.rpartition(".")[0] for one in ours} - {"mockserver", "spec"}
    assert known <= set(PURE_ROOMS), "a pure room leans on pure rooms only"


@pytest.mark.parametrize("module", PURE_ROOMS)
def test_a_pure_room_neither_opens_nor_prints_nor_waits(module: str) -> None:
    for node in nodes_of(tree_of(module), types=False):
        assert not isinstance(node, ast.Await | ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"open", "print", "input", "exec", "eval", "__import__"}


def test_the_server_starts_without_what_is_heavy() -> None:
    code = (
        "import json, sys, evolink_mock.cli.app, evolink_mock.server.server, evolink_mock.server.app, spec;"
        "evolink_mock.server.app.create_app(spec.load());"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(json.loads(done.stdout))
    assert {"starlette", "uvicorn", "jsonschema_rs"} <= loaded, "it was the server that was started"
    assert loaded & (HEAVY | {"contracts"}) == set()
