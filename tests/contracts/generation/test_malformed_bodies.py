"""Bodies that are wrong on the wire: each is, surely or for most, and none makes a task."""

from __future__ import annotations

import json

import pytest
from evolink_check.analysis.request_faults import create_faults
from evolink_check.generation.fields import minimal_body
from evolink_check.generation.malformed_bodies import (
    refused_malformed,
    tolerated_malformed,
    without_last_required_field,
)
from support.mocks.in_process import BODY, CREATE, MODEL, SPEC
from support.mocks.sending import SUBJECT, sending

CREATES = SPEC.creates["POST", CREATE]
OPERATION = CREATES[MODEL]
GOOD = minimal_body(OPERATION, SUBJECT)
REFUSED = {case.name: case for case in refused_malformed(OPERATION, SPEC, GOOD)}
LENIENT = {case.name: case for case in tolerated_malformed(OPERATION, SPEC, GOOD)}


def test_the_good_body_is_the_usual_one() -> None:
    assert GOOD == BODY


@pytest.mark.parametrize("name", REFUSED)
def test_nonsense_has_a_sure_fault(name: str) -> None:
    case = REFUSED[name]
    faults = create_faults(case.headers, case.body, CREATES)
    assert any(fault.sure for fault in faults)
    assert not case.creates


@pytest.mark.parametrize("name", LENIENT)
def test_what_divides_decoders_is_sent_with_a_budget_only(name: str) -> None:
    case = LENIENT[name]
    faults = create_faults(case.headers, case.body, CREATES)
    assert faults
    assert not any(fault.sure for fault in faults)
    assert case.creates


def test_a_field_is_missing_from_what_divides_decoders() -> None:
    assert without_last_required_field(GOOD, OPERATION) == {"model": MODEL, "prompt": BODY["prompt"]}
    assert not any(b"image_urls" in case.body for case in LENIENT.values())


def test_the_mock_refuses_all_of_it() -> None:
    with sending() as send:
        for case in (*REFUSED.values(), *LENIENT.values()):
            assert send(case).exchange.status == 400, case.name


def test_the_kinds_of_nonsense_are_there() -> None:
    bodies = [case.body for case in REFUSED.values()]
    assert b"" in bodies
    assert max(map(len, bodies)) > 3 * 1024 * 1024
    assert {type(value) for value in map(decoded, bodies)} >= {list, int, bool, str, type(None), dict, float}
    kinds = {dict(case.headers)["Content-Type"].partition(";")[0] for case in REFUSED.values()}
    assert {"application/json", "text/plain", "application/x-www-form-urlencoded"} <= kinds
    assert any(dict(case.headers).get("Content-Encoding") == "gzip" for case in REFUSED.values())
    assert any(body.startswith(b"\xef\xbb\xbf") for body in (case.body for case in LENIENT.values()))


def decoded(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return ...


def test_large_bodies_speak_of_the_limit() -> None:
    large = [case for case in REFUSED.values() if len(case.body) > 1_000_000]
    assert len(large) == 3
    assert all(case.clauses[0] == "body.limit" for case in large)
