"""Rights: every route says who may use it, by `guards=[needs("orders.read")]` or `guards=[public]`.

A route that says nothing is not served at all: the web refuses to start (`declared`). That is what default deny means
here, and a test walks every route.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from lotse.kernel.refusals import Refusal

_FORM = re.compile(r"^[a-z][a-z_]*\.[a-z][a-z_]*$")


class NotSignedIn(Refusal, status=401, title="Please sign in"):
    """This address needs a staff session or an API token."""

    right: str
    headers = {"WWW-Authenticate": 'Bearer realm="lotse"'}  # noqa: RUF012 - a constant of the class, not a field


class NotAllowed(Refusal, status=403, title="You may not do this"):
    """Your account or token does not hold the right."""

    right: str


class Right:
    """A guard that lets principals pass who hold `name`; None lets everybody pass."""

    def __init__(self, name: str | None) -> None:
        if name is not None and not _FORM.match(name):
            raise ValueError(f"a right reads thing.verb, not {name!r}")
        self.name = name

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        if self.name is None or handler.name == "options":
            return
        # Here, because authentication reads the database and this module is imported by every api.py.
        from lotse.kernel.auth.authenticate import principal_of

        principal = await principal_of(connection)
        if principal.may(self.name):
            return
        raise NotSignedIn(right=self.name) if principal.kind == "guest" else NotAllowed(right=self.name)

    def __repr__(self) -> str:
        return f"needs({self.name!r})" if self.name else "public"


public = Right(None)


def needs(right: str) -> Right:
    """A guard: only principals who hold the right (`orders.read`) pass."""
    return Right(right)


def declared(guards: Iterable[Callable[..., Any]] | None) -> Right | None:
    """The right among a route's guards, or None if it declares nothing. `ValueError` if it declares two."""
    found = [guard for guard in guards or () if isinstance(guard, Right)]
    if len(found) > 1:
        raise ValueError(f"one right per route, not {found}")
    return found[0] if found else None
