from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import evolink_spec
import pytest
from evolink_spec.clauses import CLAUSES, Clause, ObservationPoint, load_clauses, with_warnings
from evolink_spec.documents import read
from evolink_spec.errors import SpecError
from evolink_spec.pointers import follow
from hypothesis import given
from hypothesis import strategies as st
from support.paths import ROOT

HERE = Path(evolink_spec.__file__).parent
LOADED = load_clauses()
BY_ID = {clause.id: clause for clause in LOADED}
DOCUMENTS = {path.name: read(path) for path in sorted((HERE / "openapi").glob("*.yaml"))}
OVERLAY = read(HERE / "overlay.yaml")
OPERATIONS = {
    "create": DOCUMENTS["grok-imagine-image-to-video.yaml"]["paths"]["/v1/videos/generations"]["post"],
    "query": DOCUMENTS["get-task-detail.yaml"]["paths"]["/v1/tasks/{task_id}"]["get"],
}
REQUEST = DOCUMENTS["grok-imagine-image-to-video.yaml"]["components"]["schemas"][
    "GrokImagineImageToVideoRequest"
]
ERRORS = [
    (name, status) for name, one in OPERATIONS.items() for status in one["responses"] if status != "200"
]

# Where the documents are silent or contradict themselves, and a word of what was decided.
CHOICES = {
    "auth.bearer": "any non-empty token",
    "body.duplicate-keys": "uses the last value",
    "body.limit": "400",
    "callback.cancelled": "not a status",
    "callback.unresolved": "the delivery fails",
    "create.image-urls-empty": "accepts an empty list and logs a warning",
    "create.required": "`required` takes precedence",
    "error.other-methods": "405",
    "error.other-paths": "404",
    "error.order": "authentication, rate, validity",
    "failure.cancelled": "failure",
    "link.expired": "410",
    "model.alias": "before it validates the body",
    "model.enum": "403",
    "prompt.length": "No limit",
    "query.extra-fields": "absence",
    "task.error-when-failed": "omits it",
}
GOOD = {
    "id": "a.b",
    "rule": "It is so.",
    "document": "d.yaml",
    "pointer": "/paths",
    "binds": "server",
    "level": "must",
    "severity": "failure",
    "observed": {"in": "query", "by": "the answer"},
}


def written(tmp_path: Path, document: Any) -> Path:
    file = tmp_path / "clauses.yaml"
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name != key}


def words_of(clause: Clause) -> str:
    return " ".join((clause.rule, clause.observed.by, clause.choice or ""))


# The clauses


def test_there_is_a_clause_for_every_sentence_that_binds() -> None:
    assert len(LOADED) >= 140


def test_servers_and_clients_are_bound_and_receivers_advised() -> None:
    assert {(clause.binds, clause.level) for clause in LOADED} == {
        *((binds, level) for binds in ("client", "server") for level in ("advice", "must")),
        ("receiver", "advice"),
    }


def test_what_the_documents_state_is_a_failure() -> None:
    assert [clause.id for clause in LOADED if (clause.level, clause.severity) == ("must", "warning")] == []


def test_what_costs_money_a_key_a_result_or_the_truth_is_a_failure_whoever_states_it() -> None:
    severities = {clause.id: clause.severity for clause in LOADED}
    costly = ("auth.header-only", "client.link-without-key", "client.no-blind-repeat", "client.no-abandon",
              "client.no-retry-refused", "client.backs-off", "client.retry-later", "client.poll-interval",
              "client.own-deadline", "client.no-crash", "client.tells-code", "client.no-guarantees",
              "client.asks-again", "client.checks-result")  # fmt: skip
    assert {severities[id_] for id_ in costly} == {"failure"}
    assert severities["client.actual-model"] == "warning"


def test_clauses_are_lowered_by_their_ids() -> None:
    lowered = with_warnings(LOADED, {"task.final"})
    changed = [new.id for old, new in zip(LOADED, lowered, strict=True) if old != new]
    assert changed == ["task.final"]
    assert next(clause for clause in lowered if clause.id == "task.final").severity == "warning"


def test_nothing_is_both_bound_to_be_checked_and_never_seen() -> None:
    unseen = {clause.id for clause in LOADED if clause.observed.where == "unseen"}
    assert unseen == {"client.image-format", "client.image-size"}


@pytest.mark.parametrize("clause", LOADED, ids=BY_ID)
def test_the_pointer_of_a_clause_leads_to_a_place_in_its_document(clause: Clause) -> None:
    if clause.document is not None and clause.pointer is not None:
        assert follow(DOCUMENTS[clause.document], clause.pointer, clause.document) is not None


@pytest.mark.parametrize("clause", LOADED, ids=BY_ID)
def test_a_rule_is_a_sentence(clause: Clause) -> None:
    assert re.fullmatch(r"[`A-Z0-9].*\.", clause.rule)
    assert clause.choice is None or re.fullmatch(r"[`A-Z0-9].*\.", clause.choice)
    assert not clause.observed.by.endswith(".")


@pytest.mark.parametrize(("id_", "decided"), CHOICES.items())
def test_a_choice_that_had_to_be_made_is_recorded(id_: str, decided: str) -> None:
    choice = BY_ID[id_].choice
    assert choice is not None
    assert decided in choice


@pytest.mark.parametrize(("operation", "status"), ERRORS)
def test_every_documented_error_has_a_clause_with_its_code_and_type(operation: str, status: str) -> None:
    example = OPERATIONS[operation]["responses"][status]["content"]["application/json"]["example"]["error"]
    rule = BY_ID[f"{operation}.error-{status}"].rule
    assert f"`{example['code']}`" in rule
    assert f"type `{example['type']}`" in rule


@pytest.mark.parametrize("name", REQUEST["properties"])
def test_every_request_property_has_a_clause(name: str) -> None:
    place = f"/components/schemas/GrokImagineImageToVideoRequest/properties/{name}"
    assert any((clause.pointer or "").startswith(place) for clause in LOADED)


@pytest.mark.parametrize("schema", ["VideoGenerationResponse", "TaskDetailResponse"])
def test_every_answer_schema_has_a_clause(schema: str) -> None:
    assert any(clause.pointer == f"/components/schemas/{schema}" for clause in LOADED)


def test_the_clause_of_the_defaults_names_the_documented_ones() -> None:
    for name in ("duration", "mode", "quality"):
        assert f"`{name}` {REQUEST['properties'][name]['default']}" in BY_ID["create.defaults"].rule


def test_the_clauses_count_as_many_failures_as_the_overlay_lists() -> None:
    failures, *same = (
        action["update"]["x-evolink-failures"]
        for action in OVERLAY["actions"]
        if "x-evolink-failures" in action["update"]
    )
    assert all(other == failures for other in same)
    numbers = {5: "five", 6: "six", 13: "thirteen"}
    advised = [failure["advice"] for failure in failures]
    assert numbers[len(failures)] in BY_ID["failure.codes"].rule
    assert numbers[advised.count("fix-request")] in BY_ID["client.fix-first"].observed.by
    assert numbers[advised.count("retry-later")] in BY_ID["client.retry-later"].observed.by
    for failure in failures:
        if failure["advice"] == "give-up":
            assert f"`{failure['code']}`" in BY_ID["client.give-up"].observed.by


def test_the_clauses_and_the_overlay_give_callbacks_the_same_numbers() -> None:
    (said,) = (action["update"] for action in OVERLAY["actions"] if "maxLength" in action["update"])
    assert f"more than {said['maxLength']} characters" in BY_ID["callback.max-length"].rule
    assert f"{said['x-evolink-callback']['timeout']} seconds" in BY_ID["callback.timeout"].rule
    assert "1, 2 and 4 seconds" in BY_ID["callback.retries"].rule
    assert said["x-evolink-callback"]["retries"] == [1, 2, 4]


def test_no_clause_names_a_model() -> None:
    names = [*REQUEST["properties"]["model"]["enum"], "grok"]
    assert not [clause.id for clause in LOADED for name in names if name in words_of(clause).lower()]


def test_every_clause_that_the_code_names_exists() -> None:
    named = set()
    for package in ("spec", "mockserver", "contracts"):
        for file in (ROOT / package).rglob("*.py"):
            for listed in re.findall(
                r"\bclauses?((?:[\s,]+(?:and )?`[^`\n]+`)+)", file.read_text(encoding="utf-8")
            ):
                named.update(re.findall(r"`([a-z0-9-]+\.[a-z0-9.*-]+)`", listed))
    prefixes = {name.removesuffix("*") for name in named if name.endswith(".*")}
    assert "failure.codes" in named
    assert {name for name in named if not name.endswith("*")} <= BY_ID.keys()
    assert all(any(id_.startswith(prefix) for id_ in BY_ID) for prefix in prefixes)


# The loader


def test_a_clause_is_read_as_it_is_written(tmp_path: Path) -> None:
    (bare, chosen) = load_clauses(
        written(
            tmp_path,
            {
                "clauses": [
                    GOOD,
                    GOOD | {"id": "a.c-d.e", "choice": "So we say.", "document": None, "pointer": None},
                ]
            },
        )
    )
    assert bare == Clause(
        "a.b",
        "It is so.",
        "d.yaml",
        "/paths",
        "server",
        "must",
        "failure",
        ObservationPoint("query", "the answer"),
    )
    assert (chosen.id, chosen.document, chosen.pointer, chosen.choice) == (
        "a.c-d.e",
        None,
        None,
        "So we say.",
    )


def test_the_clauses_come_in_the_order_of_the_file() -> None:
    assert [clause.id for clause in LOADED] == re.findall(
        r"^  - id: (.+)$", CLAUSES.read_text(encoding="utf-8"), re.MULTILINE
    )


def test_a_clause_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        LOADED[0].rule = "something else"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("document", "pointer", "problem"),
    [
        ({}, "", "has no 'clauses'"),
        ({"clauses": [GOOD], "more": 1}, "", "has 'more'"),
        ({"clauses": {}}, "/clauses", "must be a list with at least one clause"),
        ({"clauses": []}, "/clauses", "must be a list with at least one clause"),
        ({"clauses": [GOOD, "words"]}, "/clauses/1", "must be a mapping, not str"),
        ({"clauses": [GOOD, GOOD]}, "/clauses/1/id", "'a.b' appears twice"),
        ({"clauses": [GOOD | {"why": "because"}]}, "/clauses/0", "has 'why', which is not one of id, rule"),
        ({"clauses": [GOOD | {"id": "Task.final"}]}, "/clauses/0/id", "is not a dotted lower-case id"),
        ({"clauses": [GOOD | {"id": "final"}]}, "/clauses/0/id", "is not a dotted lower-case id"),
        ({"clauses": [GOOD | {"rule": "Two\nlines."}]}, "/clauses/0/rule", "must be one line of text"),
        ({"clauses": [GOOD | {"rule": " "}]}, "/clauses/0/rule", "must be one line of text"),
        ({"clauses": [GOOD | {"rule": None}]}, "/clauses/0/rule", "must be one line of text"),
        ({"clauses": [GOOD | {"document": None}]}, "/clauses/0/pointer", "given together"),
        ({"clauses": [GOOD | {"pointer": None}]}, "/clauses/0/pointer", "given together"),
        ({"clauses": [GOOD | {"pointer": 1}]}, "/clauses/0/pointer", "must be one line of text"),
        ({"clauses": [GOOD | {"binds": "both"}]}, "/clauses/0/binds", "'both' is not one of client, receiver, server"),
        ({"clauses": [GOOD | {"level": ["must"]}]}, "/clauses/0/level", "is not one of advice, must"),
        ({"clauses": [GOOD | {"severity": "error"}]}, "/clauses/0/severity", "is not one of failure, warning"),
        ({"clauses": [GOOD | {"observed": "query"}]}, "/clauses/0/observed", "must be a mapping"),
        ({"clauses": [GOOD | {"observed": {"in": "query"}}]}, "/clauses/0/observed", "has no 'by'"),
        ({"clauses": [GOOD | {"observed": {"in": "x", "by": "y"}}]}, "/clauses/0/observed/in", "'x' is not"),
        ({"clauses": [GOOD | {"choice": None}]}, "/clauses/0/choice", "must be one line of text"),
    ],
)  # fmt: skip
def test_a_malformed_file_is_an_error_with_file_and_pointer(
    tmp_path: Path, document: object, pointer: str, problem: str
) -> None:
    file = written(tmp_path, document)
    with pytest.raises(SpecError, match=re.escape(problem)) as caught:
        load_clauses(file)
    assert (caught.value.source, caught.value.pointer) == (str(file), pointer)


@pytest.mark.parametrize("key", GOOD)
def test_a_missing_key_is_an_error_that_names_it(tmp_path: Path, key: str) -> None:
    with pytest.raises(SpecError, match=rf"#/clauses/1: has no '{key}'$"):
        load_clauses(written(tmp_path, {"clauses": [GOOD | {"id": "a.a"}, without(key)]}))


@given(st.text(max_size=12))
def test_an_id_is_dotted_kebab_or_refused(tmp_path_factory: pytest.TempPathFactory, id_: str) -> None:
    file = written(tmp_path_factory.getbasetemp(), {"clauses": [GOOD | {"id": id_}]})
    parts = id_.split(".")
    kebab = len(parts) > 1 and all(
        part and re.fullmatch(r"[a-z0-9-]+", part) and "" not in part.split("-") for part in parts
    )
    if kebab and id_[0].isalpha():
        assert load_clauses(file)[0].id == id_
    else:
        with pytest.raises(SpecError):
            load_clauses(file)


def test_reading_the_contract_does_not_read_the_clauses() -> None:
    asked = "import sys, evolink_spec; evolink_spec.load(); sys.exit('evolink_spec.clauses' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
