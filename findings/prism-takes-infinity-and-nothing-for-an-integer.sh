#!/usr/bin/env bash
# Guess: a query parameter of `type: integer` takes the decimal digits of JSON's integers. `?limit=` has no number in
#   it, `0x10` and `Infinity` are words.
# What happens: Prism turns the text into a number as JavaScript does, and checks that. Nothing at all and blanks are 0,
#   `0x10` is 16, `0b11` is 3, and `Infinity` counts as an integer. `1.5`, `true` and `abc` are refused with 422.
# Why it matters: `?limit=` is what a client sends that forgot to fill the value in. Its tests pass against the mock,
#   and the real server is the first to refuse the request.
set -euo pipefail
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT

bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" @stoplight/prism-cli@5.14.2

cat >"$dir/api.yaml" <<'YAML'
openapi: 3.1.0
info: {title: t, version: '1'}
paths:
  /tasks:
    get:
      parameters:
        - {name: limit, in: query, schema: {type: integer}}
      responses:
        '200': {description: ok, content: {application/json: {example: []}}}
YAML
port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
"$dir/node_modules/.bin/prism" mock --host 127.0.0.1 --port "$port" "$dir/api.yaml" >"$dir/log" 2>&1 &
server=$!
curl --silent --output /dev/null --retry 100 --retry-delay 1 --retry-connrefused "http://127.0.0.1:$port/tasks"

{
  echo "prism $("$dir/node_modules/.bin/prism" --version)"
  for value in 3 '' '%20' 0x10 0b11 1e2 Infinity 1.5 true abc; do
    status=$(curl --silent --output /dev/null --write-out '%{http_code}' "http://127.0.0.1:$port/tasks?limit=$value")
    echo "limit=$value -> $status"
  done
} | tee "$dir/actual"

cat >"$dir/expected" <<'EXPECTED'
prism 5.14.2
limit=3 -> 200
limit= -> 200
limit=%20 -> 200
limit=0x10 -> 200
limit=0b11 -> 200
limit=1e2 -> 200
limit=Infinity -> 200
limit=1.5 -> 422
limit=true -> 422
limit=abc -> 422
EXPECTED
diff "$dir/expected" "$dir/actual"
