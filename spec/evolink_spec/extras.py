"""The command that installs an extra of this package, for the errors of both commands."""

from __future__ import annotations


def install_command(extra: str) -> str:
    """Return the command that installs an extra.

    This package is not on a package index, so `pip` needs the path of the checkout or of the wheel.
    """
    return (
        f"pip install 'path/to/evolink-mock[{extra}]', with the path of the checkout or of the wheel; "
        f"in a checkout, uv run --extra {extra} installs it"
    )
