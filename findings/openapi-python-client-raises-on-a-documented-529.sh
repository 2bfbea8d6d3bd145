#!/usr/bin/env bash
# Guess: a generated client hands over any answer with its status and body, above all one that the document
#   describes. 529 (overloaded) is what several AI APIs answer under load, and any three digits from 100 to 599
#   are a status by RFC 9110.
# What happens: the client that openapi-python-client generates turns the status into Python's `HTTPStatus`,
#   which has the registered numbers alone. On 529 it raises ValueError before the caller sees the status, the
#   body or Retry-After. A 404 that is not documented is handed over.
# Why it matters: a retry written around `response.status_code` never gets to see the one answer it is for. A mock
#   that plays 503 for "overloaded" hides this.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check openapi-python-client==0.29.1 httpx==0.28.1

cat >"$dir/openapi.json" <<'JSON'
{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {"/task": {"get": {
  "operationId": "getTask",
  "responses": {"200": {"description": "ok"}, "503": {"description": "down"}, "529": {"description": "overloaded"}}}}}}
JSON
cat >"$dir/check.py" <<'PYTHON'
from importlib.metadata import version

import httpx
from client import Client
from client.api.default import get_task

print("openapi-python-client", version("openapi-python-client"))
for status in (200, 503, 404, 529):
    transport = httpx.MockTransport(lambda _: httpx.Response(status, headers={"Retry-After": "5"}))
    client = Client(base_url="http://api.example")
    client.set_httpx_client(httpx.Client(base_url="http://api.example", transport=transport))
    try:
        print(status, "-> response with status", int(get_task.sync_detailed(client=client).status_code))
    except Exception as error:
        print(status, "->", type(error).__name__, error)
PYTHON

(cd "$dir" && PATH="$dir/venv/bin:$PATH" openapi-python-client generate \
  --path openapi.json --meta none --output-path client >generate.log 2>&1)
cat >"$dir/expected" <<'EXPECTED'
openapi-python-client 0.29.1
200 -> response with status 200
503 -> response with status 503
404 -> response with status 404
529 -> ValueError 529 is not a valid HTTPStatus
EXPECTED
"$dir/venv/bin/python" "$dir/check.py" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
