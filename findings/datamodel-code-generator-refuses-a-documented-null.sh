#!/usr/bin/env bash
# Guess: `type: string` with `nullable: true` (OpenAPI 3.0) and `type: [string, "null"]` (3.1) are two spellings of
#   one thing; models generated from either take null for a required property, and null as an array entry.
# What happens: datamodel-code-generator makes `str | None` of the 3.1 spelling and plain `str` of the 3.0 one when
#   the property is required: the documented null is refused; null entries of an array too. The other way
#   round, an optional property that may not be null takes null, in both. The option --strict-nullable mends
#   the first; it is off, and the second stays. openapi-schema-validator gives the same verdicts for both.
# Why it matters: `"error": null` in each right answer fails the models of a contract test, only while the document
#   is 3.0; and upgrading the document changes verdicts that should not change.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
  datamodel-code-generator==0.89.0 pydantic==2.14.4 openapi-schema-validator==0.8.1

cat >"$dir/check.py" <<'PYTHON'
import importlib
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from openapi_schema_validator import OAS30Validator, OAS31Validator
from pydantic import ValidationError

print(*(f"{name} {version(name)}" for name in ("datamodel-code-generator", "pydantic", "openapi-schema-validator")))
SPELLINGS = {
    "3.0.3": ({"type": "string", "nullable": True}, OAS30Validator),
    "3.1.0": ({"type": ["string", "null"]}, OAS31Validator),
}
INSTANCES = (
    {"error": "late", "notes": []},
    {"error": None, "notes": []},
    {"error": "late", "notes": [None]},
    {"error": "late", "notes": [], "title": None},
)


def accepts(model: type, instance: dict[str, object]) -> bool:
    try:
        model.model_validate(instance)
    except ValidationError:
        return False
    return True


for name, (nullable, validator) in SPELLINGS.items():
    properties = {"error": nullable, "notes": {"type": "array", "items": nullable}, "title": {"type": "string"}}
    task = {"type": "object", "required": ["error", "notes"], "properties": properties}
    document = {"openapi": name, "info": {"title": "t", "version": "1"}, "paths": {}, "components": {"schemas": {"Task": task}}}
    Path("document.json").write_text(json.dumps(document))
    verdicts = {"schema": [validator(task).is_valid(instance) for instance in INSTANCES]}
    for label, options in (("model", []), ("model, --strict-nullable", ["--strict-nullable"])):
        module = f"models_{len(options)}_{name.replace('.', '_')}"
        subprocess.run(
            [f"{sys.prefix}/bin/datamodel-codegen", "--input", "document.json", "--input-file-type", "openapi"]
            + ["--output-model-type", "pydantic_v2.BaseModel", "--output", f"{module}.py", *options],
            check=True,
            capture_output=True,
        )
        model = importlib.import_module(module).Task
        verdicts[label] = [accepts(model, instance) for instance in INSTANCES]
    for label, verdict in verdicts.items():
        print(f"{name} {label}:", verdict)
PYTHON

cat >"$dir/expected" <<'EXPECTED'
datamodel-code-generator 0.89.0 pydantic 2.14.4 openapi-schema-validator 0.8.1
3.0.3 schema: [True, True, True, False]
3.0.3 model: [True, False, False, True]
3.0.3 model, --strict-nullable: [True, True, True, True]
3.1.0 schema: [True, True, True, False]
3.1.0 model: [True, True, True, True]
3.1.0 model, --strict-nullable: [True, True, True, True]
EXPECTED
(cd "$dir" && venv/bin/python -W ignore check.py) >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
