"""Pages of the trial domain."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect

from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.rights import needs, public
from lotse.kernel.refusals import Invalid


@get(["/trial/form", "/trial/other"], guards=[public])
async def form(draft: Draft | None) -> Response[str]:
    """Shows what was typed and why it was refused."""
    text = f"{draft.typed.get('street')} {draft.problem['field']} {'password' in draft.typed}" if draft else "empty"
    return Response(text, media_type="text/html")


@post("/trial/form", guards=[public])
async def send(request: Request[Any, Any, Any]) -> Redirect:
    """Takes any street but none."""
    if not (await request.form()).get("postcode"):
        raise Invalid(field="postcode", rule="required")
    return Redirect("/trial/thanks", status_code=303)


@post("/trial/{thing:str}/change", guards=[needs("orders.write")], form="/trial/{thing}")
async def change(thing: str) -> Redirect:
    """For staff."""
    return Redirect(f"/trial/{thing}", status_code=303)


@get("/trial/office", guards=[needs("orders.read")])
async def office() -> Response[str]:
    """For staff."""
    return Response("office", media_type="text/html")


routes = (form, send, change, office)
