#!/usr/bin/env bash
# Guess: in a filter, `?(@.default)` asks whether the member is there, in each implementation of JSONPath; `[-1]`
#   is the last element; and an expression that a library cannot read is an error.
# What happens: RFC 9535 says so, and jsonpath-rfc9535 does so. The npm packages jsonpath and jsonpath-plus ask
#   whether the value is truthy: 0, false, null and "" count as absent. `[-1]` finds nothing in either. And
#   `[?@.default]`, the spelling of the RFC, is an empty result in jsonpath-plus, without an error.
# Why it matters: Overlay targets and lint rules are JSONPath. "Every schema with a default" leaves out
#   `default: 0` and `default: false`, the two that a rule about defaults is written for.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" jsonpath@1.3.0 jsonpath-plus@10.4.0
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check jsonpath-rfc9535==1.0.1

cat >"$dir/data.json" <<'JSON'
[{"default": 1}, {"default": 0}, {"default": false}, {"default": null}, {"other": 1}]
JSON
cat >"$dir/find.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version

import jsonpath_rfc9535

data = json.load(open(sys.argv[1]))
for query in sys.argv[2:]:
    values = jsonpath_rfc9535.find(query, data).values()
    print("jsonpath-rfc9535", version("jsonpath-rfc9535"), query, json.dumps(values, separators=(",", ":")))
PYTHON
cat >"$dir/find.mjs" <<'JS'
import fs from 'fs'
const version = (name) => JSON.parse(fs.readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version
import jsonpath from 'jsonpath'
import { JSONPath } from 'jsonpath-plus'

const [file, ...queries] = process.argv.slice(2)
const json = JSON.parse(fs.readFileSync(file, 'utf8'))
const find = {
  jsonpath: (query) => jsonpath.query(json, query),
  'jsonpath-plus': (path) => JSONPath({ path, json }),
}
for (const [name, search] of Object.entries(find)) {
  for (const query of queries) {
    let values
    try {
      values = JSON.stringify(search(query))
    } catch {
      values = 'error'
    }
    console.log(name, version(name), query, values)
  }
}
JS

cat >"$dir/expected" <<'EXPECTED'
jsonpath-rfc9535 1.0.1 $[?(@.default)] [{"default":1},{"default":0},{"default":false},{"default":null}]
jsonpath-rfc9535 1.0.1 $[?@.default] [{"default":1},{"default":0},{"default":false},{"default":null}]
jsonpath-rfc9535 1.0.1 $[-1] [{"other":1}]
jsonpath 1.3.0 $[?(@.default)] [{"default":1}]
jsonpath 1.3.0 $[?@.default] error
jsonpath 1.3.0 $[-1] []
jsonpath-plus 10.4.0 $[?(@.default)] [{"default":1}]
jsonpath-plus 10.4.0 $[?@.default] []
jsonpath-plus 10.4.0 $[-1] []
EXPECTED
queries=('$[?(@.default)]' '$[?@.default]' '$[-1]')
{
  "$dir/venv/bin/python" "$dir/find.py" "$dir/data.json" "${queries[@]}"
  node "$dir/find.mjs" "$dir/data.json" "${queries[@]}"
} >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
