#!/usr/bin/env bash
# Guess: an event ends with an empty line. When the stream ends before it, the event is incomplete and is thrown
#   away: the standard says so, since nobody can tell whether more lines were to come.
# What happens: sseclient-py hands the rest over as an event like any other, with its half line of data, or with
#   the first of two data lines (whole JSON, and still not what was sent). httpx-sse, reading the same bytes, and
#   eventsource-parser on npm hand over the complete event alone.
# Why it matters: a server that goes away in the middle is the fault that a mock injects into a stream. The client
#   under test does not see an early end but an event that the server never finished, and no error.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check httpx==0.28.1 httpx-sse==0.4.3 sseclient-py==1.9.0
bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" eventsource-parser@4.1.3

cat >"$dir/streams.json" <<'JSON'
{"whole": "data: {\"step\": 1}\n\n",
 "cut in a line": "data: {\"step\": 1}\n\ndata: {\"st",
 "cut between two lines": "data: {\"step\": 1}\n\ndata: [1]\n"}
JSON
cat >"$dir/read.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version

import httpx
import httpx_sse
import sseclient


def with_sseclient(answer: httpx.Response) -> list[str]:
    """`SSEClient` asks for an iterable of bytes that can be closed."""
    chunks = type("Chunks", (), {"__iter__": lambda _: answer.iter_bytes(), "close": lambda _: None})()
    return [event.data for event in sseclient.SSEClient(chunks).events()]


def with_httpx_sse(answer: httpx.Response) -> list[str]:
    return [event.data for event in httpx_sse.EventSource(answer).iter_sse()]


streams = json.load(open(sys.argv[1]))
for package, read in (("sseclient-py", with_sseclient), ("httpx-sse", with_httpx_sse)):
    print(package, version(package))
    for name, stream in streams.items():
        answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, text=stream)
        print(f"{name}:", " then ".join(read(answer)))
PYTHON
cat >"$dir/read.mjs" <<'JS'
import fs from 'fs'
import { createParser } from 'eventsource-parser'
const read = (name) => JSON.parse(fs.readFileSync(name, 'utf8'))
console.log('eventsource-parser', read(new URL('./node_modules/eventsource-parser/package.json', import.meta.url)).version)
for (const [name, stream] of Object.entries(read(process.argv[2]))) {
  const events = []
  createParser({ onEvent: (event) => events.push(event.data) }).feed(stream)
  console.log(`${name}:`, events.join(' then '))
}
JS

cat >"$dir/expected" <<'EXPECTED'
sseclient-py 1.9.0
whole: {"step": 1}
cut in a line: {"step": 1} then {"st
cut between two lines: {"step": 1} then [1]
httpx-sse 0.4.3
whole: {"step": 1}
cut in a line: {"step": 1}
cut between two lines: {"step": 1}
eventsource-parser 4.1.3
whole: {"step": 1}
cut in a line: {"step": 1}
cut between two lines: {"step": 1}
EXPECTED
{
  "$dir/venv/bin/python" "$dir/read.py" "$dir/streams.json"
  node "$dir/read.mjs" "$dir/streams.json"
} >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
