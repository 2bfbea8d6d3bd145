#!/usr/bin/env bash
# Guess: an SSE client hands over what the standard calls events. A comment (`: keep-alive`) is none, nor is a
#   block with `retry` or `id` alone: a block without data is never dispatched.
# What happens: httpx-sse keeps the last id for the whole stream, as it should, and also takes it for content of
#   the current block. After the first `id:` line each keep-alive comment comes out as an event with empty
#   data; before it, none does. A block with `retry` alone is an empty event as well.
#   eventsource-parser on npm hands over the events with data and no others.
# Why it matters: servers send `retry` first and comments while nothing happens. A client tested against a mock
#   that never waits counts events rightly, and meets empty ones only when the real stream has a pause and ids.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check httpx==0.28.1 httpx-sse==0.4.3
bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" eventsource-parser@4.1.3

cat >"$dir/streams.json" <<'JSON'
{"comment, no ids": "data: a\n\n: keep-alive\n\ndata: b\n\n",
 "comment after an id": "id: 1\ndata: a\n\n: keep-alive\n\n: keep-alive\n\ndata: b\n\n",
 "retry alone": "retry: 3000\n\ndata: a\n\n"}
JSON
cat >"$dir/read.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version

import httpx
import httpx_sse

print("httpx-sse", version("httpx-sse"))


def read(stream: str) -> list[str]:
    answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, text=stream)
    with (
        httpx.Client(transport=httpx.MockTransport(lambda _: answer)) as client,
        httpx_sse.connect_sse(client, "GET", "http://api.example/") as source,
    ):
        return [event.data for event in source.iter_sse()]


for name, stream in json.load(open(sys.argv[1])).items():
    print(f"{name}:", json.dumps(read(stream)))
PYTHON
cat >"$dir/read.mjs" <<'JS'
import fs from 'fs'
import { createParser } from 'eventsource-parser'
const read = (name) => JSON.parse(fs.readFileSync(name, 'utf8'))
console.log('eventsource-parser', read(new URL('./node_modules/eventsource-parser/package.json', import.meta.url)).version)
for (const [name, stream] of Object.entries(read(process.argv[2]))) {
  const events = []
  createParser({ onEvent: (event) => events.push(event.data) }).feed(stream)
  console.log(`${name}:`, JSON.stringify(events))
}
JS

cat >"$dir/expected" <<'EXPECTED'
httpx-sse 0.4.3
comment, no ids: ["a", "b"]
comment after an id: ["a", "", "", "b"]
retry alone: ["", "a"]
eventsource-parser 4.1.3
comment, no ids: ["a","b"]
comment after an id: ["a","b"]
retry alone: ["a"]
EXPECTED
{
  "$dir/venv/bin/python" "$dir/read.py" "$dir/streams.json"
  node "$dir/read.mjs" "$dir/streams.json"
} >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
