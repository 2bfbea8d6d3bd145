#!/usr/bin/env bash
# Guess: the callback of an operation reports what became of the accepted request. If the mock refuses the request, or
#   answers 429 because `Prefer: code=429` asks for it, nothing was started, and no callback follows.
# What happens: Prism sends the documented callback after every response, also after 400 and 429. Its body is the
#   example, so the receiver hears that a task is completed which the server never made.
# Why it matters: a test of "a refused request books nothing" fails against the mock for no fault of the client, or,
#   worse, a receiver is made to accept callbacks about unknown tasks.
set -euo pipefail
dir=$(mktemp -d)
processes=()
trap '[ ${#processes[@]} -eq 0 ] || kill "${processes[@]}" 2>/dev/null || true; rm -rf "$dir"' EXIT

bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" @stoplight/prism-cli@5.14.2

cat >"$dir/api.yaml" <<'YAML'
openapi: 3.1.0
info: {title: t, version: '1'}
paths:
  /tasks:
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema: {type: object, required: [prompt, callback_url]}
      callbacks:
        done:
          '{$request.body#/callback_url}':
            post:
              requestBody: {content: {application/json: {example: {status: completed}}}}
              responses: {'200': {description: ok}}
      responses:
        '200': {description: accepted, content: {application/json: {example: {}}}}
        '400': {description: invalid, content: {application/json: {example: {}}}}
        '429': {description: too many, content: {application/json: {example: {}}}}
YAML
cat >"$dir/receiver.mjs" <<'JS'
import http from 'node:http'
import fs from 'node:fs'
// Prints its port, then a line for each callback; ends after the third.
let left = 3
const server = http.createServer((request, response) => {
  let body = ''
  request.on('data', (part) => { body += part })
  request.on('end', () => {
    response.end()
    fs.appendFileSync(process.argv[3], `callback to ${request.url}: ${body}\n`)
    left -= 1
    if (left === 0) process.exit(0)
  })
})
server.listen(0, '127.0.0.1', () => fs.writeFileSync(process.argv[2], String(server.address().port)))
JS
touch "$dir/callbacks"
node "$dir/receiver.mjs" "$dir/port" "$dir/callbacks" &
receiver=$!
port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
"$dir/node_modules/.bin/prism" mock --host 127.0.0.1 --port "$port" "$dir/api.yaml" >"$dir/log" 2>&1 &
processes=("$receiver" $!)
curl --silent --output /dev/null --retry 100 --retry-delay 1 --retry-connrefused "http://127.0.0.1:$port/tasks"
while [ ! -s "$dir/port" ]; do sleep 0.1; done
hook="http://127.0.0.1:$(cat "$dir/port")"

create() { # [HEADER] BODY
  curl --silent --output /dev/null --write-out '%{http_code}\n' --header 'Content-Type: application/json' \
    "${@:1:$#-1}" --data "${!#}" "http://127.0.0.1:$port/tasks"
}
{
  echo "prism $("$dir/node_modules/.bin/prism" --version)"
  echo "accepted: $(create "{\"prompt\": \"x\", \"callback_url\": \"$hook/accepted\"}")"
  echo "without a prompt: $(create "{\"callback_url\": \"$hook/invalid\"}")"
  echo "too many: $(create --header 'Prefer: code=429' "{\"prompt\": \"x\", \"callback_url\": \"$hook/429\"}")"
} >"$dir/actual"
for _ in $(seq 100); do kill -0 "$receiver" 2>/dev/null || break; sleep 0.1; done # ten seconds at most
sort "$dir/callbacks" >>"$dir/actual"
cat "$dir/actual"

cat >"$dir/expected" <<'EXPECTED'
prism 5.14.2
accepted: 200
without a prompt: 400
too many: 429
callback to /429: {"status":"completed"}
callback to /accepted: {"status":"completed"}
callback to /invalid: {"status":"completed"}
EXPECTED
diff "$dir/expected" "$dir/actual"
