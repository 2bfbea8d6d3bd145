#!/usr/bin/env bash
# Guess: fetch-har sends the request that a HAR file holds. HAR has the query in `url` and again, decoded and split
#   up, in `queryString`; a recorded entry has both, and they say the same.
# What happens: fetch-har adds `queryString` to the query that the URL already has, and writes both without
#   encoding. `?limit=5` goes out as `?limit=5&limit=5`; `?q=cats%26dogs` as `?q=cats&dogs&q=cats&dogs`, with a
#   parameter `dogs` that nobody sent; the plus of a time zone becomes a space.
#   httpsnippet makes the right URL of the same entry.
# Why it matters: replaying a recorded HAR against a mock or a staging server sends requests nobody recorded, with
#   repeated parameters. Entries without a query, and HARs made by tools that leave it out of `url`, work.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" fetch-har@12.0.4 httpsnippet@3.0.10

cat >"$dir/check.mjs" <<'JS'
import fs from 'fs'
import http from 'http'
import fetchHAR from 'fetch-har'
import { HTTPSnippet } from 'httpsnippet'

const version = (name) => JSON.parse(fs.readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version
console.log(...['fetch-har', 'httpsnippet'].map((name) => `${name} ${version(name)}`))

const server = http.createServer((request, response) => {
  const parameters = [...new URL(request.url, 'http://api.example').searchParams]
  console.log('  fetch-har sent', request.url, JSON.stringify(parameters))
  response.end('{}')
})
await new Promise((done) => server.listen(0, '127.0.0.1', done))
const origin = `http://127.0.0.1:${server.address().port}`
for (const path of ['/tasks', '/tasks?limit=5', '/tasks?q=cats%26dogs', '/tasks?since=2026-01-01T00%3A00%3A00%2B01%3A00']) {
  const url = origin + path
  const queryString = [...new URL(url).searchParams].map(([name, value]) => ({ name, value }))
  const sizes = { headersSize: -1, bodySize: -1 }
  const request = { method: 'GET', url, httpVersion: 'HTTP/1.1', cookies: [], headers: [], queryString, ...sizes }
  console.log('recorded', path, JSON.stringify(queryString.map(({ name, value }) => [name, value])))
  await fetchHAR({ log: { version: '1.2', creator: { name: 'c', version: '1' }, entries: [{ request }] } })
  const command = new HTTPSnippet(structuredClone(request)).convert('shell', 'curl')
  console.log('  httpsnippet', command.match(/--url '?([^' ]+)'?/)[1].replace(origin, ''))
}
server.close()
server.closeAllConnections()
JS

cat >"$dir/expected" <<'EXPECTED'
fetch-har 12.0.4 httpsnippet 3.0.10
recorded /tasks []
  fetch-har sent /tasks []
  httpsnippet /tasks
recorded /tasks?limit=5 [["limit","5"]]
  fetch-har sent /tasks?limit=5&limit=5 [["limit","5"],["limit","5"]]
  httpsnippet /tasks?limit=5
recorded /tasks?q=cats%26dogs [["q","cats&dogs"]]
  fetch-har sent /tasks?q=cats&dogs&q=cats&dogs [["q","cats"],["dogs",""],["q","cats"],["dogs",""]]
  httpsnippet /tasks?q=cats%26dogs
recorded /tasks?since=2026-01-01T00%3A00%3A00%2B01%3A00 [["since","2026-01-01T00:00:00+01:00"]]
  fetch-har sent /tasks?since=2026-01-01T00:00:00+01:00&since=2026-01-01T00:00:00+01:00 [["since","2026-01-01T00:00:00 01:00"],["since","2026-01-01T00:00:00 01:00"]]
  httpsnippet /tasks?since=2026-01-01T00%3A00%3A00%2B01%3A00
EXPECTED
node "$dir/check.mjs" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
