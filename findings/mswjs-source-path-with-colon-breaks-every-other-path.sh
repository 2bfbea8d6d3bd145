#!/usr/bin/env bash
# Guess: `/tasks:cancel` and `/tasks/{id}:cancel`, the custom methods that Google's API style and many AI APIs
#   use, are a fixed path and a path with one parameter. OpenAPI knows no other syntax than braces.
# What happens: @mswjs/source writes braces as MSW's `:name` and leaves the colons that were there. `:cancel`
#   becomes a parameter. So the mock of `/tasks:cancel` also answers `/tasksABC`; and `/tasks/:id:cancel` is
#   no pattern at all, which shows only when a request arrives: not that path alone, every path declared
#   after it then answers 500 with a TypeError of path-to-regexp, whatever was asked for.
# Why it matters: one path of the document takes down the mock of all later ones, and the error names neither.
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
console.error = () => {} // MSW prints a stack trace with file names
const responses = { 200: { description: 'ok', content: { 'application/json': { example: { ok: true } } } } }
async function ask(paths, method, path) {
  const document = { openapi: '3.1.0', info: { title: 't', version: '1' }, servers: [{ url: 'http://api.example' }], paths }
  const server = setupServer(...(await fromOpenApi(document)))
  server.listen({ onUnhandledRequest: 'error' })
  const response = await fetch('http://api.example' + path, { method })
  const body = await response.json()
  console.log(Object.keys(paths).join(' '), '|', method, path, response.status, body.message ?? JSON.stringify(body))
  server.close()
}
await ask({ '/tasks:cancel': { post: { responses } } }, 'POST', '/tasks:cancel')
await ask({ '/tasks:cancel': { post: { responses } } }, 'POST', '/tasksABC')
await ask({ '/tasks/{id}:cancel': { post: { responses } }, '/models': { get: { responses } } }, 'GET', '/models')
JS

cat >"$dir/expected" <<'EXPECTED'
msw 2.15.0 @mswjs/source 0.5.0
/tasks:cancel | POST /tasks:cancel 200 {"ok":true}
/tasks:cancel | POST /tasksABC 200 {"ok":true}
/tasks/{id}:cancel /models | GET /models 500 Must have text between two parameters, missing text after "id"
EXPECTED
node "$dir/check.mjs" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
