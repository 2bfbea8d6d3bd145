#!/usr/bin/env bash
# Guess: where a document offers `application/json` alone, a body of another media type is refused with 415, as
#   `text/plain` is.
# What happens: Prism takes `application/json` as the offer for every type that ends in `+json`. A merge patch, a JSON
#   patch and a problem document are accepted and checked against the schema of `application/json`.
# Why it matters: a merge patch means "change these members", not "here is the whole". A client that sends the wrong
#   one of the two passes against the mock, and real servers answer 415.
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
  /tasks/1:
    patch:
      requestBody:
        required: true
        content:
          application/json: {schema: {type: object, required: [prompt]}}
      responses:
        '200': {description: ok, content: {application/json: {example: {}}}}
YAML
port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
"$dir/node_modules/.bin/prism" mock --host 127.0.0.1 --port "$port" "$dir/api.yaml" >"$dir/log" 2>&1 &
server=$!
curl --silent --output /dev/null --retry 100 --retry-delay 1 --retry-connrefused "http://127.0.0.1:$port/tasks/1"

{
  echo "prism $("$dir/node_modules/.bin/prism" --version)"
  for type in application/json application/merge-patch+json application/problem+json text/plain; do
    for body in '{"prompt":"x"}' '{}'; do
      status=$(curl --silent --output /dev/null --write-out '%{http_code}' --request PATCH \
        --header "Content-Type: $type" --data "$body" "http://127.0.0.1:$port/tasks/1")
      echo "$type $body -> $status"
    done
  done
} | tee "$dir/actual"

cat >"$dir/expected" <<'EXPECTED'
prism 5.14.2
application/json {"prompt":"x"} -> 200
application/json {} -> 422
application/merge-patch+json {"prompt":"x"} -> 200
application/merge-patch+json {} -> 422
application/problem+json {"prompt":"x"} -> 200
application/problem+json {} -> 422
text/plain {"prompt":"x"} -> 415
text/plain {} -> 415
EXPECTED
diff "$dir/expected" "$dir/actual"
