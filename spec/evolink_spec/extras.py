"""The command that installs an optional dependency, for error messages."""

from __future__ import annotations


def install_command(extra: str) -> str:
    """Return the command that installs an extra of this package."""
    # This package is on no package index.
    return (
        f"pip install 'path/to/evolink-mock[{extra}]', with the path of the checkout or of the wheel; "
        f"in a checkout, uv run --extra {extra} installs it"
    )
