#!/usr/bin/env bash
# Guess: an overlay action whose target selects two operations adds the same text to each; a later action that
#   names one of them changes that one.
# What happens: oas-patch puts the very same Python object into both operations. The later action, aimed at GET
#   alone, changes POST as well. The npm tool openapi-overlays-js, given the same overlay, changes GET alone.
# Why it matters: "give every operation a 500, then say more about one of them" is what overlays are for. The
#   contract of an operation nobody named changes without a word.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check oas-patch==0.6.0 jsonpath-ng==1.16.0
bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" openapi-overlays-js@0.2.0

cat >"$dir/document.json" <<'JSON'
{"openapi": "3.1.0", "info": {"title": "t", "version": "1"},
 "paths": {"/tasks": {"get": {"responses": {}}, "post": {"responses": {}}}}}
JSON
cat >"$dir/overlay.json" <<'JSON'
{"overlay": "1.0.0", "info": {"title": "o", "version": "1"}, "actions": [
  {"target": "$.paths['/tasks'].*", "update": {"responses": {"500": {"description": "failed"}}}},
  {"target": "$.paths['/tasks'].get.responses['500']", "update": {"description": "GET failed"}}]}
JSON
cat >"$dir/apply.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version

from oas_patch.overlay import apply_overlay

document, overlay = (json.load(open(name)) for name in sys.argv[1:])
operations = apply_overlay(document, overlay)["paths"]["/tasks"]
for method, operation in operations.items():
    print("oas-patch", version("oas-patch"), method, "->", operation["responses"]["500"]["description"])
print("one object:", operations["get"]["responses"]["500"] is operations["post"]["responses"]["500"])
PYTHON
cat >"$dir/apply.mjs" <<'JS'
import fs from 'fs'
import { applyOverlay } from './node_modules/openapi-overlays-js/src/overlay.js'
const read = (name) => JSON.parse(fs.readFileSync(name, 'utf8'))
const { version } = read(new URL('./node_modules/openapi-overlays-js/package.json', import.meta.url))
const [document, overlay] = process.argv.slice(2).map(read)
for (const [method, operation] of Object.entries(applyOverlay(document, overlay).paths['/tasks'])) {
  console.log('openapi-overlays-js', version, method, '->', operation.responses['500'].description)
}
JS

cat >"$dir/expected" <<'EXPECTED'
oas-patch 0.6.0 get -> GET failed
oas-patch 0.6.0 post -> GET failed
one object: True
openapi-overlays-js 0.2.0 get -> GET failed
openapi-overlays-js 0.2.0 post -> failed
EXPECTED
{
  "$dir/venv/bin/python" "$dir/apply.py" "$dir/document.json" "$dir/overlay.json"
  node "$dir/apply.mjs" "$dir/document.json" "$dir/overlay.json"
} >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
