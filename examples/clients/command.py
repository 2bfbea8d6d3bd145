"""The command line of the Python clients: what they are told, and how they end."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from evolink import GaveUp, Refused, safe

if TYPE_CHECKING:
    from collections.abc import Callable

API = "https://api.evolink.ai"


def parser() -> argparse.ArgumentParser:
    """What every one of them is told."""
    found = argparse.ArgumentParser(
        description="Make one video. The key is taken from EVOLINK_API_KEY.",
        epilog="Exit status: 0 saved, 1 refused or failed, 2 bad usage, 3 gave up.",
    )
    found.add_argument("--prompt", required=True)
    found.add_argument("--image-url", required=True, help="JPEG, PNG or WebP, 10 MB at most")
    found.add_argument("--output", required=True, type=Path)
    found.add_argument("--interval", type=float, default=2, metavar="SECONDS", help="between two questions")
    found.add_argument("--deadline", type=float, default=600, metavar="SECONDS", help="then it gives up")
    return found


def run(make: Callable[[argparse.Namespace, str, str], None], words: argparse.ArgumentParser) -> int:
    """Have `make` make the video from what it is told, the API's address and the key. The exit status."""
    told = words.parse_args()
    base, key = os.environ.get("EVOLINK_BASE_URL") or API, os.environ.get("EVOLINK_API_KEY", "")
    if wrong := problem(told, base, key):
        words.error(wrong)
    try:
        make(told, base, key)
    except Refused as why:
        print(f"evolink: {why}", file=sys.stderr)
        return 1
    except (GaveUp, OSError) as why:
        print(f"evolink: gave up: {why}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    return 0


def problem(told: argparse.Namespace, base: str, key: str) -> str | None:
    """What is wrong, found out before anything costs credits."""
    checks = {
        "EVOLINK_API_KEY is not set to a key": key.isascii() and key.isprintable() and key,
        "EVOLINK_BASE_URL has to be https": safe(base),
        "--image-url has to be a URL": told.image_url.startswith(("https://", "http://")),
        "--interval: 1 second at least": told.interval >= 1,
        "--deadline: more than 0 seconds": told.deadline > 0,
        "--output: there is no such directory": told.output.absolute().parent.is_dir(),
    }
    return next((text for text, right in checks.items() if not right), None)
