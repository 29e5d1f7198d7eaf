"""The OpenAPI 3.1 document of the API, and the page that shows it.

Litestar derives paths, parameters and schemas from the handlers' types. Added here is what stands beside the types:
the right a route needs, the refusals it may give (`refusals=` of the handler), the `Idempotency-Key` of every write.
The page loads swagger-ui from the installation's own files, so it needs no other host and no inline script.
"""

from typing import Any, cast

import msgspec
from litestar import Litestar, Response, get
from litestar._openapi.plugin import OpenAPIPlugin
from litestar.config.app import AppConfig
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig

from lotse import __doc__ as purpose
from lotse.kernel import problems
from lotse.kernel.auth.authenticate import TokenUnknown
from lotse.kernel.auth.rights import NotAllowed, NotSignedIn, declared, public
from lotse.kernel.idempotency import MAX_KEY_LENGTH, KeyReused
from lotse.kernel.refusals import Invalid, NotFound, Refusal

VERSION = "1"
READING = frozenset({"get", "head", "options"})

_DESCRIPTION = f"""{purpose}

**Errors** are problem answers (RFC 9457, `application/problem+json`): `type` names the refusal, and its own fields
stand beside the standard ones. **Writes** need an `Idempotency-Key`: the same key with the same body gives the same
answer again and does nothing twice; with another body it is refused. **Lists** have at most a page: pass `next` of one
page as `cursor` for the following one. **Money** is an integer of the currency's minor unit; unit prices are decimal
strings.
"""

_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "A problem answer (RFC 9457). A refusal's own fields stand beside these.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:lotse:refusal:invalid"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string", "description": "Under this the request stands in the log."},
        "field": {"type": "string", "description": "What the refusal is about, if it is one field."},
        "rule": {"type": "string", "description": "What the field's value must be."},
    },
    "additionalProperties": True,
}
_KEY_PARAMETER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Fresh for each thing to be done, repeated when the request is repeated. Kept for seven days.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": "^[!-~]+$"},
    "example": "0199a5c0-7d52-7cc1-8f0e-3a1c5f2b9d11",
}
_SECURITY_SCHEMES: dict[str, Any] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token, made with `lotse token new --scope orders.read …`.",
    }
}


class Document:
    """The document of one application; `describe` makes it once the routes are known."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._json = b"{}"

        @get("/openapi.json", guards=[public], include_in_schema=False)
        async def openapi_json() -> Response[bytes]:
            """The OpenAPI document."""
            return Response(self._json, media_type="application/json", headers={"Cache-Control": "max-age=60"})

        @get("/docs", guards=[public], include_in_schema=False)
        async def docs() -> Response[str]:
            """The documentation page."""
            return Response(
                _PAGE,
                media_type="text/html",
                # swagger-ui sets style attributes while it draws, and shows its icons from data: addresses.
                headers={
                    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; "
                    "img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
                },
            )

        self.routes = [openapi_json, docs]

    def describe(self, app: Litestar) -> None:
        """Make the document from the application's routes."""
        plugin = OpenAPIPlugin(app)
        config = OpenAPIConfig(
            title="Lotse",
            version=VERSION,
            description=_DESCRIPTION,
            use_handler_docstrings=True,
            operation_id_creator=lambda handler, method, path: handler.handler_name,
        )
        plugin.on_app_init(AppConfig(openapi_config=config))
        for route in app.routes:
            plugin.receive_route(route)
        document = cast("dict[str, Any]", plugin.provide_openapi_schema())
        handlers = _handlers(app)
        for path, item in document.get("paths", {}).items():
            for method, operation in item.items():
                if (method, path) in handlers:
                    _complete(operation, method, handlers[method, path])
        components = document.setdefault("components", {})
        components.setdefault("schemas", {})["Problem"] = _PROBLEM_SCHEMA
        components["securitySchemes"] = _SECURITY_SCHEMES
        document["tags"] = [{"name": name} for name in sorted(_tags(document))]
        self._json = msgspec.json.encode(document)


def _handlers(app: Litestar) -> dict[tuple[str, str], HTTPRouteHandler]:
    return {
        (str(method).lower(), route.path_format): handler
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        for method in handler.http_methods
    }


def _complete(operation: dict[str, Any], method: str, handler: HTTPRouteHandler) -> None:
    """Add to an operation what its types do not say."""
    right = declared(guard for layer in handler.ownership_layers for guard in (layer.guards or ()))
    refusals: set[type[Refusal]] = set(handler.opt.get("refusals", ()))
    # Litestar documents its own form of a validation error, which this API never gives.
    operation["responses"].pop("400", None)
    parameters = [
        parameter for parameter in operation.get("parameters", ()) if parameter["name"].lower() != "idempotency-key"
    ]
    if parameters or operation.get("requestBody"):
        refusals.add(Invalid)
    if any("{" in path for path in handler.paths):
        refusals.add(NotFound)
    if operation.get("requestBody"):
        refusals |= {problems.MalformedBody, problems.BodyTooLarge, problems.UnsupportedMediaType}
    if method not in READING and not handler.opt.get("natural_key"):
        parameters.append(_KEY_PARAMETER)
        refusals |= {problems.IdempotencyKeyMissing, KeyReused}
    if any(parameter["in"] in ("path", "query") for parameter in parameters):
        refusals.add(problems.AddressUnreadable)
    refusals |= {problems.TookTooLong, problems.Unavailable}
    # Any route may be asked with a token, and one that is none is refused wherever somebody asks who it is.
    refusals.add(TokenUnknown)
    if right and right.name:
        refusals |= {NotSignedIn, NotAllowed}
        operation["security"] = [{"token": []}]
        operation["description"] = f"{operation.get('description', '')}\n\nNeeds the right `{right.name}`.".strip()
    else:
        operation["security"] = [{}, {"token": []}]
    if parameters:
        operation["parameters"] = parameters
    operation.setdefault("tags", [handler.fn.__module__.split(".")[-2]])  # the domain
    for refusal in sorted(refusals, key=lambda refusal: refusal.code):
        _add_refusal(operation["responses"], refusal)


def _add_refusal(responses: dict[str, Any], refusal: type[Refusal]) -> None:
    line = f"- `{refusal.code}`: {refusal.title}"
    if (said := problems.explained(refusal)) != refusal.title:
        line += f". {said}"
    response = responses.setdefault(
        str(refusal.status),
        {
            "description": "",
            "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}},
        },
    )
    response["description"] = f"{response['description']}\n{line}".strip()
    examples = response.get("content", {}).get(problems.MEDIA_TYPE, {}).get("examples")
    if examples is not None:
        examples[refusal.code] = {
            "value": {
                "type": f"urn:lotse:refusal:{refusal.code}",
                "title": refusal.title,
                "status": refusal.status,
                "detail": problems.explained(refusal),
            }
        }


def _tags(document: dict[str, Any]) -> set[str]:
    return {
        tag for item in document["paths"].values() for operation in item.values() for tag in operation.get("tags", ())
    }


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lotse API</title>
<link rel="stylesheet" href="/static/vendor/swagger-ui.css">
<div id="document" data-document="/api/v1/openapi.json"></div>
<noscript>
  <p>This page needs JavaScript; the document itself is <a href="/api/v1/openapi.json">openapi.json</a>.</p>
</noscript>
<script src="/static/vendor/swagger-ui-bundle.js" defer></script>
<script src="/static/js/api-docs.js" defer></script>
</html>
"""
