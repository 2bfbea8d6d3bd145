#!/usr/bin/env bash
# Guess: the data of a CloudEvent may be any JSON value; `"data": 0` and `"data": false` arrive as 0 and false.
# What happens: the JavaScript SDK asks whether the data is truthy. 0, false and "" of an event in structured mode
#   arrive as no data, and the event passed on has lost the member; the same event in a batch keeps it. In
#   binary mode 0 arrives as the string "0", and 42 as "42". The Python SDK keeps each value in both modes.
# Why it matters: a progress webhook starts at 0, and a flag is false before it is true: the first event of a
#   sequence looks like an event without data, the later ones are right.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check cloudevents==2.2.0
bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" cloudevents@10.0.0

cat >"$dir/data.json" <<'JSON'
[1, 0, true, false, ""]
JSON
cat >"$dir/receive.mjs" <<'JS'
import fs from 'fs'
import { HTTP } from 'cloudevents'
const read = (name) => JSON.parse(fs.readFileSync(name, 'utf8'))
console.log('JavaScript', read(new URL('./node_modules/cloudevents/package.json', import.meta.url)).version)
const show = (data) => (data === undefined ? 'no data' : JSON.stringify(data))
const event = { specversion: '1.0', id: '1', type: 't', source: '/s' }
for (const data of read(process.argv[2])) {
  const receive = (type, body) => HTTP.toEvent({ headers: { 'content-type': type }, body: JSON.stringify(body) })
  const structured = receive('application/cloudevents+json', { ...event, data })
  const [batched] = receive('application/cloudevents-batch+json', [{ ...event, data }])
  const passedOn = 'data' in JSON.parse(HTTP.structured(structured).body)
  console.log(show(data), '->', show(structured.data), '| batch', show(batched.data), '| passed on', passedOn)
}
const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-type': 't', 'ce-source': '/s', 'content-type': 'application/json' }
for (const body of ['0', '42', '{"a":0}']) console.log('binary', body, '->', show(HTTP.toEvent({ headers, body }).data))
JS
cat >"$dir/receive.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version

from cloudevents.core.bindings.http import HTTPMessage, from_http_event

print("Python", version("cloudevents"))
EVENT = {"specversion": "1.0", "id": "1", "type": "t", "source": "/s"}
for data in json.load(open(sys.argv[1])):
    body = json.dumps({**EVENT, "data": data}).encode()
    event = from_http_event(HTTPMessage(headers={"content-type": "application/cloudevents+json"}, body=body))
    print(json.dumps(data), "->", json.dumps(event.get_data()))
headers = {f"ce-{name}": value for name, value in EVENT.items()} | {"content-type": "application/json"}
for body in (b"0", b"42", b'{"a":0}'):
    print("binary", body.decode(), "->", json.dumps(from_http_event(HTTPMessage(headers=headers, body=body)).get_data()))
PYTHON

cat >"$dir/expected" <<'EXPECTED'
JavaScript 10.0.0
1 -> 1 | batch 1 | passed on true
0 -> no data | batch 0 | passed on false
true -> true | batch true | passed on true
false -> no data | batch false | passed on false
"" -> no data | batch "" | passed on false
binary 0 -> "0"
binary 42 -> "42"
binary {"a":0} -> {"a":0}
Python 2.2.0
1 -> 1
0 -> 0
true -> true
false -> false
"" -> ""
binary 0 -> 0
binary 42 -> 42
binary {"a":0} -> {"a": 0}
EXPECTED
{
  node "$dir/receive.mjs" "$dir/data.json"
  "$dir/venv/bin/python" "$dir/receive.py" "$dir/data.json"
} >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
