"""The way past the router for paths that need none: a look-up in place of two regular expressions.

Starlette's router takes 9 µs of the 47 that uvicorn and a bare endpoint need; most requests of a mock are
polls. Whatever is not found here goes through the router, which has the same routes and the last word.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.routing import Route
    from starlette.types import ASGIApp, Scope

_ONE_PARAMETER = re.compile(r"(?P<prefix>[^{}]*/)\{(?P<name>\w+)\}")


class RouteTable:
    """The routes whose path is fixed, or ends in its only parameter."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._fixed: dict[str, dict[str, ASGIApp]] = {}
        self._parameter: dict[str, tuple[str, dict[str, ASGIApp]]] = {}
        for route in routes:
            methods: dict[str, ASGIApp] = dict.fromkeys(route.methods or (), route.app)
            if "{" not in route.path:
                self._fixed.setdefault(route.path, {}).update(methods)
            elif found := _ONE_PARAMETER.fullmatch(route.path):
                _, known = self._parameter.setdefault(found["prefix"], (found["name"], {}))
                known.update(methods)

    def find(self, method: str, path: str, scope: Scope) -> ASGIApp | None:
        """The endpoint for a method and path, its path parameter put into the scope; None for the router."""
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed.get(method)
        cut = path.rfind("/") + 1
        known = self._parameter.get(path[:cut])
        if known is None or cut == len(path):
            return None
        app = known[1].get(method)
        if app is not None:
            scope["path_params"] = {known[0]: path[cut:]}
        return app
