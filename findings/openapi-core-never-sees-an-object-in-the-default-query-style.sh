#!/usr/bin/env bash
# Guess: the style that an OpenAPI query parameter has when nothing is said (form, explode: true) is the one a
#   library handles best. For an object it means one query parameter a property: `?status=failed&limit=5`.
# What happens: openapi-core looks for a query parameter with the object's own name, `?filter=…`, and finds
#   none. A required object counts as missing in a right request; an optional one is silently not there, so
#   its schema (here: limit is an integer) is not applied to a wrong request. With `explode: false` it works.
#   A `deepObject` parameter is lost in the same way when its first key has a hyphen, `f[created-at]=1`, and
#   no other key stands beside it: the key is looked for with a pattern of word characters.
# Why it matters: a mock refuses right requests, or a contract test passes wrong ones, only for the default.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check openapi-core==0.23.1 openapi-schema-validator==0.8.1

cat >"$dir/check.py" <<'PYTHON'
from importlib.metadata import version

from openapi_core import OpenAPI
from openapi_core.testing import MockRequest

print("openapi-core", version("openapi-core"))


def check(query: dict[str, str], **parameter: object) -> str:
    properties = {"status": {"type": "string"}, "limit": {"type": "integer"}, "created-at": {"type": "string"}}
    schema = {"type": "object", "properties": properties}
    ok = {"200": {"description": "ok"}}
    operation = {"parameters": [{"name": "f", "in": "query", "schema": schema, **parameter}], "responses": {"200": {"description": "ok"}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "servers": [{"url": "http://api.example"}],
        "paths": {"/p": {"get": operation}},
    }
    result = OpenAPI.from_dict(document).unmarshal_request(
        MockRequest("http://api.example", "get", "/p", args=query)
    )
    return f"{result.parameters.query} {[str(error) for error in result.errors]}"


print("required, right:", check({"status": "failed", "limit": "5"}, required=True))
print("optional, wrong:", check({"status": "failed", "limit": "many"}))
print("explode: false, right:", check({"f": "status,failed,limit,5"}, explode=False, required=True))
deep = {"style": "deepObject", "explode": True, "required": True}
print("deepObject, right:", check({"f[limit]": "5"}, **deep))
print("deepObject, hyphen:", check({"f[created-at]": "1"}, **deep))
print("deepObject, hyphen beside another:", check({"f[limit]": "5", "f[created-at]": "1"}, **deep))
PYTHON

cat >"$dir/expected" <<'EXPECTED'
openapi-core 0.23.1
required, right: {} ['Missing required query parameter: f']
optional, wrong: {} []
explode: false, right: {'f': {'status': 'failed', 'limit': 5}} []
deepObject, right: {'f': {'limit': 5}} []
deepObject, hyphen: {} ['Missing required query parameter: f']
deepObject, hyphen beside another: {'f': {'limit': 5, 'created-at': '1'}} []
EXPECTED
"$dir/venv/bin/python" -W ignore "$dir/check.py" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
