#!/usr/bin/env bash
# Guess: an event that arrived in structured mode (one JSON object) can be passed on in binary mode (data as the
#   body); with `datacontenttype: application/json` the body is the JSON text of the data.
# What happens: the Python SDK writes JSON for an object and Python's own text for everything else: `[True, None]`
#   for an array, `True` for true, a string without its quotes. The header still says application/json. What it
#   reads back is the string "[True, None]", without an error. The JavaScript SDK writes an array as JSON; it
#   leaves the quotes off a string as well.
# Why it matters: a list of results is common webhook data. Tests whose events carry an object, or no true, false,
#   null and string inside an array, all pass: `[1, 2]` is the same text in both languages.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check cloudevents==2.2.0
bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" cloudevents@10.0.0

cat >"$dir/data.json" <<'JSON'
[{"done": true}, [1, 2], [true, null], [{"id": "a"}], true, "done"]
JSON
cat >"$dir/pass_on.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version

from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_binary_event

print("Python", version("cloudevents"))
EVENT = {"specversion": "1.0", "id": "1", "type": "t", "source": "/s", "datacontenttype": "application/json"}
for data in json.load(open(sys.argv[1])):
    body = json.dumps({**EVENT, "data": data}).encode()
    event = from_http_event(HTTPMessage(headers={"content-type": "application/cloudevents+json"}, body=body))
    message = to_binary_event(event)
    again = from_http_event(message).get_data()
    verdict = "the same" if again == data else f"now {json.dumps(again)}"
    print(json.dumps(data), "->", message.headers["content-type"], message.body.decode(), "->", verdict)
PYTHON
cat >"$dir/pass_on.mjs" <<'JS'
import fs from 'fs'
import { HTTP } from 'cloudevents'
const read = (name) => JSON.parse(fs.readFileSync(name, 'utf8'))
console.log('JavaScript', read(new URL('./node_modules/cloudevents/package.json', import.meta.url)).version)
const event = { specversion: '1.0', id: '1', type: 't', source: '/s', datacontenttype: 'application/json' }
for (const data of read(process.argv[2])) {
  const headers = { 'content-type': 'application/cloudevents+json' }
  const message = HTTP.binary(HTTP.toEvent({ headers, body: JSON.stringify({ ...event, data }) }))
  console.log(JSON.stringify(data), '->', message.headers['content-type'], String(message.body))
}
JS

cat >"$dir/expected" <<'EXPECTED'
Python 2.2.0
{"done": true} -> application/json {"done": true} -> the same
[1, 2] -> application/json [1, 2] -> the same
[true, null] -> application/json [True, None] -> now "[True, None]"
[{"id": "a"}] -> application/json [{'id': 'a'}] -> now "[{'id': 'a'}]"
true -> application/json True -> now "True"
"done" -> application/json done -> the same
JavaScript 10.0.0
{"done":true} -> application/json {"done":true}
[1,2] -> application/json [1,2]
[true,null] -> application/json [true,null]
[{"id":"a"}] -> application/json [{"id":"a"}]
true -> application/json true
"done" -> application/json done
EXPECTED
{
  "$dir/venv/bin/python" "$dir/pass_on.py" "$dir/data.json"
  node "$dir/pass_on.mjs" "$dir/data.json"
} >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
