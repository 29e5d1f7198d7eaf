"""The express lane: the API's busiest handlers, called without what a framework does for handlers of every kind.

An order over HTTP is some 0.3 ms of Python in all; Litestar's part of it (routing, signature, dependencies, request and
response objects) was half. A route that says `opt={"express": True}` is answered here if the request is the plain
case: no query, no credentials, a JSON body of known size. Everything else takes the ordinary lane to the same handler,
with the same answer: a test sends both the same requests.
"""

import inspect
from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from lotse.kernel.auth.principal import GUEST
from lotse.kernel.auth.rights import Right
from lotse.kernel.http import ApiRequest, decoded

Answer = Callable[[Any, Exception], Response[Any]]

# Who sends one of these is not the plain case: credentials are looked up in the database, encodings unpacked.
_SPECIAL = frozenset((b"authorization", b"cookie", b"content-encoding", b"transfer-encoding"))


class _Given(Struct, frozen=True):
    """Something that a handler asks for by name."""

    name: str
    make: Callable[..., Any]
    of_request: bool
    is_coroutine: bool


class _Lane(Struct, frozen=True):
    """A handler, the type of its body, and what it is given."""

    handler: HTTPRouteHandler
    body: Any
    given: tuple[_Given, ...]


class _Asking:
    """What the makers of those things may ask of the request here; a whole one takes longer to make than they do."""

    __slots__ = ("app", "scope")

    def __init__(self, scope: Any, app: Litestar) -> None:
        self.scope = scope
        self.app = app


class Express:
    """ASGI: answers what it can, hands the rest to the application."""

    def __init__(self, app: Litestar, *, max_body: int, on_error: Answer) -> None:
        self._app = app
        self._max_body = max_body
        self._on_error = on_error
        self.lanes = {
            (str(method), route.path): _lane(handler)
            for route in app.routes
            for handler in getattr(route, "route_handlers", ())
            if handler.opt.get("express")
            for method in handler.http_methods
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        lane = self.lanes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if lane is None or scope["query_string"] or not self._is_plain(scope):
            await self._app(scope, receive, send)
            return
        scope["path_template"] = scope["path"]
        scope["litestar_app"] = self._app
        try:
            response = await self._answered(lane, _Asking(scope, self._app), receive)
        except Exception as error:
            request: ApiRequest = ApiRequest(scope, receive, send)
            ordinary = self._on_error(request, error)
            await ordinary.to_asgi_response(app=None, request=request)(scope, receive, send)
            return
        body = msgspec.json.encode(response.content)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()),
        ]
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _is_plain(self, scope: Any) -> bool:
        length = kind = b""
        for name, value in scope["headers"]:
            if name in _SPECIAL:
                return False
            if name == b"content-length":
                length = value
            elif name == b"content-type":
                kind = value
        return kind == b"application/json" and length.isdigit() and 0 < int(length) <= self._max_body

    async def _answered(self, lane: _Lane, request: _Asking, receive: Any) -> Response[Any]:
        arguments: dict[str, Any] = {}
        for given in lane.given:
            made = given.make(request) if given.of_request else given.make()
            arguments[given.name] = await made if given.is_coroutine else made
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise ConnectionResetError("the client left")
            body += message.get("body", b"")
            more = message.get("more_body", False)
        arguments["data"] = decoded(body, lane.body)
        return await lane.handler.fn(**arguments)


def _lane(handler: HTTPRouteHandler) -> _Lane:
    """What a handler takes. `ValueError` if it takes what this lane does not give."""
    if handler.parsed_data_field is None or any(
        not isinstance(guard, Right) or guard.name for guard in handler.resolve_guards()
    ):
        raise ValueError(f"{handler.handler_name}: the express lane is for public handlers with a body")
    providers = handler.resolve_dependencies()
    given: list[_Given] = []
    for name, parameter in inspect.signature(handler.fn).parameters.items():
        if name == "principal":
            given.append(_Given(name, lambda: GUEST, of_request=False, is_coroutine=False))  # no credentials, see above
        elif name in providers:
            make: Any = providers[name].dependency
            plain = inspect.unwrap(make)
            takes = inspect.signature(plain).parameters
            if set(takes) - {"request"}:
                raise ValueError(f"{handler.handler_name}: `{name}` asks for more than the request")
            given.append(_Given(name, make, of_request=bool(takes), is_coroutine=inspect.iscoroutinefunction(plain)))
        elif name != "data" and parameter.default is inspect.Parameter.empty:
            raise ValueError(f"{handler.handler_name}: nothing gives `{name}`")
    return _Lane(handler, handler.parsed_data_field.annotation, tuple(given))
