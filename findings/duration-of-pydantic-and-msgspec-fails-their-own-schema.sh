#!/usr/bin/env bash
# Guess: a library that writes `{"type": "string", "format": "duration"}` as the schema of a timedelta writes
#   timedeltas that this schema accepts.
# What happens: `duration` is the grammar of RFC 3339, appendix A, which is narrower than ISO 8601: no
#   fraction, no sign, and no jump over a unit. Half a second (PT0.5S) fails the schema of pydantic and of
#   msgspec alike; so does a negative one; 400 days fail pydantic's alone (P1Y35D jumps over the months).
#   jsonschema-rs checks the format; jsonschema says yes to everything while isoduration is not installed.
# Why it matters: response schemas made from such models, run against the server they came from, fail only
#   for fractions of a second: a contract test that passes on round numbers and fails in production.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
  pydantic==2.14.4 msgspec==0.22.0 jsonschema==4.26.0 jsonschema-rs==0.60.3

cat >"$dir/check.py" <<'PYTHON'
import json
from datetime import timedelta
from importlib.metadata import version

import jsonschema
import jsonschema_rs
import msgspec
import pydantic

print(*(f"{name} {version(name)}" for name in ("pydantic", "msgspec", "jsonschema", "jsonschema-rs")))
adapter = pydantic.TypeAdapter(timedelta)
writers = {
    "pydantic": (adapter.json_schema(mode="serialization"), adapter.dump_json),
    "msgspec": (msgspec.json.schema(timedelta), msgspec.json.encode),
}
for name, (schema, write) in writers.items():
    print(name, "schema:", json.dumps(schema, sort_keys=True))
    lax = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    strict = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    for value in (timedelta(seconds=2), timedelta(seconds=0.5), timedelta(seconds=-5), timedelta(days=400)):
        text = json.loads(write(value))
        print(f"  {text}: jsonschema {lax.is_valid(text)}, jsonschema-rs {strict.is_valid(text)}")
PYTHON

cat >"$dir/expected" <<'EXPECTED'
pydantic 2.14.4 msgspec 0.22.0 jsonschema 4.26.0 jsonschema-rs 0.60.3
pydantic schema: {"format": "duration", "type": "string"}
  PT2S: jsonschema True, jsonschema-rs True
  PT0.5S: jsonschema True, jsonschema-rs False
  -PT5S: jsonschema True, jsonschema-rs False
  P1Y35D: jsonschema True, jsonschema-rs False
msgspec schema: {"format": "duration", "type": "string"}
  PT2S: jsonschema True, jsonschema-rs True
  PT0.5S: jsonschema True, jsonschema-rs False
  -PT5S: jsonschema True, jsonschema-rs False
  P400D: jsonschema True, jsonschema-rs True
EXPECTED
"$dir/venv/bin/python" "$dir/check.py" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
