"""The sign-in page and its posts. The posts render nothing: a refused one goes back to the page as its draft."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect

from lotse.kernel import clock
from lotse.kernel.auth import sessions, staff
from lotse.kernel.auth.forms import DRAFT_COOKIE, SIGN_IN, Draft
from lotse.kernel.auth.rights import public
from lotse.kernel.auth.sessions import ABSOLUTE, COOKIE
from lotse.kernel.db import Database
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.view import View

HOME = "/office"
# What a refused post says here, by the refusal's code.
SAID = {
    "wrong-credentials": N_("Log-in or password is wrong."),
    "too-many-attempts": N_("Too many attempts. Please wait a moment and try again."),
    "form-expired": N_("The page was open for too long. Please try once more."),
}
OTHERWISE = N_("That did not work. Please try once more.")

# The query parameter is called `next`, which is also a function of Python's.
Wanted = Annotated[str, Parameter(query="next", max_length=2_000)]


@get(SIGN_IN, guards=[public])
async def sign_in_page(view: View, draft: Draft | None, wanted: Wanted = "") -> Response[str]:
    """Ask for log-in and password."""
    typed = draft.typed if draft else {}
    said = SAID.get(str(draft.problem.get("type", "")).rsplit(":", 1)[-1], OTHERWISE) if draft else None
    return view.show(
        "signin/signin.html",
        headers={"Cache-Control": "no-store"},
        login=typed.get("login", ""),
        next=wanted or typed.get("next", ""),
        said=said,
    )


@post(SIGN_IN, guards=[public])
async def sign_in(request: Request[Any, Any, Any], database: Database) -> Redirect:
    """Begin a session; a new one at every sign-in. Refusals: `TooManyAttempts`, `WrongCredentials`."""
    form = await request.form()
    token = await staff.sign_in(
        database,
        login=str(form.get("login", "")),
        password=str(form.get("password", "")),
        address=request.client.host if request.client else "",
        at=clock.now(),
    )
    await _end(request, database)
    response = Redirect(_inside(str(form.get("next", ""))), status_code=303)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(ABSOLUTE.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",  # a link in a mail to an order must find the session; posts are checked by origin and token
        secure=request.scope["scheme"] == "https",
    )
    response.delete_cookie(DRAFT_COOKIE, path=SIGN_IN)
    return response


@post("/signout", guards=[public], opt={"form": SIGN_IN})
async def sign_out(request: Request[Any, Any, Any], database: Database) -> Redirect:
    """End the session, here and in the database."""
    await _end(request, database)
    response = Redirect(SIGN_IN, status_code=303)
    response.delete_cookie(COOKIE, path="/")
    return response


routes = (sign_in_page, sign_in, sign_out)


async def _end(request: Request[Any, Any, Any], database: Database) -> None:
    token = request.cookies.get(COOKIE)
    if token:
        async with database.transaction() as tx:
            await sessions.end(tx, token=token)


def _inside(path: str) -> str:
    """Only a path of this site; browsers read `//host` and `/\\host` as another one."""
    return path if path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable() else HOME
