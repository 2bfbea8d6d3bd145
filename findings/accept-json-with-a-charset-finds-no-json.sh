#!/usr/bin/env bash
# Guess: a client that sends `Accept: application/json; charset=utf-8` asks for JSON, and each library that chooses
#   among the types of a server, here application/json and text/event-stream, chooses application/json.
# What happens: accepts (used by Express) and werkzeug (by Flask) find nothing, the case that 406 is for: to them a
#   parameter in Accept must stand in the offered type too. python-mimeparse chooses application/json. @hapi/accept
#   returns application/json;charset=utf-8, which the server never offered, so a lookup by it finds nothing. With
#   text/event-stream;q=0.1 beside it, the first two choose that: the client gets the one it wanted least.
# Why it matters: older HTTP clients write the charset by themselves. Whether a mock serves them depends on the
#   framework under it and not on the document, and the answer can be a stream instead of JSON.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check werkzeug==3.1.9 python-mimeparse==2.0.0
bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" accepts@2.0.0 @hapi/accept@6.0.3

cat >"$dir/headers.json" <<'JSON'
["application/json", "application/json; charset=utf-8", "application/json; charset=utf-8, text/event-stream;q=0.1"]
JSON
cat >"$dir/choose.mjs" <<'JS'
import fs from 'fs'
import hapiAccept from '@hapi/accept'
import accepts from 'accepts'
const read = (name) => JSON.parse(fs.readFileSync(name, 'utf8'))
const version = (name) => read(new URL(`./node_modules/${name}/package.json`, import.meta.url)).version
console.log(...['accepts', '@hapi/accept'].map((name) => `${name} ${version(name)}`))
const offered = ['application/json', 'text/event-stream']
for (const accept of read(process.argv[2])) {
  const chosen = accepts({ headers: { accept } }).types(offered)
  console.log(`${accept}: accepts ${chosen}, @hapi/accept ${hapiAccept.mediaType(accept, offered)}`)
}
JS
cat >"$dir/choose.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version

import mimeparse
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

print(*(f"{name} {version(name)}" for name in ("werkzeug", "python-mimeparse")))
OFFERED = ["application/json", "text/event-stream"]
for accept in json.load(open(sys.argv[1])):
    chosen = parse_accept_header(accept, MIMEAccept).best_match(OFFERED)
    print(f"{accept}: werkzeug {chosen}, python-mimeparse {mimeparse.best_match(OFFERED, accept)}")
PYTHON

cat >"$dir/expected" <<'EXPECTED'
accepts 2.0.0 @hapi/accept 6.0.3
application/json: accepts application/json, @hapi/accept application/json
application/json; charset=utf-8: accepts false, @hapi/accept application/json;charset=utf-8
application/json; charset=utf-8, text/event-stream;q=0.1: accepts text/event-stream, @hapi/accept application/json;charset=utf-8
werkzeug 3.1.9 python-mimeparse 2.0.0
application/json: werkzeug application/json, python-mimeparse application/json
application/json; charset=utf-8: werkzeug None, python-mimeparse application/json
application/json; charset=utf-8, text/event-stream;q=0.1: werkzeug text/event-stream, python-mimeparse application/json
EXPECTED
{
  node "$dir/choose.mjs" "$dir/headers.json"
  "$dir/venv/bin/python" "$dir/choose.py" "$dir/headers.json"
} >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
