"""The door of the back office. Everything else belongs to a domain."""

from typing import Any

from litestar import Request, get
from litestar.response import Redirect

from lotse.kernel.auth.authenticate import principal_of
from lotse.kernel.auth.rights import NotSignedIn, public
from lotse.web.backoffice.frame import PLACES


@get("/office", guards=[public])
async def office(request: Request[Any, Any, Any]) -> Redirect:
    """To the first page that this person may see; who is nobody yet is asked to sign in."""
    principal = await principal_of(request)
    for place in PLACES:
        if principal.may(place.right):
            return Redirect(place.path, status_code=302)
    raise NotSignedIn(right=PLACES[0].right)


routes = (office,)
