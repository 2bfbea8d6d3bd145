"""The frame of an HTML report: one file that fetches nothing, and runs nothing but a filter of ours."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from evolink_check.reports.html.elements import Html, el

_HERE = Path(__file__).parent


def document(title: str, *body: Html) -> str:
    """A whole page, with the style of the house: a `<body>` of these parts."""
    style, script = _file("page.css"), _file("page.js")
    # The script is allowed by its own digest: one that came with a recorded body is not run, were it ever let in.
    digest = b64encode(sha256(script.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=policy),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", title),
        el("style", style),
    )
    page = el("html", head, el("body", el("main", *body), el("script", script)), lang="en")
    return f"<!doctype html>\n{page}\n"


@cache
def _file(name: str) -> Html:
    return Html((_HERE / name).read_text(encoding="utf-8"))
