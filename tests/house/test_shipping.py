"""What ships beside the package: valid files of their formats, with options and paths that exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from evolink_mock.cli.options import ServeOptions
from evolink_mock.settings import Settings
from evolink_spec.options.declaration import fields_of
from support.paths import ROOT

EXAMPLES = "examples/deployment"
FORMATS = {
    "action.yml": "vendor.github-actions",
    "compose.yaml": "vendor.compose-spec",
    f"{EXAMPLES}/compose-valkey.yaml": "vendor.compose-spec",
    f"{EXAMPLES}/github-workflow.yaml": "vendor.github-workflows",
    f"{EXAMPLES}/gitlab-ci.yaml": "vendor.gitlab-ci",
}
FLAGS = {field.flag for record in (Settings, ServeOptions) for field in fields_of(record)}
SERVING = [
    "Dockerfile",
    "compose.yaml",
    *(str(path.relative_to(ROOT)) for path in (ROOT / EXAMPLES).iterdir()),
]


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_follows_the_schema_of_its_format(name: str) -> None:
    _run("check-jsonschema", "--builtin-schema", FORMATS[name], name)


def _run(program: str, *words: str) -> None:
    """Run a program of the environment in the repository; its output is shown if it fails."""
    command = [str(Path(sys.executable).with_name(program)), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dockerfile_follows_the_rules_of_hadolint() -> None:
    _run("hadolint", "Dockerfile")


@pytest.mark.parametrize(
    "path", sorted((ROOT / EXAMPLES).glob("kubernetes*.yaml")), ids=lambda path: path.name
)
def test_the_manifests_are_valid_kubernetes_resources(path: Path) -> None:
    _run("kubernetes-validate", "--strict", "--quiet", str(path))


@pytest.mark.parametrize("name", SERVING)
def test_every_option_of_serve_in_a_file_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    served = [line for line in text.splitlines() if re.search(r"\bserve\b", line) and "--" in line]
    used = {flag for line in served for flag in re.findall(r"--[a-z][a-z-]+", line)}
    assert used <= FLAGS


def test_the_image_copies_what_the_wheel_is_made_of() -> None:
    copied = {
        word
        for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
        if line.startswith("COPY") and "--from" not in line
        for word in line.split()[1:-1]
    }
    assert all((ROOT / name).exists() for name in copied)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {name.removeprefix("!") for name in ignored if name.startswith("!")} == copied


def test_the_scripts_of_the_action_are_valid_shell() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    for step in action["runs"]["steps"]:
        subprocess.run(["bash", "-n", "-c", step["run"]], check=True, timeout=10)
        assert "${{" not in step["run"], "an input in a script could inject commands: pass it as a variable"
        assert shlex.split(step["name"])
