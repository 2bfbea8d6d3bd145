#!/usr/bin/env bash
# Guess: a generated client writes query parameters as the document says: `deepObject` as `filter[limit]=3`, and an
#   array with `explode: false` as `ids=a,b`.
# What happens: openapi-python-client reads neither `style` nor `explode`. It sends the properties of the object
#   as parameters of their own, which is the default style, so a documented parameter that has the name of a
#   property is overwritten: with limit=10 and filter.limit=3 the request says limit=3 and nothing else. The
#   array goes out as `ids=a&ids=b`. openapi-core, given the same document, finds no filter and one id of two.
# Why it matters: no warning at generation, no error at the call. A mock that answers such a request with its
#   example agrees; a server returns a page of another size, unfiltered.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
  openapi-python-client==0.29.1 httpx==0.28.1 openapi-core==0.23.1 openapi-schema-validator==0.8.1

cat >"$dir/openapi.json" <<'JSON'
{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "servers": [{"url": "http://api.example"}],
 "paths": {"/tasks": {"get": {"operationId": "listTasks", "responses": {"200": {"description": "ok"}}, "parameters": [
  {"name": "limit", "in": "query", "schema": {"type": "integer"}},
  {"name": "filter", "in": "query", "style": "deepObject", "explode": true, "schema": {
   "type": "object", "properties": {"status": {"type": "string"}, "limit": {"type": "integer"}}}},
  {"name": "ids", "in": "query", "explode": false, "schema": {"type": "array", "items": {"type": "string"}}}]}}}}
JSON
cat >"$dir/check.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version

import httpx
from client import Client
from client.api.default import list_tasks
from client.models import ListTasksFilter
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest
from werkzeug.datastructures import ImmutableMultiDict

print(*(f"{name} {version(name)}" for name in ("openapi-python-client", "openapi-core")))
document = OpenAPI.from_dict(json.load(open(sys.argv[1])))


def answer(request: httpx.Request) -> httpx.Response:
    report("sent", request.url)
    return httpx.Response(200)


def report(label: str, url: httpx.URL) -> None:
    print(f"{label}:", url.query.decode())
    args = ImmutableMultiDict(url.params.multi_items())
    result = document.unmarshal_request(MockRequest("http://api.example", "get", "/tasks", args=args))
    print("  read by openapi-core:", result.parameters.query, [str(error) for error in result.errors])


report("documented", httpx.URL("http://api.example/tasks?limit=10&filter[status]=failed&filter[limit]=3&ids=a,b"))
client = Client(base_url="http://api.example")
client.set_httpx_client(httpx.Client(base_url="http://api.example", transport=httpx.MockTransport(answer)))
list_tasks.sync_detailed(client=client, limit=10, filter_=ListTasksFilter(status="failed", limit=3), ids=["a", "b"])
PYTHON

(cd "$dir" && PATH="$dir/venv/bin:$PATH" openapi-python-client generate \
  --path openapi.json --meta none --output-path client >generate.log 2>&1)
cat >"$dir/expected" <<'EXPECTED'
openapi-python-client 0.29.1 openapi-core 0.23.1
documented: limit=10&filter[status]=failed&filter[limit]=3&ids=a,b
  read by openapi-core: {'limit': 10, 'filter': {'status': 'failed', 'limit': 3}, 'ids': ['a', 'b']} []
sent: limit=3&status=failed&ids=a&ids=b
  read by openapi-core: {'limit': 3, 'ids': ['a']} []
EXPECTED
"$dir/venv/bin/python" -W ignore "$dir/check.py" "$dir/openapi.json" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
