#!/usr/bin/env bash
# Guess: the datetime matcher of Pact and the `format: date-time` of OpenAPI mean the same strings, above all when
#   the matcher was given an aware datetime of Python and no format.
# What happens: without a format, `match.datetime` of pact-python asks for an offset without a colon, +0000. The
#   RFC 3339 forms "Z" and "+00:00" are refused. JSON Schema accepts just those two and refuses +0000, so no
#   string at all satisfies both.
# Why it matters: a provider that is right by its OpenAPI document breaks the pact, and one that follows the
#   pact breaks the document..
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check pact-python==4.2.0 jsonschema-rs==0.60.3 httpx==0.28.1

cat >"$dir/check.py" <<'PYTHON'
from datetime import datetime, timezone
from importlib.metadata import version

import httpx
import jsonschema_rs
from pact import Pact, match

print("pact-python", version("pact-python"), "jsonschema-rs", version("jsonschema-rs"))
schema = jsonschema_rs.Draft202012Validator({"format": "date-time"}, validate_formats=True)


def satisfies_pact(text: str) -> bool:
    pact = Pact("consumer", "provider").with_specification("V4")
    interaction = pact.upon_receiving("a time").with_request("POST", "/")
    body = {"at": match.datetime(datetime(2026, 1, 1, tzinfo=timezone.utc))}
    interaction.with_body(body, "application/json").will_respond_with(200)
    with pact.serve(raises=False) as server:
        return httpx.post(f"{server.url}/", json={"at": text}).status_code == 200


for text in ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+0000"):
    print(f"{text}: Pact {satisfies_pact(text)}, JSON Schema {schema.is_valid(text)}")
PYTHON

cat >"$dir/expected" <<'EXPECTED'
pact-python 4.2.0 jsonschema-rs 0.60.3
2026-01-01T00:00:00Z: Pact False, JSON Schema True
2026-01-01T00:00:00+00:00: Pact False, JSON Schema True
2026-01-01T00:00:00+0000: Pact True, JSON Schema False
EXPECTED
"$dir/venv/bin/python" -W ignore "$dir/check.py" >"$dir/actual" 2>"$dir/log"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
