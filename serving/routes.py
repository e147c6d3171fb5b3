"""Which endpoint answers a path, and which methods it has."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from serving.http_request import Request
from serving.replies import RefusedError, Reply

Endpoint = Callable[[Request], Awaitable[Reply]]

NAME: Final = "{name}"
"""Stands in a route for one word of the path."""


@dataclass(frozen=True)
class Route:
    """A path, and what answers its methods."""

    path: str
    endpoints: Mapping[str, Endpoint]

    @property
    def allowed(self) -> list[str]:
        """The methods, in a fixed order."""
        return sorted([*self.endpoints, *(["HEAD"] if "GET" in self.endpoints else [])])


class Routes:
    """All paths of an application."""

    def __init__(self, *routes: Route) -> None:
        self._by_path = {route.path: route for route in routes}

    async def answer(self, request: Request) -> Reply:
        """The answer of the endpoint that the path and the method of a request name.

        Raises:
            RefusedError: There is none.
        """
        route, request.route_name = self._find(request.path)
        if route is None:
            return self._without_route(request)
        request.log.path = route.path
        method = request.method
        endpoint = route.endpoints.get("GET" if method == "HEAD" else method)
        if endpoint is None:
            shown, allowed = _shown(request.path), route.allowed
            raise RefusedError(
                f"expected {' or '.join(allowed)} for {shown}, got {method[:20]}",
                HTTPStatus.METHOD_NOT_ALLOWED,
                {"allow": ", ".join(allowed)},
            )
        return await endpoint(request)

    def _without_route(self, request: Request) -> Reply:
        """Send callers of `/ping/` to `/ping`; refuse all others.

        Raises:
            RefusedError: The path is no other one with a slash too many or too few.
        """
        path = request.path
        other = path.rstrip("/") if path.endswith("/") else f"{path}/"
        if path != "/" and self._find(other)[0] is not None:
            # one slash at its beginning: two would be followed by the name of a host
            place = quote("/" + other.lstrip("/"), safe="/:@!$&'()*+,;=-._~")
            query = request.query
            location = f"{place}?{query}" if query else place
            return Reply(HTTPStatus.TEMPORARY_REDIRECT, b"", "", {"location": location})
        raise RefusedError(
            f"expected a path that /openapi.json lists, got {_shown(path)!r}", HTTPStatus.NOT_FOUND
        )

    def _find(self, path: str) -> tuple[Route | None, str]:
        """The route of a path, and what the path has in place of `{name}`."""
        route = self._by_path.get(path)
        if route is not None and NAME not in path:
            return route, ""
        words = path.split("/")
        if len(words) < 3 or not words[2]:
            return None, ""
        name, words[2] = words[2], NAME
        return self._by_path.get("/".join(words)), name


def _shown(path: str) -> str:
    return path[:80]
