"""The command line of the Python clients: their options and their exit status."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from evolink import GaveUpError, RefusedError, is_safe

if TYPE_CHECKING:
    from collections.abc import Callable

API = "https://api.evolink.ai"


def parser() -> argparse.ArgumentParser:
    """Return a parser of the options that all clients have."""
    options = argparse.ArgumentParser(
        description="Make one video. The key is taken from EVOLINK_API_KEY.",
        epilog="Exit status: 0 saved, 1 refused or failed, 2 bad usage, 3 gave up.",
    )
    options.add_argument("--prompt", required=True)
    options.add_argument("--image-url", required=True, help="JPEG, PNG or WebP, 10 MB at most")
    options.add_argument("--output", required=True, type=Path)
    options.add_argument("--interval", type=float, default=2, metavar="SECONDS", help="between two queries")
    options.add_argument("--deadline", type=float, default=600, metavar="SECONDS", help="when it gives up")
    return options


def run(make: Callable[[argparse.Namespace, str, str], None], options_parser: argparse.ArgumentParser) -> int:
    """Parse the options, call `make` with them, the API's base URL and the key, and return the exit status."""
    options = options_parser.parse_args()
    base, key = os.environ.get("EVOLINK_BASE_URL") or API, os.environ.get("EVOLINK_API_KEY", "")
    if invalid := problem(options, base, key):
        options_parser.error(invalid)
    try:
        make(options, base, key)
    except RefusedError as error:
        print(f"evolink: {error}", file=sys.stderr)
        return 1
    except (GaveUpError, OSError) as error:
        print(f"evolink: gave up: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    return 0


def problem(options: argparse.Namespace, base: str, key: str) -> str | None:
    """Return what is wrong with the options, or None. It is called before any request, which might cost credits."""
    checks = {
        "EVOLINK_API_KEY is not set to a key": key.isascii() and key.isprintable() and key,
        "EVOLINK_BASE_URL has to be https": is_safe(base),
        "--image-url has to be a URL": options.image_url.startswith(("https://", "http://")),
        "--interval: 1 second at least": options.interval >= 1,
        "--deadline: more than 0 seconds": options.deadline > 0,
        "--output: there is no such directory": options.output.absolute().parent.is_dir(),
    }
    return next((text for text, right in checks.items() if not right), None)
