"""The door of the back office and its command palette. Everything else belongs to a domain."""

from functools import cache
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import Parameter
from litestar.response import Redirect

from lotse.kernel import seams
from lotse.kernel.auth.authenticate import principal_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import NotSignedIn, public, signed_in
from lotse.kernel.db import Database
from lotse.kernel.pages.finders import Finder, Found, Group, find
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import scope_of
from lotse.kernel.pages.view import View
from lotse.web.backoffice.frame import places


@get("/office", guards=[public])
async def office(request: Request[Any, Any, Any]) -> Redirect:
    """To the first page that this person may see; who is nobody yet is asked to sign in."""
    principal = await principal_of(request)
    for place in places():
        if principal.may(place.right):
            return Redirect(place.path, status_code=302)
    raise NotSignedIn(right=places()[0].right)


@get("/office/find", guards=[signed_in])
async def palette(
    view: View,
    request: Request[Any, Any, Any],
    database: Database,
    principal: Principal,
    words: Annotated[str, Parameter(query="q", max_length=200)] = "",
) -> Response[str]:
    """The command palette: pages of the navigation, then whatever the domains find. Each kind asks for its right."""
    groups = [*_pages(view, principal, words), *await find(database, finders(), scope_of(view, principal, ""), words)]
    is_part = request.headers.get("hx-request") == "true"
    return view.show("backoffice/found.html" if is_part else "backoffice/find.html", groups=groups, words=words.strip())


def _pages(view: View, principal: Principal, words: str) -> list[Group]:
    """Places whose name has a word that begins so; all of them while nothing is typed."""
    typed = words.strip().casefold()
    found: list[Found] = []
    for place in places():
        name = view.text(place.label)
        if principal.may(place.right) and any(
            part.startswith(typed) for part in (name.casefold(), *name.casefold().split())
        ):
            found.append(Found(name, place.path))
    return [Group("pages", N_("Go to"), "go", found)] if found else []


@cache  # domains do not come and go while a process lives
def finders() -> tuple[Finder, ...]:
    """Everything that can be found, the highest domain first: people look for orders more often than for places."""
    return tuple(finder for domain in reversed(seams.domains()) for finder in domain.exported("pages", "finders"))


routes = (office, palette)
