"""The JSON Schemas that editors read say what the command line takes."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest
from click.testing import CliRunner
from evolink_mock.cli.app import SERVE_OPTIONS, app

RUN = CliRunner()


def schema(what: str) -> dict[str, object]:
    done = RUN.invoke(app, ["schema", what])
    assert done.exit_code == 0
    found: dict[str, object] = json.loads(done.output)
    return found


def test_every_option_of_serve_is_a_setting() -> None:
    properties = schema("settings")["properties"]
    assert isinstance(properties, dict)
    assert set(properties) == set(SERVE_OPTIONS)


@pytest.mark.parametrize("settings", [{"port": 0, "token": ["a"], "quiet": True}, {"rate": "3/minute"}, {}])
def test_settings_that_serve_takes_are_valid(settings: dict[str, object]) -> None:
    assert jsonschema_rs.Draft202012Validator(schema("settings")).is_valid(settings)


@pytest.mark.parametrize("settings", [{"prot": 1}, {"port": 70_000}, {"port": "x"}, {"token": "a"}])
def test_a_slip_is_not(settings: dict[str, object]) -> None:
    assert not jsonschema_rs.Draft202012Validator(schema("settings")).is_valid(settings)


@pytest.mark.parametrize(
    ("recipe", "good"), [("429*2, ok", True), ("fail=service_error@40", True), ("", False)]
)
def test_the_schema_of_a_recipe_knows_one(recipe: str, *, good: bool) -> None:
    assert jsonschema_rs.Draft202012Validator(schema("recipe")).is_valid(recipe) is good


def test_another_schema_is_a_usage_error() -> None:
    assert RUN.invoke(app, ["schema", "clauses"]).exit_code == 2
