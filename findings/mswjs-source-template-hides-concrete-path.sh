#!/usr/bin/env bash
# Guess: handlers made from an OpenAPI document follow its rule for paths: a concrete path (`/tasks/latest`) is
#   matched before a templated one (`/tasks/{id}`), wherever the two stand in the document.
# What happens: @mswjs/source makes one handler after the other, and MSW takes the first that matches. With the
#   template written first, the concrete path can never be reached; its handler is there and looks right.
# Why it matters: documents are sorted by generators and editors. The mock's answer to `/tasks/latest` changes
#   with the order of keys that have no order.
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
const path = (example) => ({ get: { responses: { 200: { description: 'ok', content: { 'application/json': { example } } } } } })
const concrete = ['/tasks/latest', path({ from: 'concrete' })]
const templated = ['/tasks/{id}', path({ from: 'template' })]
for (const entries of [[concrete, templated], [templated, concrete]]) {
  const server = setupServer(...(await fromOpenApi({
    openapi: '3.1.0',
    info: { title: 't', version: '1' },
    servers: [{ url: 'http://api.example' }],
    paths: Object.fromEntries(entries),
  })))
  server.listen({ onUnhandledRequest: 'error' })
  const response = await fetch('http://api.example/tasks/latest')
  console.log(entries.map(([key]) => key).join(', '), '->', await response.text())
  server.close()
}
JS

cat >"$dir/expected" <<'EXPECTED'
msw 2.15.0 @mswjs/source 0.5.0
/tasks/latest, /tasks/{id} -> {"from":"concrete"}
/tasks/{id}, /tasks/latest -> {"from":"template"}
EXPECTED
node "$dir/check.mjs" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
