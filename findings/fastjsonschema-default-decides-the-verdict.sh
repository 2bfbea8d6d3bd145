#!/usr/bin/env bash
# Guess: `default` is an annotation. It may be written into the instance as a convenience, but whether an
#   instance is valid does not depend on it; and a validator leaves the caller's data alone.
# What happens: fastjsonschema fills the defaults into the caller's own object while it validates, before the
#   keywords that follow are tried. {} becomes {"mode": "x"} in time for `if`, and is refused by a `then` that
#   does not apply to it; {} under `maxProperties: 0` passes and comes back with a property; the default of
#   an `anyOf` branch stays in the data. jsonschema, jsonschema-rs and the specification call {} valid in all.
# Why it matters: a mock that validates the body before it journals or forwards it records what the client
#   never sent, and a contract test refuses a right answer.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
  fastjsonschema==2.22.3 jsonschema==4.26.0 jsonschema-rs==0.60.3

cat >"$dir/check.py" <<'PYTHON'
from importlib.metadata import version

import fastjsonschema
import jsonschema
import jsonschema_rs

print(*(f"{name} {version(name)}" for name in ("fastjsonschema", "jsonschema", "jsonschema-rs")))
with_default = {"properties": {"mode": {"default": "x"}}}
schemas = {
    "if/then": {**with_default, "if": {"required": ["mode"]}, "then": {"required": ["secret"]}},
    "maxProperties": {**with_default, "maxProperties": 0},
    "anyOf": {"anyOf": [{"type": "object", **with_default}, {"required": ["id"]}]},
}
for name, keywords in schemas.items():
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", **keywords}
    others = jsonschema.Draft7Validator(schema).is_valid({}), jsonschema_rs.validator_for(schema).is_valid({})
    instance: dict[str, object] = {}
    try:
        fastjsonschema.compile(schema)(instance)
        verdict = "valid"
    except fastjsonschema.JsonSchemaValueException as error:
        verdict = f"refused, {error.message}"
    print(f"{name}: others {others}, fastjsonschema: {verdict}; the instance is now {instance}")
PYTHON

cat >"$dir/expected" <<'EXPECTED'
fastjsonschema 2.22.3 jsonschema 4.26.0 jsonschema-rs 0.60.3
if/then: others (True, True), fastjsonschema: refused, data must contain ['secret'] properties; the instance is now {'mode': 'x'}
maxProperties: others (True, True), fastjsonschema: valid; the instance is now {'mode': 'x'}
anyOf: others (True, True), fastjsonschema: valid; the instance is now {'mode': 'x'}
EXPECTED
"$dir/venv/bin/python" "$dir/check.py" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
