#!/usr/bin/env bash
# Guess: an Overlay action with `remove: false` and an `update` is an update. The Overlay Specification gives
#   `remove` the default false, and `update` has no effect only when `remove` is true, so writing the default
#   out changes nothing.
# What happens: oas-patch and openapi-overlays-js, two unrelated implementations, both look only whether the
#   key `remove` is there. The whole target is deleted and the update is never made.
# Why it matters: tools that write every field with its default (a template, a typed model dumped to YAML)
#   produce such overlays. The mock then plays a document that has lost the node the overlay was to improve.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check oas-patch==0.6.0 jsonpath-ng==1.16.0
bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" openapi-overlays-js@0.2.0

cat >"$dir/document.json" <<'JSON'
{"openapi": "3.1.0", "info": {"title": "old", "version": "1"}, "paths": {}}
JSON
cat >"$dir/overlay.json" <<'JSON'
{"overlay": "1.0.0", "info": {"title": "o", "version": "1"},
 "actions": [{"target": "$.info", "remove": false, "update": {"title": "new"}}]}
JSON
cat >"$dir/apply.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version

from oas_patch.overlay import apply_overlay

document, overlay = (json.load(open(name)) for name in sys.argv[1:])
print("oas-patch", version("oas-patch"), json.dumps(apply_overlay(document, overlay)))
PYTHON
cat >"$dir/apply.mjs" <<'JS'
import fs from 'fs'
import { applyOverlay } from './node_modules/openapi-overlays-js/src/overlay.js'
const read = (name) => JSON.parse(fs.readFileSync(name, 'utf8'))
const { version } = read(new URL('./node_modules/openapi-overlays-js/package.json', import.meta.url))
const [document, overlay] = process.argv.slice(2).map(read)
console.log('openapi-overlays-js', version, JSON.stringify(applyOverlay(document, overlay)))
JS

cat >"$dir/expected" <<'EXPECTED'
oas-patch 0.6.0 {"openapi": "3.1.0", "paths": {}}
openapi-overlays-js 0.2.0 {"openapi":"3.1.0","paths":{}}
EXPECTED
{
  "$dir/venv/bin/python" "$dir/apply.py" "$dir/document.json" "$dir/overlay.json"
  node "$dir/apply.mjs" "$dir/document.json" "$dir/overlay.json"
} >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
