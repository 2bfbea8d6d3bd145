#!/usr/bin/env bash
# Guess: signing a webhook for a timestamp signs that instant. The two datetimes 09:00 in Tokyo and 00:00 UTC
#   are equal in Python and give one signature.
# What happens: the Python libraries standardwebhooks and svix put UTC over the time zone of the datetime
#   instead of converting it. A sender that signs an aware local time signs another second than the one it
#   writes into `webhook-timestamp`, and no receiver accepts it. In UTC, thus on most servers and in CI, all
#   is well. `verify` of the same library is where the failure shows.
# Why it matters: a mock that sends webhooks from a developer's machine, or a test that builds a signature by
#   `datetime.now().astimezone()`, fails outside UTC alone.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check standardwebhooks==1.1.0 svix==2.9.1

cat >"$dir/check.py" <<'PYTHON'
import base64
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

import standardwebhooks
from svix.webhooks import Webhook as SvixWebhook

SECRET = "whsec_" + base64.b64encode(b"0" * 32).decode()
utc = datetime.now(timezone.utc)
tokyo = utc.astimezone(timezone(timedelta(hours=9)))
print("one instant:", utc == tokyo)
for name, webhook in (("standardwebhooks", standardwebhooks.Webhook(SECRET)), ("svix", SvixWebhook(SECRET))):
    same = webhook.sign("msg", utc, "{}") == webhook.sign("msg", tokyo, "{}")
    print(name, version(name), "same signature:", same)

receiver = standardwebhooks.Webhook(SECRET)
for zone, instant in (("UTC", utc), ("Tokyo", tokyo)):
    signature = receiver.sign("msg", instant, "{}")
    headers = {
        "webhook-id": "msg",
        "webhook-timestamp": str(int(instant.timestamp())),
        "webhook-signature": signature,
    }
    try:
        receiver.verify("{}", headers)
        print("signed in", zone, "-> accepted")
    except standardwebhooks.WebhookVerificationError as error:
        print("signed in", zone, "->", error)
PYTHON

cat >"$dir/expected" <<'EXPECTED'
one instant: True
standardwebhooks 1.1.0 same signature: False
svix 2.9.1 same signature: False
signed in UTC -> accepted
signed in Tokyo -> No matching signature found
EXPECTED
"$dir/venv/bin/python" -W ignore "$dir/check.py" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
