"""Read bodies from HAR files.

Base64 and content codings are decoded. Bodies that were not recorded are recognized.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from evolink_check.traffic.content_coding import UndecodableError, coding_of, decode_whole
from evolink_check.traffic.formats import NOT_JSON, decode_json
from evolink_check.traffic.har.headers import header_value
from evolink_check.traffic.har.schema import number

if TYPE_CHECKING:
    from evolink_check.traffic.har.headers import Headers
    from evolink_check.traffic.har.schema import Content, HarEntry, Post, Request, Response

LARGEST = 16 * 1024 * 1024  # bytes of a body; only the length of a larger one is kept
_WITH_BODY = {"POST", "PUT", "PATCH"}
_WITHOUT_BODY = {204, 304}
_DIGITS = 15  # maximum number of digits of a length
_GZIP_AS_TEXT = {"\x1f\x8b", "\x1f\ufffd"}  # the start of gzip bytes that were decoded as text


@dataclass(frozen=True, slots=True)
class ResponseBody:
    """A recorded response body."""

    data: bytes  # empty if the body was not recorded completely, is too large, or cannot be decoded
    size: int | None = None  # bytes of a body that `data` does not contain, 0 if unknown; otherwise None
    problem: str = ""  # the reason why the body cannot be decoded


def post_body(post: Post | None) -> bytes:
    """Return the recorded body of a request.

    Base64 is decoded, but a content coding, such as gzip, is not. Raises ValueError if the recorded base64 is invalid.
    """
    if post is None:
        return b""
    if _has_params_only(post):
        return urlencode([(pair.name, pair.text) for pair in post.params or ()]).encode()
    return _decode_text(post.text or "", post.encoding or post.coding)


def _has_params_only(post: Post) -> bool:
    return post.text is None or (not post.text and bool(post.params))


def _cannot_be_restored(post: Post | None, body: bytes) -> bool:
    if post is None or not body:
        return False
    if _has_params_only(post):
        return "x-www-form-urlencoded" not in (post.kind or "x-www-form-urlencoded").lower()
    return "\ufffd".encode() in body and decode_json(body) is NOT_JSON  # bytes that were decoded as text


def content_body(content: Content | None) -> bytes:
    """Return the recorded body of a response.

    Base64 is decoded, but a content coding, such as gzip, is not. Raises ValueError if the recorded base64 is invalid.
    """
    return _decode_text(content.text or "", content.encoding) if content is not None else b""


def request_body(request: Request) -> bytes | None:
    """Return the decoded body of a request.

    Returns None if the body was not recorded completely or cannot be decoded. Raises ValueError if the recorded base64
    is invalid.
    """
    body = post_body(request.post)
    if _cannot_be_restored(request.post, body):
        return None
    if request.method.upper() in _WITH_BODY:
        size = _size(request.size) or _content_length(request.plain_headers)
        if not body:
            return None if size != 0 else body
        if len(body) < size and decode_json(body) is NOT_JSON:
            return None
    try:
        return _without_coding(body, request.plain_headers)
    except UndecodableError:
        return None


def response_body(method: str, status: int, response: Response, *, streams: bool) -> ResponseBody:
    """Return the decoded body of a response.

    `streams` is True if the recording tool does not record streamed bodies. Raises ValueError if the recorded base64 is
    invalid.
    """
    body = content_body(response.content)
    if method.upper() == "HEAD" or not status or status in _WITHOUT_BODY:
        return ResponseBody(body)
    try:
        plain = _without_coding(body, response.plain_headers)
    except UndecodableError as error:
        return ResponseBody(b"", _size(response.content and response.content.size) or len(body), str(error))
    if len(plain) > LARGEST:
        return ResponseBody(b"", len(plain))
    size = _size_if_incomplete(response, plain, streams=streams)
    return ResponseBody(plain) if size is None else ResponseBody(b"", size)


def is_exact(entry: HarEntry, body: bytes) -> bool:
    """Return whether the recorded bodies are certainly the bytes that were sent.

    `body` is the decoded response body. Returns False if a tool may have decoded a body incorrectly. Returns False for
    a response without headers.
    """
    post, response = entry.request.post, entry.response
    content = response.content if response is not None else None
    rebuilt = post is not None and _has_params_only(post)  # from the fields of a form
    # A tool that omits headers may also change bodies.
    if rebuilt or response is None or not response.headers:
        return False
    is_base64 = content is not None and (content.encoding or "").lower() == "base64"
    is_whole = content is not None and content.text is not None and _size(content.size) == len(body)
    return is_base64 or (is_whole and "\ufffd".encode() not in body)


def _decode_text(text: str, encoding: str | None) -> bytes:
    if (encoding or "").lower() == "base64":
        try:
            plain = "".join(text.split()).rstrip(
                "="
            )  # it may be in lines, as in MIME, or without its padding
            return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        except ValueError:
            raise ValueError("invalid base64") from None
    if text[:2] in _GZIP_AS_TEXT:
        return text.encode("latin-1", "replace")  # a tool decoded compressed bytes as text
    return text.encode("utf-8", "surrogatepass")


def _without_coding(body: bytes, headers: Headers) -> bytes:
    for coding in reversed(coding_of(headers).split(",")) if body else ():
        if not body or coding.strip() in {"", "identity"} or _is_text(body):
            return body  # most tools decode the bodies that they record
        body = decode_whole(body, coding.strip(), LARGEST)
    return body


def _is_text(body: bytes) -> bool:
    try:
        return "\ufffd" not in body.decode()
    except UnicodeDecodeError:
        return False


def _size(value: object) -> int:
    return int(number(value) or 0)  # 0 if the size is absent, invalid or impossibly large


def _content_length(headers: Headers) -> int:
    value = header_value(headers, "content-length") or ""
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= _DIGITS else 0


def _size_if_incomplete(response: Response, body: bytes, *, streams: bool) -> int | None:
    # None: the body was recorded completely. 0: the length of the whole body is unknown.
    content = response.content
    size = _size(content.size) if content is not None else -1
    if body:
        # Some tools record the size of the compressed body, which is larger than a short text.
        return size if len(body) < size and decode_json(body) is NOT_JSON else None
    # Firefox writes a size of 0 for a body that it did not keep, and its size on the wire in `bodySize`.
    length = next((found for found in (size, _size(response.size)) if found > 0), 0)
    length = length or _content_length(response.plain_headers)
    announced = header_value(response.plain_headers, "content-length") is not None
    # Many tools write a size of 0 and no text for a body that they did not keep; a `bodySize` of -1 is unknown.
    unsure = streams or (number(response.size) or 0) < 0
    return length if length or size < 0 or (unsure and not announced) else None
