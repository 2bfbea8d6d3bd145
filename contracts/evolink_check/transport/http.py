"""One exchange over HTTP, as it was on the wire; what goes wrong there is a part of what was observed."""

from __future__ import annotations

import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final

from evolink_check.traffic.trace import NOBODY, Entry, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from evolink_check.generation.case import Case

Headers = tuple[tuple[str, str], ...]
_NONE: Headers = ()
_CONNECT, _READ = 10.0, 30.0  # seconds
_LARGEST = 64 * 1024 * 1024  # bytes of a body that are read
_IDLE = 2.0  # seconds that a connection is kept for another request: servers often close theirs after 5
_SHOWN = 160  # characters of a problem
_AGENT = "evolink-check"


class HttpClient:
    """Sends requests to one base URL, from any thread, with the proxy of the environment, and without cookies."""

    UNREACHED: Final = "nobody answers at"
    LEFT: Final = "not read to its end"  # by us, which says nothing of the server

    def __init__(
        self,
        url: str,
        now: Callable[[], float],
        *,
        ca: str = "",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        import httpx

        self._url = url
        self._now = now
        self._client = httpx.Client(
            verify=ssl.create_default_context(cafile=ca) if ca else True,
            headers={"User-Agent": _AGENT},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            limits=httpx.Limits(max_connections=None, keepalive_expiry=_IDLE),
            transport=transport,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def exchange(self, case: Case, key: Headers, left: Callable[[], float], *, follow: bool = False) -> Entry:
        """Send a case, its path below the base URL or a whole URL, with these headers more; never raises.

        `left` tells how many seconds there are. Without a whole answer the status is 0 and `problem` says why; only
        of an answer that broke off while redirects are followed, that is of a file, status and beginning are kept.
        """
        import httpx

        url = case.path if "://" in case.path else f"{self._url}{case.path}"
        began = self._now()
        who = NOBODY if case.authorization is not None or follow else case.key
        sent, headers, status, body, problem = case.headers, _NONE, 0, b"", ""
        try:
            request = self._request(case, url, key, left())
            sent = _shown(request.headers.raw, who)
            response = self._client.send(request, stream=True, follow_redirects=follow)
            try:
                status, headers = response.status_code, _shown(response.headers.raw, who)
                body, problem = _body(response, left)
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError, OSError) as error:
            problem = _problem(error, self._url if url.startswith(self._url) else url.partition("?")[0])
        if problem and not follow:
            status, headers, body = 0, _NONE, b""
        found = Exchange(case.method, url, sent, case.body, status, headers, body)
        return Entry(-1, found, began, self._now(), who=who, problem=problem, case=case.name)

    def _request(self, case: Case, url: str, key: Headers, left: float) -> httpx.Request:
        import httpx

        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*case.headers, *key)]
        timeout = httpx.Timeout(min(_READ, max(left, 1.0)), connect=_CONNECT, pool=None)
        request = self._client.build_request(
            case.method, url, headers=headers, content=case.body or None, timeout=timeout
        )
        wanted = url.partition("://")[2]
        target = f"/{wanted.partition('/')[2]}".encode("ascii", "replace")
        if request.url.raw_path != target and "://" not in case.path:
            request.extensions["target"] = target  # what httpx would have tidied up
        return request


_OVER = f"{HttpClient.LEFT}: the time of the run was over"


def _body(response: httpx.Response, left: Callable[[], float]) -> tuple[bytes, str]:
    """The decoded body, and why it is not whole."""
    import httpx

    parts, size = [], 0
    try:
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > _LARGEST:
                return b"".join(parts), f"{HttpClient.LEFT}: a body of more than {_LARGEST} bytes"
            if left() <= 0:
                return b"".join(parts), _OVER
    except httpx.HTTPError as error:
        ours = isinstance(error, httpx.TimeoutException) and left() <= 0
        return b"".join(parts), _OVER if ours else _problem(error, "")
    return b"".join(parts), ""


def _problem(error: Exception, url: str) -> str:
    """What went wrong, in a line."""
    import httpx

    if url and isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return f"{HttpClient.UNREACHED} {url}: {error}"[:_SHOWN]
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if isinstance(error, httpx.LocalProtocolError | httpx.InvalidURL | UnicodeError):
        return f"could not be sent: {error}"[:_SHOWN]
    return f"{type(error).__name__}: {error}"[:_SHOWN]


def _shown(raw: list[tuple[bytes, bytes]], who: str) -> Headers:
    """Headers as text, with the label of the account in the place of its key."""
    pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)
    shown = "[removed]" if who == NOBODY else f"Bearer {who}"
    return tuple((name, shown if name.lower() == "authorization" else value) for name, value in pairs)
