"""Render HTML reports as pages that load no other file.

A page runs its own script, and no script from a recorded body. Templates escape all texts. The files page.css and
page.js are inserted unescaped.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolink_check.reports import formatting
from evolink_check.reports.html.timeline import SHAPES

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).parent
_LINES = frozenset("\t\n\r")


def render(template: str, **context: Any) -> str:
    """Return a page made from a template in `templates/`.

    Strings in `context` are escaped, so that pages show them as text.
    """
    return _environment().get_template(template).render(**context)


def render_part(macro: str, *arguments: Any) -> str:
    """Return the HTML that a Jinja macro of `parts.html` makes from these arguments."""
    return str(getattr(_environment().get_template("parts.html").module, macro)(*arguments)).strip()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=make_visible,
    )
    style, script = (
        (_HERE / "page.css").read_text(encoding="utf-8"),
        (_HERE / "page.js").read_text(encoding="utf-8"),
    )
    environment.filters["css_class"] = lambda status: status.replace(" ", "-")
    environment.globals |= {
        "style": Markup(style),  # noqa: S704  (our own file)
        "script": Markup(script),  # noqa: S704
        # The page's policy allows only the script with this digest, so that a script in a recorded body cannot run.
        "digest": b64encode(sha256(script.encode()).digest()).decode("ascii"),
        "SHAPES": SHAPES,
        "place": formatting.clause_source,
        "status_text": formatting.status_text,
        "where": formatting.occurrences,
    }
    return environment


def make_visible(value: Any) -> Any:
    """Replace characters that are not printable by escape sequences.

    Such characters can reverse the text direction. Strings that are marked as HTML (`Markup`) are returned unchanged.
    Values that are not strings are returned unchanged.
    """
    if not isinstance(value, str) or hasattr(value, "__html__") or value.isprintable():
        return value
    return "".join(char if char.isprintable() or char in _LINES else f"\\u{ord(char):04x}" for char in value)
