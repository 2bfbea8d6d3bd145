#!/usr/bin/env bash
# Guess: `schemathesis run --report vcr` writes a cassette that a VCR library can play back. The format has the
#   name, the file is called a cassette in the documentation, and vcrpy is the VCR of the same language.
# What happens: it is a dialect of Ruby's VCR with more keys. vcrpy looks for `interactions`, the report has
#   `http_interactions`, and loading it ends with a bare KeyError that does not speak of formats.
# Why it matters: the natural plan "fuzz once, keep the report, replay it as a regression test without the
#   server" fails at the last step. The HAR report of the same run is the one that other tools read.
set -euo pipefail
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check schemathesis==4.32.5 vcrpy==9.4.2

cat >"$dir/server.py" <<'PYTHON'
import json
from http.server import BaseHTTPRequestHandler, HTTPServer

OK = {"200": {"description": "ok", "content": {"application/json": {"schema": {"type": "object"}}}}}
DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "t", "version": "1"},
    "paths": {"/ping": {"get": {"responses": OK}}},
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(DOCUMENT if self.path == "/openapi.json" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON
cat >"$dir/load.py" <<'PYTHON'
import sys
from importlib.metadata import version

import vcr
import yaml

print("schemathesis", version("schemathesis"), "vcrpy", version("vcrpy"))
report = yaml.safe_load(open(sys.argv[1]))
print("the report is YAML, and has interactions:", len(report["http_interactions"]) > 0)
try:
    with vcr.use_cassette(sys.argv[1], record_mode="none") as cassette:
        print("vcrpy loads", len(cassette))
except Exception as error:
    print("vcrpy raises", repr(error))
PYTHON

"$dir/venv/bin/python" "$dir/server.py" >"$dir/port" &
server=$!
while [ ! -s "$dir/port" ]; do sleep 0.1; done
(cd "$dir" && venv/bin/schemathesis run "http://127.0.0.1:$(cat port)/openapi.json" \
  --checks not_a_server_error --phases examples,coverage --mode positive --max-examples 1 \
  --report vcr --report-vcr-path cassette.yaml >run.log 2>&1) || true
cat >"$dir/expected" <<'EXPECTED'
schemathesis 4.32.5 vcrpy 9.4.2
the report is YAML, and has interactions: True
vcrpy raises KeyError('interactions')
EXPECTED
"$dir/venv/bin/python" "$dir/load.py" "$dir/cassette.yaml" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
