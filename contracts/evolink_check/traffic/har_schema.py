"""The records of a HAR file: what is read of any, and what stands in `_evolink` of ours. Pure."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from evolink_check.traffic.trace import UNKNOWN, Account, Kind, Media

_T = TypeVar("_T")


class EntryFacts(Struct, frozen=True):
    """What a file of ours says of an entry besides the exchange."""

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
    """What a file of ours says of its trace."""

    accounts: tuple[Account, ...] = ()
    origin: str = ""
    receiver: str = ""
    watched_until: float = 0.0
    scale: float = 1.0
    complete: bool = True


class Pair(Struct):
    """A header, or a field of a form."""

    name: str
    value: str | None = ""


class Post(Struct):
    """The body of a request. HAR has no coding for it: ours has its own name, other tools take that of an answer."""

    kind: str | None = field(default=None, name="mimeType")
    text: str | None = None
    params: list[Pair] | None = None
    encoding: str | None = field(default=None, name="_encoding")
    coding: str | None = field(default=None, name="encoding")


class Content(Struct):
    """The body of an answer; without `text` it was left out."""

    size: float | None = None
    text: str | None = None
    encoding: str | None = None


class Request(Struct):
    """What was asked."""

    method: str
    url: str
    headers: list[Pair] = []
    post: Post | None = field(default=None, name="postData")
    size: float | None = field(default=None, name="bodySize")


class Response(Struct):
    """What was answered; status 0, -1 or none: nothing."""

    status: int | None = None
    headers: list[Pair] = []
    content: Content | None = None
    error: Any = field(default=None, name="_error")  # a text in browsers; who knows in other tools


class HarEntry(Struct):
    """One request with its answer."""

    request: Request
    response: Response
    started: str = field(name="startedDateTime")
    milliseconds: float | None = field(default=None, name="time")
    timings: dict[str, Any] | None = None
    facts: EntryFacts | None = field(default=None, name="_evolink")
    callback: bool = field(default=False, name="_callback")
    cached: Any = field(default=None, name="_fromCache")


class Creator(Struct):
    """The tool that wrote the file."""

    name: str | None = ""


class Log(Struct):
    """What the file holds; `entries` are convert_record one by one, so that an error can name one."""

    entries: list[Any]
    creator: Creator | None = None
    facts: LogFacts | None = field(default=None, name="_evolink")


class Archive(Struct):
    """The whole file."""

    log: Log


def convert_record(value: Any, kind: type[_T], where: str) -> _T:
    """A decoded JSON value as a record; ValueError says where it is none."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, UnicodeError) as error:
        raise ValueError(f"{where}: no HAR: {error}") from None
