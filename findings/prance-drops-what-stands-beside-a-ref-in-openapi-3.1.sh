#!/usr/bin/env bash
# Guess: resolving the references of an OpenAPI 3.1 document keeps its meaning. There a `$ref` in a schema is one
#   keyword among others: `{"$ref": …, "maxLength": 3}` asks for both.
# What happens: prance puts the referenced schema in place of the whole object and drops what stood beside the
#   `$ref`, for 3.1 as for 3.0. The document is validated before, and is valid after, with a limit less.
#   swagger-parser, which people use for the same step in JavaScript, merges the two.
# Why it matters: everything made from the resolved document (mock data, a validator, a client) is laxer than
#   the contract, and nothing says so.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" @apidevtools/swagger-parser@13.0.0
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check prance==26.7.19.0 openapi-spec-validator==0.8.5

cat >"$dir/document.json" <<'JSON'
{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}, "components": {"schemas": {
  "Name": {"type": "string"},
  "Short": {"type": "object", "properties": {"name": {"$ref": "#/components/schemas/Name", "maxLength": 3}}}}}}
JSON
cat >"$dir/resolve.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version

import prance

parser = prance.ResolvingParser(sys.argv[1], backend="openapi-spec-validator", strict=False)
resolved = parser.specification["components"]["schemas"]["Short"]["properties"]["name"]
print("prance", version("prance"), json.dumps(resolved, sort_keys=True))
PYTHON
cat >"$dir/resolve.mjs" <<'JS'
import fs from 'fs'
import SwaggerParser from '@apidevtools/swagger-parser'
const manifest = new URL('./node_modules/@apidevtools/swagger-parser/package.json', import.meta.url)
const document = await SwaggerParser.dereference(process.argv[2])
const { maxLength, type } = document.components.schemas.Short.properties.name
console.log('swagger-parser', JSON.parse(fs.readFileSync(manifest, 'utf8')).version, JSON.stringify({ maxLength, type }))
JS

cat >"$dir/expected" <<'EXPECTED'
prance 26.7.19.0 {"type": "string"}
swagger-parser 13.0.0 {"maxLength":3,"type":"string"}
EXPECTED
{
  "$dir/venv/bin/python" -W ignore "$dir/resolve.py" "$dir/document.json"
  node "$dir/resolve.mjs" "$dir/document.json"
} >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
