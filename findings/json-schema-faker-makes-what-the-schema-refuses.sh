#!/usr/bin/env bash
# Guess: an example that is made from a schema satisfies the schema.
# What happens: json-schema-faker takes `propertyNames` for nothing and writes the name "prop62707"; it makes the
#   name for `patternProperties` by deleting the special characters of the pattern, so `^x-` gives "x", which
#   `additionalProperties: false` refuses; a pattern with `minLength` is filled up with any letters; and with
#   its default seed `format: duration` is "PT0D", which no grammar of durations has (days stand before the T).
#   Without the keywords in question the examples are valid. Ajv and jsonschema both refuse the four.
# Why it matters: a mock that fills its answers this way serves contract violations. The seed is fixed, so it does
#   each time, and the fault looks like one of the client or of the schema.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check jsonschema==4.26.0 isoduration==20.11.0
bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" json-schema-faker@0.6.3 ajv@8.20.0 ajv-formats@3.0.1

cat >"$dir/schemas.json" <<'JSON'
[{"type": "object", "minProperties": 1, "additionalProperties": {"type": "integer"}},
 {"type": "object", "minProperties": 1, "additionalProperties": {"type": "integer"}, "propertyNames": {"pattern": "^x-"}},
 {"type": "object", "minProperties": 1, "additionalProperties": false, "patternProperties": {"^x-": {"type": "integer"}}},
 {"type": "string", "pattern": "^a+$"},
 {"type": "string", "pattern": "^a+$", "minLength": 10},
 {"type": "string", "format": "duration"}]
JSON
cat >"$dir/check.mjs" <<'JS'
import fs from 'fs'
import { addFormats, Ajv } from './validators.mjs'
import { generate } from 'json-schema-faker'

const read = (name) => JSON.parse(fs.readFileSync(name, 'utf8'))
const version = (name) => read(new URL(`./node_modules/${name}/package.json`, import.meta.url)).version
console.log(...['json-schema-faker', 'ajv', 'ajv-formats'].map((name) => `${name} ${version(name)}`))
const ajv = addFormats(new Ajv())
const examples = []
for (const schema of read(process.argv[2])) {
  const example = await generate(structuredClone(schema))
  examples.push([schema, example])
  console.log(JSON.stringify(schema))
  console.log('  ->', JSON.stringify(example), 'valid:', ajv.validate(schema, example))
}
fs.writeFileSync(process.argv[3], JSON.stringify(examples))
JS
cat >"$dir/validators.mjs" <<'JS'
import ajv from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
export const Ajv = ajv.default
export const addFormats = formats.default
JS
cat >"$dir/check.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version

from jsonschema import Draft202012Validator

verdicts = [
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).is_valid(example)
    for schema, example in json.load(open(sys.argv[1]))
]
print("jsonschema", version("jsonschema"), verdicts)
PYTHON

cat >"$dir/expected" <<'EXPECTED'
json-schema-faker 0.6.3 ajv 8.20.0 ajv-formats 3.0.1
{"type":"object","minProperties":1,"additionalProperties":{"type":"integer"}}
  -> {"prop62707":-995} valid: true
{"type":"object","minProperties":1,"additionalProperties":{"type":"integer"},"propertyNames":{"pattern":"^x-"}}
  -> {"prop62707":-995} valid: false
{"type":"object","minProperties":1,"additionalProperties":false,"patternProperties":{"^x-":{"type":"integer"}}}
  -> {"x":-995} valid: false
{"type":"string","pattern":"^a+$"}
  -> "aaaa" valid: true
{"type":"string","pattern":"^a+$","minLength":10}
  -> "aa9SysP75Q" valid: false
{"type":"string","format":"duration"}
  -> "PT0D" valid: false
jsonschema 4.26.0 [True, False, False, True, False, False]
EXPECTED
{
  node "$dir/check.mjs" "$dir/schemas.json" "$dir/examples.json"
  "$dir/venv/bin/python" "$dir/check.py" "$dir/examples.json"
} >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
