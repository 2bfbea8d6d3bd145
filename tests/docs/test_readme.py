"""The README is executed: its commands run, its answers are the answers, its tables are complete."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer.main
from evolink_mock.cli.app import SERVE_OPTIONS, app
from evolink_spec import load
from evolink_spec.documents import read
from support.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
SHELL = [text for language, text in BLOCKS if language == "sh"]
Serve = Callable[[str], str]
BIN = Path(sys.executable).parent
TIMEOUT = 30
OPTIONS = typer.main.get_command(app).commands["serve"].params  # type: ignore[attr-defined]  # it is a group


def commands(block: str) -> list[str]:
    """The commands of a shell block without comments, continued lines joined."""
    lines = block.replace("\\\n", " ").splitlines() if "'" not in block else [block]
    return [line.partition("    #")[0].strip() for line in lines if line.strip()]


SERVES = [c for block in SHELL for c in commands(block) if "evolink-mock serve" in c and "--help" not in c]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts a `serve` command of the README on a free port, in `tmp_path`; gives its URL once it is ready."""
    processes: list[subprocess.Popen[str]] = []

    def start(command: str) -> str:
        words = command.split("uv run evolink-mock serve")[1].split()
        argv = [str(BIN / "evolink-mock"), "serve", *words, "--port", "0", "--duration", "50ms"]
        process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path
        )
        processes.append(process)
        timer = threading.Timer(
            TIMEOUT, process.kill
        )  # a command that never gets ready fails, it does not hang
        timer.start()
        output = ""
        while not (found := re.search(r" at (http://127\.0\.0\.1:\d+)", output)):
            line = process.stdout.readline() if process.stdout else ""
            output += line
            assert line, f"it ended: {output}"
        timer.cancel()
        return found[1]

    yield start
    for process in processes:
        process.terminate()
        process.communicate(timeout=TIMEOUT)


def shell(command: str, url: str, **variables: str) -> str:
    """Run a command of the README against `url` in place of the default address; what it printed."""
    environment = {**os.environ, **variables, "NO_PROXY": "127.0.0.1"}
    command = command.replace("http://127.0.0.1:8080", url)
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, env=environment, timeout=TIMEOUT, check=True
    )
    return done.stdout


def test_the_first_command_stands_in_the_first_ten_lines_and_an_answer_in_the_first_twenty_five() -> None:
    lines = README.splitlines()
    assert any("uv run evolink-mock serve" in line for line in lines[:10])
    assert any('"id":"task-unified-' in line for line in lines[:25])


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_curl_session_of_the_readme_ends_with_a_video(serve: Serve, tmp_path: Path) -> None:
    url = serve(SERVES[0])
    create, query, download = (c for block in SHELL for c in commands(block) if c.startswith("curl"))
    task = json.loads(shell(create, url))
    while (seen := json.loads(shell(query, url, TASK=task["id"])))["status"] != "completed":
        assert seen["status"] in {"pending", "processing"}
    shell(download.replace("-o video.mp4", f"-o {tmp_path / 'video.mp4'}"), url, TASK=task["id"])
    assert (tmp_path / "video.mp4").read_bytes()[4:8] == b"ftyp"


def test_the_shown_answer_has_the_fields_and_the_order_of_a_real_one(serve: Serve) -> None:
    url = serve(SERVES[0])
    shown = json.loads(next(text for language, text in BLOCKS if language == "json"))
    create = next(c for block in SHELL for c in commands(block) if c.startswith("curl"))
    answer = json.loads(shell(create, url))
    same = {"created", "id", "task_info"}  # these differ from run to run, and the speed is the test's own
    assert list(answer) == list(shown)
    assert {k: v for k, v in answer.items() if k not in same} == {
        k: v for k, v in shown.items() if k not in same
    }


def test_the_shown_error_is_the_error(serve: Serve) -> None:
    url = serve(SERVES[0])
    shown = [json.loads(text) for language, text in BLOCKS if language == "json"][1]
    create = next(c for block in SHELL for c in commands(block) if c.startswith("curl"))
    assert json.loads(shell(create.replace('"model"', '"duration": 7, "model"'), url)) == shown


@pytest.mark.parametrize("command", SERVES)
def test_every_serve_command_gets_ready(serve: Serve, tmp_path: Path, command: str) -> None:
    document = read(ROOT / "spec" / "evolink_spec" / "openapi" / "grok-imagine-image-to-video.yaml")
    for name, model in (("seedance.yaml", "seedance"), ("nano-banana.md", "nano")):
        text = json.dumps(document).replace("grok-imagine-image-to-video-beta", model)
        page = f"# A page\n\n````yaml {name}\n{text}\n````\n" if name.endswith(".md") else text
        (tmp_path / name).write_text(
            page.replace("createGrokImagineImageToVideoGeneration", model), encoding="utf-8"
        )
    overlay = {
        "overlay": "1.0.0",
        "info": {"title": "t", "version": "1"},
        "actions": [{"target": "$", "update": {}}],
    }
    (tmp_path / "my-overlay.yaml").write_text(json.dumps(overlay), encoding="utf-8")
    assert serve(command)


@pytest.mark.parametrize("block", [text for language, text in BLOCKS if language == "python"])
def test_python_blocks_run(block: str) -> None:
    exec(compile(block, "README.md", "exec"), {})


def test_every_option_stands_in_the_table_with_its_default_and_help() -> None:
    for option in OPTIONS:
        row = next((line for line in README.splitlines() if line.startswith(f"| `{option.opts[0]}")), None)
        if option.name == "help":
            continue
        assert row is not None, option.opts
        assert option.help in row
        if not option.is_flag and option.default:
            assert f"`{option.default}`" in row


def test_every_option_is_a_setting_of_pyproject() -> None:
    words = {option.name for option in OPTIONS} - {"help"}
    assert words == set(SERVE_OPTIONS)


def test_every_task_failure_stands_in_the_readme() -> None:
    known = [name for one in load().failures for name in (one.code, *dict(one.kinds))]
    missing = [name for name in known if f"`{name}`" not in README]
    assert not missing


def test_the_commands_of_the_readme_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = set(re.findall(r"uv run (evolink-[a-z]+)", README))
    assert named == set(project["scripts"])


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_every_link_leads_to_a_file(link: str) -> None:
    assert (ROOT / link).exists()
