#!/usr/bin/env bash
# Guess: a library that validates against OpenAPI reads a body of `application/problem+json`, or of any other
#   type with the suffix `+json`, as JSON: the suffix is what RFC 6839 gives it for.
# What happens: openapi-core knows the name application/json and decodes that. A documented problem+json body
#   reaches the schema as Python bytes and is "not of type 'object'". A media type range as the key, `*/*`,
#   has the same effect on plain application/json: the lookup goes by the key, not by the type received.
# Why it matters: error answers are problem+json in many APIs. A contract test with openapi-core fails each
#   right one until a deserializer is registered for every such name.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check openapi-core==0.23.1 openapi-schema-validator==0.8.1

cat >"$dir/check.py" <<'PYTHON'
from importlib.metadata import version

from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

print("openapi-core", version("openapi-core"))


def check(key: str, content_type: str) -> str:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}}
    responses = {"400": {"description": "bad", "content": {key: {"schema": schema}}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "servers": [{"url": "http://api.example"}],
        "paths": {"/p": {"get": {"responses": responses}}},
    }
    result = OpenAPI.from_dict(document).unmarshal_response(
        MockRequest("http://api.example", "get", "/p"),
        MockResponse(b'{"title": "no"}', status_code=400, content_type=content_type),
    )
    return str(result.errors[0].__cause__.schema_errors[0].message) if result.errors else str(result.data)


for key, content_type in (
    ("application/json", "application/json"),
    ("application/problem+json", "application/problem+json"),
    ("*/*", "application/json"),
):
    print(f"documented {key}, received {content_type}: {check(key, content_type)}")
PYTHON

cat >"$dir/expected" <<'EXPECTED'
openapi-core 0.23.1
documented application/json, received application/json: {'title': 'no'}
documented application/problem+json, received application/problem+json: b'{"title": "no"}' is not of type 'object'
documented */*, received application/json: b'{"title": "no"}' is not of type 'object'
EXPECTED
"$dir/venv/bin/python" -W ignore "$dir/check.py" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
