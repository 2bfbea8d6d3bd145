#!/usr/bin/env bash
# Guess: handlers made from an OpenAPI document answer each operation with the success it documents: 201 for
#   one that documents 201 alone, 204 for a DELETE.
# What happens: @mswjs/source looks for the response "200", then for "default", and for nothing else. Every
#   other operation answers 501 Not Implemented, with an example for 201 at hand. Its sibling, the choice by
#   query (`?response=201`), finds it.
# Why it matters: "create" is documented with 201 or 202 in most asynchronous APIs, so the mock of such an API
#   starts without a complaint and refuses exactly the first call of every client.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" msw@2.15.0 @mswjs/source@0.5.0

cat >"$dir/check.mjs" <<'JS'
import fs from 'fs'
const version = (name) => JSON.parse(fs.readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version
import { setupServer } from 'msw/node'
import { fromOpenApi } from '@mswjs/source/open-api'

console.log('msw', version('msw'), '@mswjs/source', version('@mswjs/source'))
const answer = (example) => ({ description: 'ok', content: { 'application/json': { example } } })
const server = setupServer(...(await fromOpenApi({
  openapi: '3.1.0',
  info: { title: 't', version: '1' },
  servers: [{ url: 'http://api.example' }],
  paths: {
    '/tasks': {
      get: { responses: { 200: answer({ tasks: [] }) } },
      post: { responses: { 201: answer({ id: 't1' }) } },
    },
    '/tasks/t1': { delete: { responses: { 204: { description: 'gone' } } } },
  },
})))
server.listen({ onUnhandledRequest: 'error' })
for (const [method, path] of [['GET', '/tasks'], ['POST', '/tasks'], ['POST', '/tasks?response=201'], ['DELETE', '/tasks/t1']]) {
  const response = await fetch('http://api.example' + path, { method })
  console.log(method, path, response.status, await response.text())
}
server.close()
JS

cat >"$dir/expected" <<'EXPECTED'
msw 2.15.0 @mswjs/source 0.5.0
GET /tasks 200 {"tasks":[]}
POST /tasks 501 Not Implemented
POST /tasks?response=201 201 {"id":"t1"}
DELETE /tasks/t1 501 Not Implemented
EXPECTED
node "$dir/check.mjs" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
