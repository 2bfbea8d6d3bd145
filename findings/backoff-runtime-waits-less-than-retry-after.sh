#!/usr/bin/env bash
# Guess: `backoff.runtime` with a function that reads Retry-After waits as long as the server said.
# What happens: the default jitter of backoff applies to it as well: the wait is a random number between 0 and
#   Retry-After. About half of the retries come before half of the time is over. Only `jitter=None` waits in full.
# Why it matters: a client that "obeys Retry-After" is limited again and again; a mock that answers 429 to early
#   retries shows it, a mock that does not look at the time hides it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check backoff==2.2.1

cat >"$dir/check.py" <<'PYTHON'
import random
from importlib.metadata import version

import backoff
from backoff import _sync

print("backoff", version("backoff"))
RETRY_AFTER = 10


def waits(**options: object) -> list[float]:
    """The seconds of 200 retries; the sleep is replaced, so that nothing waits."""
    slept: list[float] = []
    _sync.time = type("Clock", (), {"sleep": staticmethod(slept.append)})
    retry = backoff.on_predicate(
        backoff.runtime, predicate=lambda _: True, value=lambda seconds: seconds, max_tries=201, **options
    )
    retry(lambda: RETRY_AFTER)()
    return slept


random.seed(1)
default, without = waits(), waits(jitter=None)
print("default: too early", sum(seconds < RETRY_AFTER for seconds in default), "of", len(default))
print("default: before half of the time, at least a third:", sum(seconds < 5 for seconds in default) > 66)
print("jitter=None: too early", sum(seconds < RETRY_AFTER for seconds in without), "of", len(without))
PYTHON

cat >"$dir/expected" <<'EXPECTED'
backoff 2.2.1
default: too early 200 of 200
default: before half of the time, at least a third: True
jitter=None: too early 0 of 200
EXPECTED
"$dir/venv/bin/python" -W ignore "$dir/check.py" >"$dir/actual"
cat "$dir/actual"
diff "$dir/expected" "$dir/actual"
