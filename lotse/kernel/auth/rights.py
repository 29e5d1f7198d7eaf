"""Rights of routes: every route says who may use it, and for which things. Enforced here, before the handler runs.

    guards=[public]                                        anybody
    guards=[signed_in]                                     anybody who works here, about themselves
    guards=[needs("settings.write")]                       who holds the right everywhere
    guards=[needs("catalog.read", "common")]               who holds it anywhere: the thing is the same for everybody;
                                                           for other verbs than `read`: who holds it everywhere
    guards=[needs("pricing.write", "shop")]                who holds it for the shop that the request is for
    guards=[needs("orders.read", ORDER)]                   who holds it for the order that the path names
    guards=[needs("orders.read", "narrowed")]              who holds it anywhere; the handler narrows what it reads
    guards=[needs("orders.refund", ORDER, limited=True)]   also who may up to an amount; the handler says the amount

`ORDER` is a `Thing`: the path's parameter, and a query that tells whose it is. A handler that is *narrowed* asks
`principal.within(...)` for lists and `principal.require(...)` for what its body names; if it forgets, it answers nobody
who is bound to a shop, a location or a party. One that declares `limited` calls `principal.require_amount(...)`;
elsewhere a grant with a limit counts for nothing.

A route that declares nothing is not served: the web refuses to start (`declared`), and a test walks every route with
every role. What somebody may not see answers like what does not exist (404); what they may see and not do answers 403.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from lotse.kernel import audit
from lotse.kernel.auth.principal import (
    COMMON,
    NOBODYS,
    Asked,
    Dimension,
    NotAllowed,
    NotSignedIn,
    OverLimit,
    Principal,
    Whose,
    asked,
)
from lotse.kernel.auth.things import Thing
from lotse.kernel.refusals import Refusal

__all__ = ["NotAllowed", "NotSignedIn", "OverLimit", "Right", "Thing", "declared", "needs", "public", "signed_in"]

_FORM = re.compile(r"^[a-z][a-z_]*\.[a-z][a-z_]*$")

Where = Literal["everywhere", "common", "shop", "narrowed"]


class Right:
    """A guard that lets principals pass who hold `name` for what the route is about; None lets everybody pass."""

    def __init__(
        self,
        name: str | None,
        where: "Where | Thing | None" = None,
        *,
        limited: bool = False,
        personal: bool = False,
    ) -> None:
        if name is not None and not _FORM.match(name):
            raise ValueError(f"a right reads thing.verb, not {name!r}")
        self.name = name
        # Whether the route says for which things: one about objects has to, and a test sees to it.
        self.said = where is not None
        self.where: Final[Where | Thing] = where or "everywhere"
        self.limited = limited
        # Of the account itself, whatever it may else.
        self.personal = personal

    @property
    def is_public(self) -> bool:
        """Whether it asks nothing of anybody."""
        return self.name is None and not self.personal

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        audit.origin.set(_origin(connection))
        asked.set(None)
        if self.is_public or handler.name == "options":
            return
        # Here, because authentication reads the database and this module is imported by every api.py.
        from lotse.kernel.auth.authenticate import principal_of

        principal = await principal_of(connection)
        session: Any = connection.scope["state"].get("lotse_session")
        if session is not None:
            audit.from_session(str(session.id))
        if self.name is None:
            if principal.kind != "staff":
                raise NotSignedIn(right="account.own")
            return
        now = Asked(self.name)
        asked.set(now)
        counted = self._counted(principal)
        try:
            await self._check(connection, counted, now)
        except Refusal as error:
            # Whose session is over goes back to his form; who may not send it is told so: going back would help nobody.
            connection.scope["state"]["lotse_denied"] = not isinstance(error, NotSignedIn)
            raise
        now.owed = (self.where == "narrowed" and not counted.may_everywhere(self.name)) or (
            self.limited and not any(grant.gives(self.name) and grant.limit_minor is None for grant in counted.grants)
        )
        now.narrowed = False  # what the guard itself asked is no narrowing by the handler

    def _counted(self, principal: Principal) -> Principal:
        """The principal without grants that end at an amount, unless the handler looks at amounts."""
        if self.limited or all(grant.limit_minor is None for grant in principal.grants):
            return principal
        unlimited = tuple(grant for grant in principal.grants if grant.limit_minor is None)
        return Principal(principal.kind, principal.id, principal.name, unlimited)

    async def _check(self, connection: ASGIConnection[Any, Any, Any, Any], principal: Principal, now: Asked) -> None:
        right = self.name or ""
        if principal.may_everywhere(right):
            return
        if not principal.may(right):
            raise principal.refused(right)
        if self.where == "everywhere":
            principal.require(right, NOBODYS, limited=self.limited, unknown=lambda: principal.refused(right))
        elif self.where == "shop":
            shop = await connection.app.state.shop_of(connection)
            # A store reads what its shop decides.
            free: tuple[Dimension, ...] = ("location",) if right.endswith(".read") else ()
            now.whose = Whose(shop=shop.id).freed(free)
            principal.require(right, now.whose, limited=self.limited, unknown=lambda: principal.refused(right))
        elif self.where == "common":
            # What is the same for everybody is changed only by who holds the right everywhere.
            whose = COMMON if right.endswith(".read") else NOBODYS
            principal.require(right, whose, limited=self.limited, unknown=lambda: principal.refused(right))
        elif isinstance(self.where, Thing):
            async with connection.app.state.database.reading() as conn:
                id = connection.path_params[self.where.parameter]
                now.whose = await self.where.check(conn, principal, right, id, limited=self.limited)

    def __repr__(self) -> str:
        return f"needs({self.name!r}, {self.where!r})" if self.name else "signed_in" if self.personal else "public"


public = Right(None)
signed_in = Right(None, personal=True)


def needs(right: str, where: Where | Thing | None = None, *, limited: bool = False) -> Right:
    """A guard: only principals who hold the right (`orders.read`) where the route needs it pass."""
    return Right(right, where, limited=limited)


def declared(guards: Iterable[Callable[..., Any]] | None) -> Right | None:
    """The right among a route's guards, or None if it declares nothing. `ValueError` if it declares two."""
    found = [guard for guard in guards or () if isinstance(guard, Right)]
    if len(found) > 1:
        raise ValueError(f"one right per route, not {found}")
    return found[0] if found else None


def right_of(handler: BaseRouteHandler) -> Right | None:
    """What a route declares, in whichever layer."""
    layers: Any = handler.ownership_layers
    return declared(guard for layer in layers for guard in (layer.guards or ()))


def _origin(connection: ASGIConnection[Any, Any, Any, Any]) -> audit.Origin:
    scope: Any = connection.scope
    template = str(scope.get("path_template") or scope["path"])
    client = scope.get("client")
    return audit.Origin(
        kind="api" if template.startswith("/api/") else "page",
        name=f"{scope.get('method', '')} {template}".strip(),
        address=str(client[0]) if client else "",
        request=str(scope["state"].get("request_id", "")),
    )
