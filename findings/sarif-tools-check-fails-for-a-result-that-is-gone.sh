#!/usr/bin/env bash
# Guess: `sarif --check error` fails while there are errors. In a report that was compared with a baseline, a result with
#   `baselineState: absent` is one that the baseline had and this run no longer has (SARIF 2.1.0, section 3.27.24), and
#   one with an accepted suppression is to be left alone (3.35).
# What happens: sarif-tools reads neither. It counts both as errors of this run, and `--check error` exits with 1. It does
#   read `kind`: a result of `kind: pass` does not count.
# Why it matters: whoever mends the last error gets a report that says so, and a red build because of it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check sarif-tools==3.0.5

cat >"$dir/check.py" <<'PYTHON'
import json, subprocess, sys
from importlib.metadata import version
from pathlib import Path

print("sarif-tools", version("sarif-tools"))
folder = Path(sys.argv[1])
results = {
    "new": {"level": "error", "baselineState": "new"},
    "passed": {"kind": "pass", "level": "none"},
    "gone since the baseline": {"level": "error", "baselineState": "absent"},
    "suppressed, accepted": {"level": "error", "suppressions": [{"kind": "external", "status": "accepted"}]},
}
for name, result in results.items():
    rules = [{"id": "R1"}]
    run = {
        "tool": {"driver": {"name": "check", "rules": rules}},
        "results": [{"ruleId": "R1", "message": {"text": name}, **result}],
    }
    report = folder / "report.sarif"
    report.write_text(json.dumps({"version": "2.1.0", "runs": [run]}))
    command = [Path(sys.executable).with_name("sarif"), "--check", "error", "summary", report]
    done = subprocess.run(command, capture_output=True, text=True)
    counted = next(line for line in done.stdout.splitlines() if line.startswith("error"))
    print(f"{name}: {counted}, exit status {done.returncode}")
PYTHON
"$dir/venv/bin/python" "$dir/check.py" "$dir" | tee "$dir/actual"

cat >"$dir/expected" <<'EXPECTED'
sarif-tools 3.0.5
new: error: 1, exit status 1
passed: error: 0, exit status 0
gone since the baseline: error: 1, exit status 1
suppressed, accepted: error: 1, exit status 1
EXPECTED
diff "$dir/expected" "$dir/actual"
