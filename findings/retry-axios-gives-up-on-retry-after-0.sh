#!/usr/bin/env bash
# Guess: `Retry-After: 0`, or a date that is just over, says "again, at once"; a client that reads the header
#   tries again without a wait. So does axios-retry.
# What happens: retry-axios does not try again at all: 0 and every past date count as no good value, and the 503
#   is the end. The same 503 with no Retry-After is tried again. got takes the 0 for an absent header and waits
#   its own second; after a past date it does not wait.
# Why it matters: a server that rounds the rest of a second down sends 0, and a date is over when it arrives late.
#   The header that is to make a retry succeed prevents it, and only in part of the runs.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" axios@1.21.1 axios-retry@4.5.0 retry-axios@4.0.3 got@14.6.6

cat >"$dir/check.mjs" <<'JS'
import fs from 'fs'
import http from 'http'
import axios from 'axios'
import axiosRetry from 'axios-retry'
import got from 'got'
import { attach } from 'retry-axios'

const version = (name) => JSON.parse(fs.readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version
console.log(...['axios', 'axios-retry', 'retry-axios', 'got'].map((name) => `${name} ${version(name)}`))

let arrivals = []
let retryAfter
const server = http.createServer((_, response) => {
  arrivals.push(Date.now())
  const first = arrivals.length === 1
  response.writeHead(first ? 503 : 200, first && retryAfter ? { 'retry-after': retryAfter } : {})
  response.end('{}')
})
await new Promise((done) => server.listen(0, '127.0.0.1', done))
const url = `http://127.0.0.1:${server.address().port}/`

const withAxiosRetry = axios.create()
axiosRetry(withAxiosRetry, { retries: 1 })
const withRetryAxios = axios.create()
attach(withRetryAxios)
const rax = { raxConfig: { retry: 1, instance: withRetryAxios } }
const clients = {
  'axios-retry': () => withAxiosRetry.get(url).then((answer) => answer.status),
  'retry-axios': () => withRetryAxios.get(url, rax).then((answer) => answer.status),
  got: () => got(url, { retry: { limit: 1 } }).then((answer) => answer.statusCode),
}
const values = [undefined, '1', '0', 'Sun, 06 Nov 1994 08:49:37 GMT']
for (const value of values) {
  for (const [name, get] of Object.entries(clients)) {
    arrivals = []
    retryAfter = value
    const status = await get().catch((error) => error.response.status)
    const wait = arrivals.length === 1 ? 'no retry' : arrivals[1] - arrivals[0] < 700 ? 'retry at once' : 'retry after a wait'
    // Without the header each client has a pause of its own: whether it tries again is all that is compared.
    console.log(`${value ?? 'absent'}: ${name} ${status}, ${value ? wait : `${arrivals.length} requests`}`)
  }
}
server.close()
server.closeAllConnections()
JS

cat >"$dir/expected" <<'EXPECTED'
axios 1.21.1 axios-retry 4.5.0 retry-axios 4.0.3 got 14.6.6
absent: axios-retry 200, 2 requests
absent: retry-axios 200, 2 requests
absent: got 200, 2 requests
1: axios-retry 200, retry after a wait
1: retry-axios 200, retry after a wait
1: got 200, retry after a wait
0: axios-retry 200, retry at once
0: retry-axios 503, no retry
0: got 200, retry after a wait
Sun, 06 Nov 1994 08:49:37 GMT: axios-retry 200, retry at once
Sun, 06 Nov 1994 08:49:37 GMT: retry-axios 503, no retry
Sun, 06 Nov 1994 08:49:37 GMT: got 200, retry at once
EXPECTED
node "$dir/check.mjs" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
