"""How to install an extra, for the errors of both commands."""

from __future__ import annotations


def install_command(extra: str) -> str:
    """Return the command that installs an extra. The package is on no index, so pip needs the checkout or the wheel."""
    return f"pip install 'path/to/evolink-mock[{extra}]', with the path of the checkout or of the wheel"
