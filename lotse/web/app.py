"""Assembles the Litestar applications of the roles `api` and `pages` from the domains' routes.

Nothing about a single domain stands here: a domain's `api.py` and `pages.py` put out `routes`, a frame of the web
(storefront, back office, sign-in) is a package that puts out `routes` and, if it has something to add to the
application (templates, dependencies, files), `on_app_init`.
"""

from collections.abc import Iterable
from typing import Any, get_origin

import structlog
from litestar import Litestar, Response, Router
from litestar.config.compression import CompressionConfig
from litestar.connection import Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta

from lotse.kernel import clock, problems, seams
from lotse.kernel.auth.authenticate import Tokens, principal_of
from lotse.kernel.auth.forms import draft_of, is_form, refused_form, same_origin
from lotse.kernel.auth.principal import NotNarrowed, Principal, asked
from lotse.kernel.auth.rights import declared
from lotse.kernel.db import is_unavailable
from lotse.kernel.http import ApiRequest, idempotency_key
from lotse.kernel.media.library import Library
from lotse.kernel.pages.packing import MIN_BYTES, Packing, Zstd
from lotse.kernel.refusals import Refusal
from lotse.kernel.seams import FRAMES
from lotse.web import operations, shops
from lotse.web.express import Express
from lotse.web.lean import lean
from lotse.web.openapi import Document
from lotse.web.process import Process

log = structlog.get_logger()

API = "/api/v1"
READING = frozenset({"GET", "HEAD", "OPTIONS"})

# A thousand order lines are 200 KiB of JSON; whoever has more sends several requests.
MAX_JSON_BYTES = 1024 * 1024
# A form, and the pictures that the back office uploads; the front refuses what is larger before it gets here.
MAX_FORM_BYTES = 16 * 1024 * 1024
# For clients that know no zstd. The higher ones take half as long again for a tenth less.
GZIP_LEVEL = 1


def make_api(process: Process) -> Litestar:
    """The application that answers JSON and the posts that render nothing."""
    routes = api_routes()
    _check_names(routes)
    document = Document(API)
    api = Router(
        API,
        route_handlers=[*routes, *document.routes],
        request_class=ApiRequest,
        before_request=_require_key,
        dependencies={"idempotency_key": Provide(idempotency_key, sync_to_thread=False)},
    )
    posts = Router("/", route_handlers=page_posts(), guards=[same_origin], include_in_schema=False)
    app = _application(process, [api, posts, *operations.routes], max_body=MAX_JSON_BYTES)
    document.describe(app)
    return app


def api_routes() -> list[Any]:
    """Every route of every `api.py`, and those of the frames that programs use."""
    routes = [route for domain in seams.domains() for route in domain.exported("api", "routes")]
    return [*routes, *seams.framed("api", FRAMES)]


def express(app: Litestar) -> Express:
    """The same API with the express lane before it."""
    return Express(app, max_body=MAX_JSON_BYTES, on_error=_answer_problem)


def make_pages(process: Process) -> Litestar:
    """The application that renders."""
    pages = Router(
        "/", route_handlers=[route for route in page_routes() if not is_post_of_api(route)], guards=[same_origin]
    )
    return _application(
        process,
        [pages],
        max_body=MAX_FORM_BYTES,
        on_app_init=[hook for frame in seams.frames(FRAMES) if (hook := getattr(frame, "on_app_init", None))],
        compression_config=CompressionConfig(
            Zstd.encoding,
            compression_facade=Zstd,
            middleware_class=Packing,
            gzip_compress_level=GZIP_LEVEL,
            minimum_size=MIN_BYTES,
            exclude=["^/media/", "^/static/"],  # packed already
        ),
    )


def page_routes() -> list[Any]:
    """Every route of every `pages.py` and of the frames."""
    routes = [route for domain in seams.domains() for route in domain.exported("pages", "routes")]
    routes += seams.framed("routes", FRAMES)
    _check_names(routes)
    return routes


def page_posts() -> list[Any]:
    """The routes of pages that the api answers."""
    return [route for route in page_routes() if is_post_of_api(route)]


def free_routes() -> list[tuple[str, str]]:
    """Pages that nobody waits for, as pairs of method and path: their routes say `opt={"waits": False}`."""
    return [
        (str(method), path)
        for route in page_routes()
        if isinstance(route, HTTPRouteHandler) and route.opt.get("waits") is False
        for method in route.http_methods
        for path in route.paths
    ]


def is_post_of_api(route: Any) -> bool:
    """A post that takes no `view` cannot render, so it need not wait behind pages: see lotse/web/README.md."""
    return (
        isinstance(route, HTTPRouteHandler)
        and not READING & {str(method) for method in route.http_methods}
        and "view" not in route.fn.__annotations__
    )


def rights() -> list[str]:
    """Every right that some route of this installation asks for: what accounts and tokens can usefully hold."""
    routes = api_routes() + page_routes()
    found = {right.name for route in routes if (right := declared(getattr(route, "guards", None))) and right.name}
    return sorted(found | operations.RIGHTS)


def undeclared(app: Litestar) -> list[str]:
    """Routes that do not say who may use them; such an application must not be served."""
    return [
        f"{handler.handler_name} at {route.path}"
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if "OPTIONS" not in handler.http_methods
        and declared(guard for layer in handler.ownership_layers for guard in (layer.guards or ())) is None
    ]


def _application(process: Process, routes: list[Any], *, max_body: int, **more: Any) -> Litestar:
    app = Litestar(
        route_handlers=routes,
        dependencies=_dependencies(process),
        exception_handlers={Exception: _answer_problem},
        request_max_body_size=max_body,
        openapi_config=None,  # made by Document, which adds what Litestar cannot know
        logging_config=None,
        state=State({"database": process.database, "tokens": Tokens(), "process": process, "shop_of": shops.shop_of}),
        after_request=_refuse_forgotten,
        **more,
    )
    if missing := undeclared(app):
        raise ValueError(f"routes without guards=[needs(...)] or [public]: {'; '.join(missing)}")
    if unchecked := _unchecked_parameters(app):
        raise ValueError(f"limits that Litestar would not check, use litestar.params.Parameter: {'; '.join(unchecked)}")
    lean(app)
    return app


def _check_names(routes: Iterable[Any]) -> None:
    """Litestar gives some parameters a meaning of their own, and its complaint does not say whose they are."""
    for route in routes:
        annotations = route.fn.__annotations__ if isinstance(route, HTTPRouteHandler) else {}
        for name, reserved in (("state", State), ("request", Request)):
            annotation = annotations.get(name, reserved)
            plain = get_origin(annotation) or annotation
            if not (isinstance(plain, type) and issubclass(plain, reserved)):
                where = f"{route.fn.__module__}.{route.fn.__name__}"
                raise ValueError(
                    f"{where}: `{name}` is Litestar's own; name it otherwise, with Parameter(query={name!r})"
                )


def _unchecked_parameters(app: Litestar) -> list[str]:
    """Query and path parameters with limits given as msgspec's `Meta`, which Litestar drops without a word."""
    return [
        f"{name} of {handler.handler_name}"
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        for name, annotation in handler.fn.__annotations__.items()
        if name not in ("data", "return")
        and any(isinstance(part, Meta) for part in getattr(annotation, "__metadata__", ()))
    ]


def _dependencies(process: Process) -> dict[str, Provide]:
    """What every handler may ask for by name."""
    given = {
        "database": process.database,
        "desk": process.desk,
        "settings": process.settings,
        "links": process.links,
        "tags": process.tags,
        "library": Library(process.settings),
    }
    providers = {name: Provide(_always(thing), sync_to_thread=False) for name, thing in given.items()}
    return {
        **providers,
        "at": Provide(clock.now, use_cache=False, sync_to_thread=False),
        "principal": Provide(_principal),
        "shop": Provide(shops.shop_of),
        "draft": Provide(draft_of),
    }


def _always(thing: Any) -> Any:
    def given() -> Any:
        return thing

    return given


async def _principal(request: Request[Any, Any, Any]) -> Principal:
    return await principal_of(request)


async def _refuse_forgotten(response: Any) -> Any:
    """Default deny for what guards cannot see: a handler that declared to narrow itself and did not answers nothing."""
    now = asked.get()
    if now is not None and now.forgotten():
        raise NotNarrowed(now.right)
    return response


async def _require_key(request: Request[Any, Any, Any]) -> None:
    """Every write of the API, also one whose handler forgot to ask for its key; but for messages of outside systems,
    which carry a natural key in their body and know no header of ours.

    A coroutine, because Litestar runs a plain function in a thread: 0.1 ms and more per request.
    """
    if request.method not in READING and not request.route_handler.opt.get("natural_key"):
        idempotency_key(request)


def _answer_problem(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    path = request.scope["path"]
    limit = MAX_FORM_BYTES if request.app.state.process.role == "pages" else MAX_JSON_BYTES
    problem = problems.of(error, method=request.method, path=path, allowed=_methods(request), limit_bytes=limit)
    if is_unavailable(error):
        log.error("database unavailable", path=path, error=repr(error))  # one line: every request says it
    elif problem.status >= 500 and not isinstance(error, Refusal):
        log.error("unexpected error", path=path, exc_info=error)
    handler = request.scope.get("route_handler")
    if path.startswith(API) or path in operations.PATHS or (handler is not None and not is_form(handler)):
        return problem_response(request, problem)
    return refused_form(request, error, problem)


def problem_response(request: Request[Any, Any, Any], problem: problems.Problem) -> Response[bytes]:
    """The JSON document of a problem."""
    return Response(
        problem.body(request.scope["state"].get("request_id", "")),
        status_code=problem.status,
        media_type=problems.MEDIA_TYPE,
        headers=problem.headers,
    )


def _methods(request: Request[Any, Any, Any]) -> list[str]:
    """What the address would have taken, for a 405."""
    path = request.scope["path"].rstrip("/") or "/"
    for route in request.app.routes:
        matcher = getattr(route, "path_components", None)
        if matcher is not None and _fits(matcher, path):
            return sorted(str(method) for method in route.methods)
    return []


def _fits(components: list[Any], path: str) -> bool:
    parts = [part for part in path.split("/") if part]
    return len(parts) == len(components) and all(
        not isinstance(component, str) or component == part for component, part in zip(components, parts, strict=True)
    )
