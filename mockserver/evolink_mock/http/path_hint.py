"""For an unknown path, suggest the path that the client probably meant."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_LONGEST = 200  # maximum number of characters of a path that are compared
_SIMILARITY = 0.65  # minimum similarity of a misspelled path, 0 to 1
_CONTROL = "/__mock__"
_SLASHES = re.compile(r"/{2,}")
_PARAMETER = re.compile(r"\{\w+\}")
_DOCUMENTATION = frozenset(
    {"/", "/docs", "/redoc", "/swagger", "/swagger-ui", "/openapi.json", "/openapi.yaml", "/api-docs"}
)


class _Repair(NamedTuple):
    path: str
    advice: str


def path_hint(path: str, routes: Sequence[str]) -> str:
    """Return a sentence that suggests a route; empty if no route is similar.

    Routes may contain parameters, such as `/tasks/{id}`.
    """
    plain = _SLASHES.sub("/", path[:_LONGEST]).rstrip("/") or "/"
    if plain in _DOCUMENTATION or plain in {_first_segment(route) for route in routes}:
        return _overview(routes)
    for repair in _repairs(plain, routes):
        if repair.path != path and _leads_to_route(repair.path, routes):
            return f"did you mean {repair.path}? {repair.advice}".rstrip()
    nearest = _most_similar_route(plain, routes)
    return f"did you mean {nearest}?" if nearest else ""


def _repairs(plain: str, routes: Iterable[str]) -> Iterator[_Repair]:
    yield _Repair(plain, "A path has no slash at its end and no empty segment.")
    for base in dict.fromkeys(_first_segment(route) for route in routes if "{" not in route.split("/")[2]):
        yield _Repair(f"{base}{plain}", "" if base == _CONTROL else f"The base URL must end in {base}.")
        if plain.startswith(f"{base}{base}/"):
            yield _Repair(plain[len(base) :], f"The base URL and the path both contain {base}.")
    first = _first_segment(plain)
    yield _Repair(plain[len(first) :], f"The base URL must not contain {first}.")


def _first_segment(path: str) -> str:
    end = path.find("/", 1)
    return path if end < 0 else path[:end]


def _leads_to_route(path: str, routes: Sequence[str]) -> bool:
    before = path.split("/")
    # `/files/upload` matches `/files/{file_id}`, but is the beginning of `/files/upload/url`.
    beginnings = {tuple(route.split("/")[: len(before)]) for route in routes}
    is_beginning = tuple(before) in beginnings and path not in routes
    return not is_beginning and any(_matches(path, route) for route in routes)


def _matches(path: str, route: str) -> bool:
    segments, expected = path.split("/"), route.split("/")
    return len(segments) == len(expected) and all(
        segment == name or (segment and _PARAMETER.fullmatch(name))
        for segment, name in zip(segments, expected, strict=True)
    )


def _overview(routes: Sequence[str]) -> str:
    api = sorted({route for route in routes if not route.startswith(f"{_CONTROL}/")})
    sentences = [f"the API has {', '.join(api)}"] if api else []
    if len(api) < len({*routes}):
        sentences.append(f"{_CONTROL}/openapi.yaml describes the control API")
    return "; ".join(sentences)


def _most_similar_route(path: str, routes: Iterable[str]) -> str:
    best, nearest = _SIMILARITY, ""
    for route in routes:
        candidate, sent, fixed = _align(path, route)
        matcher = SequenceMatcher(None, sent, fixed, autojunk=False)
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and matcher.ratio() > best:
            best, nearest = matcher.ratio(), candidate
    return nearest


def _align(path: str, route: str) -> tuple[str, str, str]:
    # For example, `/task/7` and `/tasks/{id}` give `/tasks/7`, `/task` and `/tasks`. The similarity of the last
    # two texts shows how well the route fits.
    segments, names = path.split("/"), route.split("/")
    fixed = "/".join(name for name in names if not _PARAMETER.fullmatch(name))
    if len(segments) != len(names):
        return route, path, fixed
    pairs = [
        (segment, name, bool(_PARAMETER.fullmatch(name)))
        for segment, name in zip(segments, names, strict=True)
    ]
    candidate = "/".join(segment if is_parameter else name for segment, name, is_parameter in pairs)
    return candidate, "/".join(segment for segment, _, is_parameter in pairs if not is_parameter), fixed
