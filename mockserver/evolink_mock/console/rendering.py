"""Render pages from jinja2 templates, which escape all text.

The content security policy of the pages allows the scripts of the console.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment, Template

FOLDER = Path(__file__).parent
# Pages may load and run only what this server sends, and no page may frame them.
POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
    b"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# Swagger UI sets the `style` attribute of its elements.
REFERENCE_POLICY = POLICY.replace(b"style-src 'self'", b"style-src 'self' 'unsafe-inline'")
_DEEPEST = 20  # maximum number of levels of a JSON value that are shown as a tree


def page(template: str, **context: Any) -> bytes:
    """Render a page or a part of a page. Markup in the values of `context` is escaped."""
    return _template(template).render(**context).encode()


def macro(template: str, name: str, *arguments: Any) -> str:
    """Return the output of a macro in a template."""
    return str(getattr(_template(template).module, name)(*arguments))


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clock"] = time_of_day
    environment.filters["decode_json"] = decode_json
    environment.globals["deepest"] = _DEEPEST
    return environment


def time_of_day(instant: float | None) -> str:
    """Format Unix seconds as a date and time in UTC; None as "never"."""
    if instant is None:
        return "never"
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def decode_json(text: str | None) -> Any:
    """Decode a JSON object or array. Returns None if the text is neither."""
    try:
        value = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None
