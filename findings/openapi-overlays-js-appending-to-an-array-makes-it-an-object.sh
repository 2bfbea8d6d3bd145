#!/usr/bin/env bash
# Guess: when the target of an overlay action is an array, `update` is an entry to append; the specification
#   says so, and adding a server or a tag is its usual example.
# What happens: openapi-overlays-js merges the entry into the array as if both were objects. `servers` comes out
#   as an object with the keys "0" and "url", `tags` with "0", "name" and "description". There is no message,
#   and the document is no longer OpenAPI.
# Why it matters: the overlay is right and no error is raised. It shows up later, in another tool, as a fault
#   of the document.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" openapi-overlays-js@0.2.0

cat >"$dir/apply.mjs" <<'JS'
import fs from 'fs'
import { applyOverlay } from './node_modules/openapi-overlays-js/src/overlay.js'
const manifest = new URL('./node_modules/openapi-overlays-js/package.json', import.meta.url)
console.log('openapi-overlays-js', JSON.parse(fs.readFileSync(manifest, 'utf8')).version)
const document = {
  openapi: '3.1.0',
  info: { title: 't', version: '1' },
  servers: [{ url: 'https://one.example' }],
  tags: [{ name: 'image' }],
  paths: {},
}
const actions = [
  { target: '$.servers', update: { url: 'https://two.example' } },
  { target: '$.tags', update: { name: 'video', description: 'moving' } },
]
const result = applyOverlay(document, { overlay: '1.0.0', info: { title: 'o', version: '1' }, actions })
console.log('servers:', JSON.stringify(result.servers))
console.log('tags:', JSON.stringify(result.tags))
JS

cat >"$dir/expected" <<'EXPECTED'
openapi-overlays-js 0.2.0
servers: {"0":{"url":"https://one.example"},"url":"https://two.example"}
tags: {"0":{"name":"image"},"name":"video","description":"moving"}
EXPECTED
node "$dir/apply.mjs" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
