#!/usr/bin/env bash
# Guess: "a body equal to this JSON" means equal as JSON, in each of the mocking libraries for Python: the number
#   1 is not the boolean true.
# What happens: pytest-httpx (`match_json`) and vcrpy (matching on `body`) compare Python objects, where 1 == True
#   == 1.0. A client that sends {"count": true} for {"count": 1} passes the test. respx, which compares the
#   encoded text, refuses it; and refuses 1.0 too, which is the same number in JSON.
# Why it matters: the mistake that a contract test is there for, a wrong JSON type, goes through two of three.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check pytest-httpx==0.36.2 pytest==9.2.0 respx==0.23.1 vcrpy==9.4.2 httpx==0.28.1

cat >"$dir/check.py" <<'PYTHON'
import json
from importlib.metadata import version

import httpx
import respx
from pytest_httpx import HTTPXMock
from pytest_httpx._options import _HTTPXMockOptions
from vcr.matchers import body as match_body
from vcr.request import Request

print(*(f"{name} {version(name)}" for name in ("pytest-httpx", "respx", "vcrpy")))
URL = "http://api.example/tasks"
EXPECTED = {"count": 1}


def with_pytest_httpx(sent: object) -> bool:
    mock = HTTPXMock(_HTTPXMockOptions())
    mock.add_response(match_json=EXPECTED)
    try:
        mock._handle_request(httpx.HTTPTransport(), httpx.Request("POST", URL, json=sent))
    except httpx.TimeoutException:
        return False
    return True


def with_respx(sent: object) -> bool:
    with respx.mock(assert_all_called=False) as mock:
        mock.post(URL, json=EXPECTED).respond(200)
        try:
            httpx.post(URL, json=sent)
        except respx.models.AllMockedAssertionError:
            return False
        return True


def with_vcrpy(sent: object) -> bool:
    headers = {"Content-Type": "application/json"}
    try:
        match_body(*(Request("POST", URL, json.dumps(value), headers) for value in (EXPECTED, sent)))
    except AssertionError:
        return False
    return True


for sent in ({"count": 1}, {"count": True}, {"count": 1.0}, {"count": "1"}):
    matches = {test.__name__[5:]: test(sent) for test in (with_pytest_httpx, with_respx, with_vcrpy)}
    print(json.dumps(sent), matches)
PYTHON

cat >"$dir/expected" <<'EXPECTED'
pytest-httpx 0.36.2 respx 0.23.1 vcrpy 9.4.2
{"count": 1} {'pytest_httpx': True, 'respx': True, 'vcrpy': True}
{"count": true} {'pytest_httpx': True, 'respx': False, 'vcrpy': True}
{"count": 1.0} {'pytest_httpx': True, 'respx': False, 'vcrpy': True}
{"count": "1"} {'pytest_httpx': False, 'respx': False, 'vcrpy': False}
EXPECTED
"$dir/venv/bin/python" -W ignore "$dir/check.py" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
