#!/usr/bin/env bash
# Guess: an OpenAPI document made from recorded traffic says what was seen, and is a valid document.
# What happens: har-to-openapi declares version 3.0.0 and writes `required: []` for every object, which 3.0
#   forbids (at least one entry); openapi-spec-validator refuses the document. A member that was in every
#   answer is not required all the same, while `additionalProperties: false` closes every object: the next
#   field that the server adds breaks the contract, a field that it loses does not.
# Why it matters: "record, generate, then validate" stops at the second tool; and mended by hand, the contract is
#   strict where servers grow and lax where clients break.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" har-to-openapi@2.0.0
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check openapi-spec-validator==0.8.5

cat >"$dir/generate.mjs" <<'JS'
import fs from 'fs'
import { generateSpec } from 'har-to-openapi'
const manifest = new URL('./node_modules/har-to-openapi/package.json', import.meta.url)
const entry = (text) => ({
  startedDateTime: '2026-01-01T00:00:00.000Z',
  time: 1,
  request: {
    method: 'GET', url: 'http://api.example/task', httpVersion: 'HTTP/1.1',
    cookies: [], headers: [], queryString: [], headersSize: -1, bodySize: -1,
  },
  response: {
    status: 200, statusText: 'OK', httpVersion: 'HTTP/1.1', cookies: [], headers: [],
    content: { size: text.length, mimeType: 'application/json', text },
    redirectURL: '', headersSize: -1, bodySize: -1,
  },
  cache: {},
  timings: { send: 0, wait: 1, receive: 0 },
})
const entries = [entry('{"status":"pending"}'), entry('{"status":"failed"}')]
const { spec } = await generateSpec({ log: { version: '1.2', creator: { name: 'c', version: '1' }, entries } })
const { required, additionalProperties } = spec.paths['/task'].get.responses[200].content['application/json'].schema
console.log('har-to-openapi', JSON.parse(fs.readFileSync(manifest, 'utf8')).version, 'OpenAPI', spec.openapi)
console.log('the schema of both answers:', JSON.stringify({ required, additionalProperties }))
fs.writeFileSync(process.argv[2], JSON.stringify(spec))
JS
cat >"$dir/validate.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version

from openapi_spec_validator import OpenAPIV30SpecValidator

errors = list(OpenAPIV30SpecValidator(json.load(open(sys.argv[1]))).iter_errors())
print("openapi-spec-validator", version("openapi-spec-validator"), *(error.message for error in errors if error.path[0] == "required"))
PYTHON

cat >"$dir/expected" <<'EXPECTED'
har-to-openapi 2.0.0 OpenAPI 3.0.0
the schema of both answers: {"required":[],"additionalProperties":false}
openapi-spec-validator 0.8.5 [] should be non-empty
EXPECTED
{
  node "$dir/generate.mjs" "$dir/openapi.json"
  "$dir/venv/bin/python" "$dir/validate.py" "$dir/openapi.json"
} >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
