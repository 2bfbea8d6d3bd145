"""Where things are in the checkout."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE_CLIENTS = ROOT / "examples" / "clients"
README = ROOT / "README.md"
OPENAPI = ROOT / "spec" / "evolink_spec" / "openapi"
CONTROL_API_PAGE = ROOT / "docs" / "control-api.md"
