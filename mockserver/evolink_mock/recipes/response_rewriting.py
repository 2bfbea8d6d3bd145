"""Change the status, headers or body of a response as a recipe requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from msgspec import DecodeError, Struct
from msgspec.json import decode, encode

if TYPE_CHECKING:
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.recipes.recipe import Recipe

Headers = Sequence[tuple[bytes, bytes]]
_LOOPBACK = "127.0.0.1"
_REASONS = {502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}
_PAGE = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
ERROR_PAGE = b"<!doctype html>\n<html><head><title>Error</title></head><body><h1>Not now</h1></body></html>\n"
_BODIES = {
    "none": b"",
    "empty": b"",
    "list": b"[]",
    "string": b'"ok"',
    "number": b"1",
    "null": b"null",
    "page": ERROR_PAGE,
}


class WholeResponse(Struct, frozen=True):
    """A response with its complete body."""

    status: int
    headers: Headers
    body: bytes


def gateway_page(status: int) -> bytes:
    """Return the HTML error page of a gateway (a reverse proxy) with this status."""
    return _PAGE.format(f"{status} {_REASONS[status]}").encode("ascii")


def rewrites(recipe: Recipe) -> bool:
    """Return whether the recipe needs the whole response to change it."""
    edits = recipe.omitted or recipe.added or recipe.nulled or recipe.emptied
    other = recipe.body or recipe.redirect or recipe.retry_form or recipe.skew
    return bool(recipe.gateway or other or edits)


def rewrite(recipe: Recipe, exchange: Exchange, response: WholeResponse, port: int) -> WholeResponse:
    """Return the response as the recipe changes it. `port` is the port at which the request arrived."""
    if recipe.gateway is not None:
        page = gateway_page(recipe.gateway)
        return WholeResponse(recipe.gateway, _with(response.headers, page, b"text/html"), page)
    if recipe.redirect:
        return _redirect(recipe.redirect, exchange, port)
    if recipe.body:
        return _replace_body(recipe.body, response)
    body = _edit_json(recipe, response.body)
    headers = _with(response.headers, body) if body is not response.body else response.headers
    headers = _with_retry_after(recipe, headers, exchange.at)
    return WholeResponse(response.status, _with_date(recipe, headers, exchange.at), body)


def _with(headers: Headers, body: bytes, content_type: bytes = b"") -> Headers:
    changed = {b"content-length": b"%d" % len(body)}
    if content_type:
        changed[b"content-type"] = content_type
    return [*changed.items(), *((name, value) for name, value in headers if name not in changed)]


def _redirect(where: str, exchange: Exchange, port: int) -> WholeResponse:
    host = next((value for name, value in exchange.request_headers if name == b"host"), b"").decode("latin-1")
    scheme = "http" if where == "http" else exchange.scheme
    if where == "other":
        host = f"{_LOOPBACK if host.startswith('localhost') else 'localhost'}:{port}"
    url = f"{scheme}://{host}{exchange.path}?redirected=1"
    status = 307 if exchange.method == "POST" else 302
    headers = [(b"location", url.encode("latin-1", "replace")), (b"content-length", b"0")]
    return WholeResponse(status, headers, b"")


def _replace_body(kind: str, response: WholeResponse) -> WholeResponse:
    body = _BODIES[kind]
    if kind == "none":
        kept = [pair for pair in response.headers if pair[0] not in {b"content-length", b"content-type"}]
        return WholeResponse(204, kept, body)
    content_type = b"text/html" if kind == "page" else b""
    return WholeResponse(response.status, _with(response.headers, body, content_type), body)


def _edit_json(recipe: Recipe, body: bytes) -> bytes:
    if not (recipe.omitted or recipe.added or recipe.nulled or recipe.emptied or recipe.skew):
        return body
    try:
        value = decode(body)
    except DecodeError:
        return body
    for name in recipe.omitted:
        _change(value, name, lambda parent, key: parent.pop(key))
    if recipe.skew:
        _change(value, "created", lambda parent, key: parent.update({key: parent[key] + int(recipe.skew)}))
    for name in recipe.added:
        _change(value, name, lambda parent, key: parent.setdefault(key, "undocumented"), known=False)
    for name in recipe.nulled:
        _change(value, name, lambda parent, key: parent.update({key: None}))
    for name in recipe.emptied:
        _change(value, name, lambda parent, key: parent.update({key: type(parent[key])()}))
    return encode(value)


def _change(value: Any, name: str, change: Any, *, known: bool = True) -> None:
    # `name` is the dotted name of a field. `change` gets the object that contains the field, and the key of the field.
    # If `known` is true, the object must also contain the field.
    *path, last = name.split(".")
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    if isinstance(value, dict) and (last in value or not known):
        change(value, last)


def _with_date(recipe: Recipe, headers: Headers, now: float) -> Headers:
    if not recipe.skew:
        return headers
    kept = [(name, value) for name, value in headers if name != b"date"]
    return [*kept, (b"date", formatdate(now + recipe.skew, usegmt=True).encode("ascii"))]


def _with_retry_after(recipe: Recipe, headers: Headers, now: float) -> Headers:
    seconds = next((float(value) for name, value in headers if name == b"retry-after"), None)
    if not recipe.retry_form or seconds is None:
        return headers
    forms = {
        "date": formatdate(now + seconds, usegmt=True),
        "fraction": f"{max(0.0, seconds - 0.5):.1f}",
        "zero": "0",
    }
    kept = [(name, value) for name, value in headers if name != b"retry-after"]
    form = forms.get(recipe.retry_form)
    return kept if form is None else [*kept, (b"retry-after", form.encode("ascii"))]
