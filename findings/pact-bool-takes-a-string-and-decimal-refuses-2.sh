#!/usr/bin/env bash
# Guess: Pact's type matchers check the JSON type: a boolean is true or false, a decimal is any JSON number, an
#   each-like array has at least the one entry that its example shows.
# What happens: in pact-python, `match.bool` accepts the string "true" (which `match.like(True)` refuses),
#   `match.decimal` refuses 2, which is how JavaScript writes 2.0, and `match.each_like` accepts an empty array
#   unless `min` is given.
# Why it matters: a price of 2.00 from a Node server breaks the pact that a Python server keeps; a boolean sent
#   as a string and an empty list pass.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check pact-python==4.2.0 httpx==0.28.1

cat >"$dir/check.py" <<'PYTHON'
import json
from importlib.metadata import version

import httpx
from pact import Pact, match

print("pact-python", version("pact-python"))


def check(name: str, matcher: object, text: str) -> None:
    pact = Pact("consumer", "provider").with_specification("V4")
    interaction = pact.upon_receiving("a value").with_request("POST", "/")
    interaction.with_body({"value": matcher}, "application/json").will_respond_with(200)
    with pact.serve(raises=False) as server:
        headers = {"Content-Type": "application/json"}
        answer = httpx.post(f"{server.url}/", content=f'{{"value": {text}}}', headers=headers)
    print(name, text, "->", "accepted" if answer.status_code == 200 else "refused")


check("like(True)", match.like(True), json.dumps("true"))
check("bool(True)", match.bool(True), json.dumps("true"))
check("decimal(1.5)", match.decimal(1.5), "2.0")
check("decimal(1.5)", match.decimal(1.5), "2")
check("each_like(1)", match.each_like(1), "[]")
check("each_like(1, min=1)", match.each_like(1, min=1), "[]")
PYTHON

cat >"$dir/expected" <<'EXPECTED'
pact-python 4.2.0
like(True) "true" -> refused
bool(True) "true" -> accepted
decimal(1.5) 2.0 -> accepted
decimal(1.5) 2 -> refused
each_like(1) [] -> accepted
each_like(1, min=1) [] -> refused
EXPECTED
"$dir/venv/bin/python" -W ignore "$dir/check.py" >"$dir/actual" 2>"$dir/log"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
