"""The records of a HAR file.

Of the fields that HAR defines, the records contain those that evolink-check reads. evolink-check adds the member
`_evolink`.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from evolink_check.traffic.har.headers import Headers, Pair, RecordedHeaders, headers_of
from evolink_check.traffic.trace import UNKNOWN, Account, Kind, Media

_T = TypeVar("_T")
_LARGEST = 1e15  # bytes or milliseconds
_READABLE = (int, float, str)


class EntryFacts(Struct, frozen=True):
    """The fields of an `Entry` that standard HAR cannot store."""

    began: float
    ended: float
    kind: Kind = "exchange"
    who: str = UNKNOWN
    exact: bool = True
    problem: str = ""
    case: str = ""
    media: Media | None = None
    size: int | None = None


class LogFacts(Struct, frozen=True):
    """The fields of a `Trace` that standard HAR cannot store."""

    accounts: tuple[Account, ...] = ()
    origin: str = ""
    receiver: str = ""
    watched_until: float = 0.0
    scale: float = 1.0
    complete: bool = True
    task_limit: float = 0.0


class Post(Struct):
    """The body of a request."""

    kind: str | None = field(default=None, name="mimeType")
    text: str | None = None
    params: list[Pair] | None = None
    # HAR has no field for the encoding of the body, such as `base64`.
    encoding: str | None = field(default=None, name="_encoding")  # written by evolink-check
    coding: str | None = field(default=None, name="encoding")  # written by other tools


class Content(Struct):
    """The body of a response. If `text` is None, the body was not recorded."""

    size: Any = None
    text: str | None = None
    encoding: str | None = None
    kind: Any = field(default=None, name="mimeType")


class Request(Struct, dict=True):
    """A recorded request."""

    method: str
    url: str
    headers: RecordedHeaders = None
    recorded: Post | str | None = field(default=None, name="postData")  # the body
    size: Any = field(default=None, name="bodySize")  # bytes of the body

    @property
    def post(self) -> Post | None:
        """The body as a `Post`. If the file has a string as `postData`, the string becomes the `text`."""
        return Post(text=self.recorded) if isinstance(self.recorded, str) else self.recorded

    @cached_property
    def plain_headers(self) -> Headers:
        """The headers without the pseudo-headers of HTTP/2."""
        return headers_of(self.headers)


class Response(Struct, dict=True):
    """A recorded response. A status of 0, -1 or null means that there was no response."""

    status: Any = None
    headers: RecordedHeaders = None
    content: Content | None = None
    size: Any = field(default=None, name="bodySize")
    error: Any = field(default=None, name="_error")  # a text in browsers; anything in other tools
    failure: Any = field(default=None, name="_failureText")  # written by Playwright

    @cached_property
    def plain_headers(self) -> Headers:
        """The headers without the pseudo-headers of HTTP/2.

        If no headers were recorded, the type of the body becomes a `Content-Type` header.
        """
        kind = self.content and self.content.kind
        if self.headers is None and kind and isinstance(kind, str):
            return (("content-type", kind),)
        return headers_of(self.headers)


class HarEntry(Struct):
    """One request with its response.

    A field of type `Any` has different types in the files of different tools.
    """

    request: Request
    started: str | float = field(name="startedDateTime")  # Unix time in some tools
    response: Response | None = None
    milliseconds: Any = field(default=None, name="time")
    timings: Any = None
    facts: EntryFacts | None = field(default=None, name="_evolink")
    callback: bool = field(default=False, name="_callback")
    task_id: Any = field(default=None, name="_task_id")  # written by the mock
    # Written by the mock: whether the request had the API key with which the HAR file was downloaded.
    own_key: Any = field(default=None, name="_own_key")
    cached: Any = field(default=None, name="_fromCache")  # written by Chromium
    fetched: Any = field(default=None, name="_fetchType")  # written by WebKit


class Log(Struct):
    """The member `log` of a HAR file."""

    entries: list[Any]  # converted one by one, so that an error can name the entry
    creator: Any = None  # an object with a `name`, or the name alone
    facts: LogFacts | None = field(default=None, name="_evolink")


class Archive(Struct):
    """A whole HAR document."""

    log: Log


def convert_record(value: Any, kind: type[_T], where: str) -> _T:
    """Convert a decoded JSON value to a record.

    Raises ValueError if a member does not match. The message begins with `where` and names the member.
    """
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, UnicodeError) as error:
        raise ValueError(f"{where}: {error}") from None


def number(value: Any) -> float | None:
    """Read a number, which some tools write as text.

    Returns None if the value is not a number. Returns None for numbers beyond `_LARGEST`.
    """
    if isinstance(value, bool) or not isinstance(value, _READABLE):
        return None
    try:
        parsed = float(value)
    except (ValueError, OverflowError):
        return None
    return parsed if abs(parsed) <= _LARGEST else None
