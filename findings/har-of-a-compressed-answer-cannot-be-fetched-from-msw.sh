#!/usr/bin/env bash
# Guess: a HAR recorded by a browser can be played by MSW. HAR keeps `content.text` decoded, says with
#   `content.encoding` when it is base64, and keeps the headers as they came, `Content-Encoding: gzip` included.
# What happens: @mswjs/source sends the plain text under the recorded `Content-Encoding: gzip`, and fetch fails
#   to unzip it. A base64 body is decoded for types with "text" in their name alone; any other, here JSON,
#   arrives as base64 letters.
# Why it matters: most recorded answers of real servers are compressed. The reading side of HAR has to drop a
#   header that the format tells the writing side to keep, and each reader has to know.
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
import { fromTraffic } from '@mswjs/source/traffic'

console.log('msw', version('msw'), '@mswjs/source', version('@mswjs/source'))
const entry = (path, headers, content) => ({
  startedDateTime: '2026-01-01T00:00:00.000Z',
  time: 1,
  request: {
    method: 'GET', url: 'http://api.example' + path, httpVersion: 'HTTP/1.1',
    cookies: [], headers: [], queryString: [], headersSize: -1, bodySize: -1,
  },
  response: {
    status: 200, statusText: 'OK', httpVersion: 'HTTP/1.1', cookies: [],
    headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
    content: { size: 8, mimeType: headers['Content-Type'], ...content },
    redirectURL: '', headersSize: -1, bodySize: -1,
  },
  cache: {},
  timings: { send: 0, wait: 1, receive: 0 },
})
const json = { 'Content-Type': 'application/json' }
const base64 = { text: btoa('{"id":1}'), encoding: 'base64' }
const server = setupServer(...fromTraffic({ log: { version: '1.2', creator: { name: 'c', version: '1' }, entries: [
  entry('/plain', json, { text: '{"id":1}' }),
  entry('/gzip', { ...json, 'Content-Encoding': 'gzip' }, { text: '{"id":1}' }),
  entry('/base64', json, base64),
  entry('/base64-text', { 'Content-Type': 'text/json' }, base64),
] } }))
server.listen({ onUnhandledRequest: 'error' })
for (const path of ['/plain', '/gzip', '/base64', '/base64-text']) {
  try {
    console.log(path, await (await fetch('http://api.example' + path)).text())
  } catch (error) {
    console.log(path, 'fails:', (error.cause ?? error).message)
  }
}
server.close()
JS

cat >"$dir/expected" <<'EXPECTED'
msw 2.15.0 @mswjs/source 0.5.0
/plain {"id":1}
/gzip fails: incorrect header check
/base64 eyJpZCI6MX0=
/base64-text {"id":1}
EXPECTED
node "$dir/check.mjs" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
