#!/usr/bin/env bash
# Guess: the parser of prometheus-client for the text format gives each sample the name that stands in the text.
# What happens: a sample of a counter comes out with `_total` appended when it had none: `# TYPE hits counter`,
#   `hits 1` is the sample `hits_total`. The text format does not ask for that suffix (OpenMetrics does), and
#   with `# TYPE hits untyped`, or no TYPE line, the name stays. A counter `hits` and a gauge `hits_total`, two
#   metrics in the text, come out under one name. parse-prometheus-text-format on npm keeps the names.
# Why it matters: an assertion about the metrics of a server that is no Python program looks for a name that
#   curl shows and finds nothing; adding the TYPE line, which looks harmless, is what breaks it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check prometheus-client==0.26.0
bundle=/etc/ssl/certs/ca-certificates.crt # npm does not read the system's certificates by itself
[ -f "$bundle" ] && export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
npm install --loglevel error --no-audit --no-fund --prefix "$dir" parse-prometheus-text-format@1.1.1

cat >"$dir/texts.json" <<'JSON'
["hits 1\n", "# TYPE hits untyped\nhits 1\n", "# TYPE hits gauge\nhits 1\n", "# TYPE hits counter\nhits 1\n",
 "# TYPE hits counter\nhits 1\n# TYPE hits_total gauge\nhits_total 2\n"]
JSON
cat >"$dir/parse.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version

from prometheus_client.parser import text_string_to_metric_families

print("prometheus-client", version("prometheus-client"))
for text in json.load(open(sys.argv[1])):
    families = text_string_to_metric_families(text)
    print(json.dumps(text), "->", *(f"{sample.name}={sample.value:g}" for family in families for sample in family.samples))
PYTHON
cat >"$dir/parse.mjs" <<'JS'
import fs from 'fs'
import module from 'parse-prometheus-text-format'
const parse = module.default ?? module
const read = (name) => JSON.parse(fs.readFileSync(name, 'utf8'))
console.log('parse-prometheus-text-format', read(new URL('./node_modules/parse-prometheus-text-format/package.json', import.meta.url)).version)
for (const text of read(process.argv[2])) {
  const names = parse(text).flatMap((family) => family.metrics.map((metric) => `${family.name}=${metric.value}`))
  console.log(JSON.stringify(text), '->', ...names)
}
JS

cat >"$dir/expected" <<'EXPECTED'
prometheus-client 0.26.0
"hits 1\n" -> hits=1
"# TYPE hits untyped\nhits 1\n" -> hits=1
"# TYPE hits gauge\nhits 1\n" -> hits=1
"# TYPE hits counter\nhits 1\n" -> hits_total=1
"# TYPE hits counter\nhits 1\n# TYPE hits_total gauge\nhits_total 2\n" -> hits_total=1 hits_total=2
parse-prometheus-text-format 1.1.1
"hits 1\n" -> hits=1
"# TYPE hits untyped\nhits 1\n" -> hits=1
"# TYPE hits gauge\nhits 1\n" -> hits=1
"# TYPE hits counter\nhits 1\n" -> hits=1
"# TYPE hits counter\nhits 1\n# TYPE hits_total gauge\nhits_total 2\n" -> hits=1 hits_total=2
EXPECTED
{
  "$dir/venv/bin/python" "$dir/parse.py" "$dir/texts.json"
  node "$dir/parse.mjs" "$dir/texts.json"
} >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
