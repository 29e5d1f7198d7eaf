"""Default deny: every route of every role says who may use it, and what it says is written in one form."""

import pytest
from litestar import Litestar
from litestar.handlers.base import BaseRouteHandler

from lotse.kernel.auth.links import Links
from lotse.kernel.auth.rights import Right, declared, public
from lotse.kernel.settings import Settings
from lotse.kernel.tags import Tags
from lotse.web import app as web
from lotse.web.process import Process

# The writes of the API that anybody may do. A route that is added here is one that somebody has thought about.
PUBLIC_WRITES = {
    "create_basket",
    "set_quantity",
    "remove_line",
    "place_order",
    "buy",
    "cancel_linked_order",
    "start_payment",
    "payment_webhook",
}


@pytest.fixture(params=["api", "pages"])
def application(request: pytest.FixtureRequest, settings: Settings) -> Litestar:
    make = {"api": web.make_api, "pages": web.make_pages}[request.param]
    # Nothing is asked of the database here.
    return make(Process(request.param, settings, None, None, Links(b"s" * 32), Tags()))  # type: ignore[arg-type]


def test_every_route_declares_its_right(application: Litestar) -> None:
    assert web.undeclared(application) == []
    assert len(application.routes) > 5


def test_a_route_that_declares_nothing_is_found() -> None:
    from litestar import get

    @get("/open")
    async def forgotten() -> str:
        return ""

    @get("/said", guards=[public])
    async def said() -> str:
        return ""

    assert [name.split(" at ")[1] for name in web.undeclared(Litestar([forgotten, said], openapi_config=None))] == [
        "/open"
    ]


def test_writes_by_guests_are_the_known_ones(application: Litestar) -> None:
    open_to_all = {
        handler.handler_name
        for route in application.routes
        for handler in getattr(route, "route_handlers", ())
        if route.path.startswith(web.API) and not web.READING & {str(method) for method in handler.http_methods}
        and _right(handler).name is None
    }  # fmt: skip
    assert open_to_all <= PUBLIC_WRITES


def test_the_back_office_is_not_public(application: Litestar) -> None:
    for route in application.routes:
        for handler in getattr(route, "route_handlers", ()):
            if route.path.startswith("/office/") and "OPTIONS" not in handler.http_methods:
                right = _right(handler)
                assert right.name or right.personal, f"{handler.handler_name} at {route.path}"


def _right(handler: BaseRouteHandler) -> Right:
    right = declared(guard for layer in handler.ownership_layers for guard in layer.guards or ())
    assert right, handler.handler_name
    return right
