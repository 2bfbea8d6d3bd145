#!/usr/bin/env bash
# Guess: `contentEncoding: base64` and `contentMediaType: application/json` either are checked by a validator or
#   are not, and three validators with formats switched on agree about draft 7.
# What happens: three validators, three answers. jsonschema checks neither keyword. jsonschema-rs checks both in
#   draft 7 and neither in draft 2020-12, with the same schema. fastjsonschema checks both in each, although
#   2020-12 says that they must not be checked by default.
# Why it matters: OpenAPI 3.1 describes base64 fields by these keywords. A verdict about the same document and the
#   same answer changes with the library, and with the `$schema` line.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check jsonschema==4.26.0 jsonschema-rs==0.60.3 fastjsonschema==2.22.3

cat >"$dir/check.py" <<'PYTHON'
from importlib.metadata import version

import fastjsonschema
import jsonschema
import jsonschema_rs

print(*(f"{name} {version(name)}" for name in ("jsonschema", "jsonschema-rs", "fastjsonschema")))
DRAFTS = {
    "draft 7": "http://json-schema.org/draft-07/schema#",
    "2020-12": "https://json-schema.org/draft/2020-12/schema",
}


def fast(schema: dict[str, str], instance: str) -> bool:
    try:
        fastjsonschema.compile(schema)(instance)
    except fastjsonschema.JsonSchemaValueException:
        return False
    return True


for name, draft in DRAFTS.items():
    for keyword, value in (("contentEncoding", "base64"), ("contentMediaType", "application/json")):
        schema = {"$schema": draft, keyword: value}
        checker = jsonschema.validators.validator_for(schema)
        verdicts = {
            "jsonschema": checker(schema, format_checker=checker.FORMAT_CHECKER).is_valid("{no"),
            "jsonschema-rs": jsonschema_rs.validator_for(schema, validate_formats=True).is_valid("{no"),
            "fastjsonschema": fast(schema, "{no"),
        }
        print(f"{name} {keyword}:", verdicts)
PYTHON

cat >"$dir/expected" <<'EXPECTED'
jsonschema 4.26.0 jsonschema-rs 0.60.3 fastjsonschema 2.22.3
draft 7 contentEncoding: {'jsonschema': True, 'jsonschema-rs': False, 'fastjsonschema': False}
draft 7 contentMediaType: {'jsonschema': True, 'jsonschema-rs': False, 'fastjsonschema': False}
2020-12 contentEncoding: {'jsonschema': True, 'jsonschema-rs': True, 'fastjsonschema': False}
2020-12 contentMediaType: {'jsonschema': True, 'jsonschema-rs': True, 'fastjsonschema': False}
EXPECTED
"$dir/venv/bin/python" -W ignore "$dir/check.py" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
