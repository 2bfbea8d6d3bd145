#!/usr/bin/env bash
# Guess: the `Link` header, which says where the next page is, is read by any HTTP client; a title with a
#   semicolon, quoted as RFC 8288 wants it, or a semicolon in the URL itself (an OpenAPI path parameter of
#   style matrix looks so) makes no difference.
# What happens: requests, httpx and npm's parse-link-header split at semicolons first. After the title the
#   Python two stop reading and never see `rel="next"`; a matrix parameter is cut off the URL, so the client
#   asks for another resource. The third reads both and has a limit of its own: a header of more than 2000
#   characters is null, "no links", with no error.
# Why it matters: pagination ends early or goes elsewhere, against a server that is right. A mock with short plain
#   links never shows it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" parse-link-header@2.0.0
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check requests==2.34.2 httpx==0.28.1

cat >"$dir/headers.json" <<'JSON'
{"plain": "<http://api.example/p>; rel=\"next\"",
 "title": "<http://api.example/p>; title=\"a;b\"; rel=\"next\"",
 "matrix": "<http://api.example/p;page=2>; rel=\"next\""}
JSON
cat >"$dir/read.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version

import httpx
import requests

print("requests", version("requests"), "httpx", version("httpx"))
for name, header in json.load(open(sys.argv[1])).items():
    response = requests.Response()
    response.headers["Link"] = header
    both = response.links, httpx.Response(200, headers={"Link": header}).links
    print(f"{name}:", *(links.get("next", {}).get("url", "no next page") for links in both), sep=" | ")
PYTHON
cat >"$dir/read.mjs" <<'JS'
import fs from 'fs'
const version = (name) => JSON.parse(fs.readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version
import parse from 'parse-link-header'

const headers = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))
headers['2100 characters'] = `<http://api.example/p?cursor=${'a'.repeat(2057)}>; rel="next"`
console.log('parse-link-header', version('parse-link-header'))
for (const [name, header] of Object.entries(headers)) {
  console.log(`${name}: | ${parse(header)?.next?.url ?? 'no next page'}`)
}
JS

cat >"$dir/expected" <<'EXPECTED'
requests 2.34.2 httpx 0.28.1
plain: | http://api.example/p | http://api.example/p
title: | no next page | no next page
matrix: | http://api.example/p | http://api.example/p
parse-link-header 2.0.0
plain: | http://api.example/p
title: | http://api.example/p
matrix: | http://api.example/p;page=2
2100 characters: | no next page
EXPECTED
{
  "$dir/venv/bin/python" -W ignore "$dir/read.py" "$dir/headers.json"
  node "$dir/read.mjs" "$dir/headers.json"
} >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
