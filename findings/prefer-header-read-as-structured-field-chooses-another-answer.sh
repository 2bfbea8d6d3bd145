#!/usr/bin/env bash
# Guess: `Prefer`, which mocks use to choose an answer (`Prefer: code=404`), reads like the dictionaries of
#   Structured Fields, and the draft on retrofitted fields lists it as one; so a parser for those will do.
# What happens: where a preference is given twice, RFC 7240 keeps the first and RFC 9651 the last: the two npm
#   parsers choose different answers from one header. A space around "=" and a capital letter, both allowed by
#   RFC 7240, are errors for the Structured Fields parser, and a proxy that joins two header lines makes the
#   double preference out of two single ones.
# Why it matters: the mock plays 404 and the library that checks the test says 429 was asked for.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" parse-prefer-header@1.0.0 structured-headers@2.1.0

cat >"$dir/check.mjs" <<'JS'
import fs from 'fs'
const version = (name) => JSON.parse(fs.readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version
import parsePrefer from 'parse-prefer-header'
import { parseDictionary } from 'structured-headers'

console.log('parse-prefer-header', version('parse-prefer-header'), 'structured-headers', version('structured-headers'))
const prefer = parsePrefer.default ?? parsePrefer
for (const header of ['code=404', 'code=404, code=429', 'code = 404', 'Code=404']) {
  let structured
  try {
    structured = parseDictionary(header).get('code')[0]
  } catch {
    structured = 'error'
  }
  console.log(`${header}: Prefer ${prefer(header).code}, Structured Fields ${structured}`)
}
JS

cat >"$dir/expected" <<'EXPECTED'
parse-prefer-header 1.0.0 structured-headers 2.1.0
code=404: Prefer 404, Structured Fields 404
code=404, code=429: Prefer 404, Structured Fields 429
code = 404: Prefer 404, Structured Fields error
Code=404: Prefer 404, Structured Fields error
EXPECTED
node "$dir/check.mjs" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
