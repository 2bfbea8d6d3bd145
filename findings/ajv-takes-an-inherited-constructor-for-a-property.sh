#!/usr/bin/env bash
# Guess: a property that an object does not have is absent, whatever its name. An answer without the optional
#   `constructor` (the team of a racing car, the builder of a ship) is valid.
# What happens: Ajv reads `data.constructor`, finds what every JavaScript object inherits, and says "must be
#   string". openapi-response-validator and openapi-backend build on it and refuse a right answer and a right
#   request; and the reverse: where `constructor` is required, {} passes. Ajv has the option `ownProperties`, off
#   unless set, which gives the expected verdicts. So does jsonschema in Python.
# Why it matters: one documented name makes each answer that leaves it out a contract violation, with a message that
#   blames the data; and where the name is required, nobody notices that it is missing.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check jsonschema==4.26.0
bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" ajv@8.20.0 openapi-response-validator@12.1.3 \
  openapi-backend@5.21.2

cat >"$dir/schemas.json" <<'JSON'
{"optional": {"type": "object", "properties": {"constructor": {"type": "string"}}},
 "required": {"type": "object", "required": ["constructor"]}}
JSON
cat >"$dir/check.mjs" <<'JS'
import fs from 'fs'
import Ajv from 'ajv'
import { OpenAPIBackend } from 'openapi-backend'
import responseValidator from 'openapi-response-validator'

const read = (name) => JSON.parse(fs.readFileSync(name, 'utf8'))
const version = (name) => read(new URL(`./node_modules/${name}/package.json`, import.meta.url)).version
console.log(...['ajv', 'openapi-response-validator', 'openapi-backend'].map((name) => `${name} ${version(name)}`))

for (const [name, schema] of Object.entries(read(process.argv[2]))) {
  console.log(`${name}: ajv`, new Ajv.default().validate(schema, {}))
  console.log(`${name}: ajv with ownProperties`, new Ajv.default({ ownProperties: true }).validate(schema, {}))

  const content = { 'application/json': { schema } }
  const responses = { 200: { description: 'ok', content } }
  const violation = new responseValidator.default({ responses }).validateResponse(200, {})
  console.log(`${name}: openapi-response-validator`, violation?.errors.map((error) => error.message) ?? true)

  const post = { operationId: 'addCar', requestBody: { required: true, content }, responses }
  const api = new OpenAPIBackend({
    definition: { openapi: '3.0.3', info: { title: 't', version: '1' }, paths: { '/cars': { post } } },
  })
  await api.init()
  const headers = { 'content-type': 'application/json' }
  const verdict = api.validateRequest({ method: 'post', path: '/cars', headers, body: {} })
  console.log(`${name}: openapi-backend`, verdict.errors?.map((error) => error.message) ?? true)
}
JS
cat >"$dir/check.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version

import jsonschema

for name, schema in json.load(open(sys.argv[1])).items():
    print(f"{name}: jsonschema {version('jsonschema')}", jsonschema.Draft202012Validator(schema).is_valid({}))
PYTHON

cat >"$dir/expected" <<'EXPECTED'
ajv 8.20.0 openapi-response-validator 12.1.3 openapi-backend 5.21.2
optional: ajv false
optional: ajv with ownProperties true
optional: openapi-response-validator [ 'must be string' ]
optional: openapi-backend [ 'must be string' ]
required: ajv true
required: ajv with ownProperties false
required: openapi-response-validator true
required: openapi-backend true
optional: jsonschema 4.26.0 True
required: jsonschema 4.26.0 False
EXPECTED
{
  node "$dir/check.mjs" "$dir/schemas.json"
  "$dir/venv/bin/python" "$dir/check.py" "$dir/schemas.json"
} >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
