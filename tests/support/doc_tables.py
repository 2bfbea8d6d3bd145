"""The tables of docs/ that follow from the code: options, recipes, failure codes, routes, settings, clauses.

Each stands between two comments in a page. `uv run python tests/support/doc_tables.py` writes all of them anew.
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import evolink_check.cli.app
import evolink_mock.cli.app
import yaml
from evolink_check.cli import config_file
from evolink_check.receiver.scenarios import scenarios
from evolink_mock.recipes.effects import effect_rows
from evolink_spec import load
from evolink_spec.clauses import load_clauses
from evolink_spec.options.command_line import ListedOption, list_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PAGES = Path(__file__).parents[2] / "docs"
REGION = re.compile(
    r"(<!-- begin generated: (?P<name>[a-z ]+) -->\n)(?P<table>.*?)(<!-- end generated -->)", re.DOTALL
)
METHODS = ("get", "post", "put", "patch", "delete")
# What the declarations of the TOML file do not say by themselves.
UNDESCRIBED = {
    "failing.code": "The `error.code` with which a task with these `fields` fails.",
    "failing.fields": "Fields of the create request, which replace those of the usual request.",
    "keys.token": "The key itself. Better: use token_env.",
    "keys.token_env": "The environment variable with the key.",
}


APPS = {"evolink-mock": evolink_mock.cli.app.app, "evolink-check": evolink_check.cli.app.app}


def commands(program: str) -> dict[str, Any]:
    """The click commands of a program."""
    return dict(APPS[program].commands)


def options(command: str) -> list[ListedOption]:
    """The options of a command, without --help; of `run`, those that `serve` does not have.

    If both programs have a command with this name (`documents`), the options are those of `evolink-check`.
    """
    app = [app for app in APPS.values() if command in app.commands][-1]
    listed = list_options(app)
    shared = {option.names for option in listed if option.command == "serve" and command == "run"}
    return [option for option in listed if option.command == command and option.names not in shared]


def table(head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *(list(row) for row in body)]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def option_table(name: str) -> str:
    return table(("Option", "Default", "Meaning"), map(_option, options(name)))


def _option(option: ListedOption) -> tuple[str, str, str]:
    long, *others = option.names
    metavar = f" {option.metavar.replace('|', ', ')}" if option.metavar else ""
    default = f"`{option.default}`" if option.default else ""
    return ", ".join((f"`{long}{metavar}`", *(f"`{short}`" for short in others))), default, option.help


def recipe_table() -> str:
    head = ("Recipe", "What happens", "Operations", "Example")
    return table(
        head,
        ((f"`{form}`", meaning, where, f"`{example}`") for form, meaning, where, example in effect_rows()),
    )


def failure_table() -> str:
    body = ((f"`{one.code}`", ", ".join(f"`{kind}`" for kind, _ in one.kinds)) for one in load().failures)
    return table(("Code", "Kinds"), body)


def control_document() -> dict[str, Any]:
    """The OpenAPI document of the control API."""
    found: dict[str, Any] = yaml.safe_load((files("evolink_mock.control") / "control.yaml").read_bytes())
    return found


def route_table() -> str:
    body = (
        (f"`{method.upper()} {path}`", " ".join(item[method]["summary"].split()))
        for path, item in control_document()["paths"].items()
        for method in METHODS
        if method in item
    )
    return table(("Route", "What it does"), body)


def config_table() -> str:
    """Every key of the TOML file that describes a server."""
    return table(("Key", "Default", "Meaning"), _config_rows())


def _config_rows() -> Iterator[tuple[str, str, str]]:
    records = config_file.schema()["$defs"]
    for key, field in records["ConfigFile"]["properties"].items():
        inner = _record(field)
        if inner is None:
            yield f"`{key}`", "", field["description"]
            continue
        heading = f"[[{key}]]" if "items" in field else f"[{key}]"
        for name, described in records[inner]["properties"].items():
            default = described.get("default")
            shown = "" if default in (None, "", ()) else f"`{str(default).lower()}`"
            yield f"`{heading} {name}`", shown, _meaning(key, name, described)


def _record(field: dict[str, Any]) -> str | None:
    """The name of the record that a key holds, or holds a list of; None for a plain value."""
    for found in (field, field.get("items", {}), *field.get("anyOf", ())):
        if "$ref" in found:
            return str(found["$ref"]).rpartition("/")[2]
    return None


def _meaning(key: str, name: str, described: dict[str, Any]) -> str:
    texts = [
        found["description"] for found in (described, *described.get("anyOf", ())) if "description" in found
    ]
    if texts:
        return str(texts[0])
    if key == "effort":
        return f"As `--{name.replace('_', '-')}`."
    return UNDESCRIBED[f"{key}.{name}"]


def clause_table(binds: str) -> str:
    body = ((f"`{one.id}`", one.severity, one.rule) for one in load_clauses() if one.binds == binds)
    return table(("Clause", "Severity", "Rule"), body)


def scenario_table() -> str:
    """The scenarios in which a receiver is called."""
    return table(("Scenario", "What happens"), ((f"`{one.id}`", one.about) for one in scenarios()))


def generated(name: str) -> str:
    """The table with this name. KeyError when there is none."""
    kind, _, of = name.partition(" ")
    makers: dict[str, Callable[[], str]] = {
        "options": lambda: option_table(of),
        "recipes": recipe_table,
        "failures": failure_table,
        "routes": route_table,
        "config": config_table,
        "clauses": lambda: clause_table(of),
        "scenarios": scenario_table,
    }
    return makers[kind]()


def regions(text: str) -> dict[str, str]:
    """The generated tables of a page, by name."""
    return {found["name"]: found["table"].strip("\n") for found in REGION.finditer(text)}


def updated(text: str) -> str:
    """A page with its tables as they follow from the code."""
    return REGION.sub(lambda found: f"{found[1]}\n{generated(found['name'])}\n{found[4]}", text)


def main() -> None:
    for page in sorted(PAGES.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        page.write_text(updated(text), encoding="utf-8")


if __name__ == "__main__":
    main()
