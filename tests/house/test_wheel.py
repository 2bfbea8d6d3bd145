"""The built wheel, in a project that has `spec/`, `mockserver/` and `contracts/` of its own; and the source archive."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from support.paths import ROOT

PACKAGES = {"evolink_check", "evolink_mock", "evolink_spec"}
DATA = {
    "evolink_check/client/reports/report.schema.json",
    "evolink_check/drift/reports/report.schema.json",
    "evolink_check/reports/report.schema.json",
    "evolink_mock/cli/redirect.cjs",
    "evolink_mock/control/control.yaml",
    "evolink_mock/py.typed",
    "evolink_spec/clauses.yaml",
    "evolink_spec/compiled.json",
    "evolink_spec/openapi/get-task-detail.yaml",
    "evolink_spec/overlay.yaml",
}
READ_BY_TESTS = {
    ".ci/interpreters",
    ".ci/lowest",
    ".ci/package",
    ".ci/run",
    ".ci/vendor",
    ".dockerignore",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "LICENSE",
    "README.md",
    "action.yml",
    "compose.yaml",
    "mkdocs.yml",
    "pyproject.toml",
    "benchmarks/README.md",
    "docs/console.md",
    "examples/deployment/gitlab-ci.yaml",
    "mockserver/evolink_mock/console/static/reference.js",
    "tests/house/test_wheel.py",
}
PROJECT = {
    "spec/__init__.py": "NAME = 'spec'\n",
    "mockserver/__init__.py": "NAME = 'mockserver'\n",
    "contracts/__init__.py": "",
    "contracts/loader.py": "def load():\n    return 'ours'\n",
    "test_project.py": """
import mockserver
import spec
from contracts.loader import load
from evolink_check import Subject
from evolink_mock import MockServer
from evolink_spec import load as load_spec


def test_own_packages_and_the_fixtures_live_side_by_side(evolink_mock):
    assert (spec.NAME, mockserver.NAME, load()) == ("spec", "mockserver", "ours")
    assert load_spec().query.path.startswith("/v1/tasks/")
    assert evolink_mock.tasks == []
    assert Subject.at(evolink_mock.base_url, key=evolink_mock.token).url == evolink_mock.base_url
""",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build("wheel", tmp_path_factory.mktemp("dist"))


def _build(target: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (built,) = (path for path in folder.iterdir() if path.suffix in {".whl", ".gz"})
    return built


def test_the_wheel_holds_three_packages_and_their_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    top = {name.partition("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == PACKAGES
    assert names >= DATA


def test_the_source_archive_holds_what_its_tests_read(tmp_path: Path) -> None:
    with tarfile.open(_build("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= READ_BY_TESTS
    assert not {name.partition("/")[0] for name in names} & {".git", ".venv", "uv.lock"}


def test_the_fixtures_run_in_a_project_with_packages_of_the_folders_names(
    wheel: Path, tmp_path: Path
) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    zipfile.ZipFile(wheel).extractall(site)
    # The dependencies are those of this run. Its own .pth files are not read from there, so this checkout is not found.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    project = tmp_path / "project"
    for name, text in PROJECT.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    python = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
