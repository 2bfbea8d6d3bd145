#!/usr/bin/env bash
# Guess: a session with `HTTPAdapter(max_retries=Retry(...))` retries against a mocking library as it does
#   against a server: the first answer is 503 with `Retry-After: 7`, the second 200.
# What happens: three answers. Against a server there are two requests and a wait of 7 seconds. requests-mock puts
#   its own adapter in place of the mounted one, so its Retry is never asked: one request, 503. responses asks
#   the Retry, sends two requests, and never waits, whatever Retry-After or backoff_factor say.
# Why it matters: a test of the retries fails for a right client with one library; with the other a client that
#   sleeps for an hour on Retry-After passes in a millisecond.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
  requests==2.34.2 urllib3==2.8.0 requests-mock==1.12.1 responses==0.26.3

cat >"$dir/check.py" <<'PYTHON'
import http.server
import threading
from importlib.metadata import version

import requests
import requests_mock
import responses
import urllib3.util.retry
from requests.adapters import HTTPAdapter

print(*(f"{name} {version(name)}" for name in ("requests", "urllib3", "requests-mock", "responses")))
HEADERS = {"Retry-After": "7", "Content-Length": "0"}
STATUSES = (503, 200)
slept: list[float] = []
urllib3.util.retry.time.sleep = slept.append


def report(name: str, url: str, requests_sent: list[str]) -> None:
    slept.clear()
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=urllib3.Retry(total=3, status_forcelist=[503])))
    status = session.get(url).status_code
    print(f"{name}: {status}, {len(requests_sent)} requests, slept {slept}")


class Handler(http.server.BaseHTTPRequestHandler):
    sent: list[str] = []

    def do_GET(self) -> None:
        self.send_response(STATUSES[len(self.sent)])
        self.sent.append(self.path)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
report("server", f"http://127.0.0.1:{server.server_port}/", Handler.sent)
with requests_mock.Mocker() as mocker:
    mocker.get("http://api.example/", [{"status_code": status, "headers": HEADERS} for status in STATUSES])
    report("requests-mock", "http://api.example/", mocker.request_history)
with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
    for status in STATUSES:
        mock.get("http://api.example/", status=status, headers={"Retry-After": "7"})
    report("responses", "http://api.example/", mock.calls)
PYTHON

cat >"$dir/expected" <<'EXPECTED'
requests 2.34.2 urllib3 2.8.0 requests-mock 1.12.1 responses 0.26.3
server: 200, 2 requests, slept [7]
requests-mock: 503, 1 requests, slept []
responses: 200, 2 requests, slept []
EXPECTED
"$dir/venv/bin/python" -W ignore "$dir/check.py" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
