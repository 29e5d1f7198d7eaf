"""The door of the back office: log-in and password, the second factor, providers, and the way out.

The posts render nothing where they can: a refused one goes back to the page as its draft.
"""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect

from lotse.domains.parties.contracts import Shop
from lotse.kernel import clock
from lotse.kernel.auth import sessions, signin
from lotse.kernel.auth.forms import DRAFT_COOKIE, SIGN_IN, Draft
from lotse.kernel.auth.rights import public
from lotse.kernel.auth.sealing import sealer_of
from lotse.kernel.auth.sessions import ABSOLUTE, COOKIE
from lotse.kernel.auth.signin import HALF_KEPT, HalfWay, SignedIn
from lotse.kernel.auth.visitor import DEVICE_COOKIE, DEVICE_KEPT, Visitor
from lotse.kernel.db import Database
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.view import View
from lotse.kernel.settings import Settings

HOME = "/office"
CODE = "/signin/code"
SETUP = "/signin/setup"
HALF_COOKIE = "lotse_half"
# What a refused post says here, by the refusal's code.
SAID = {
    "wrong-credentials": N_("Log-in or password is wrong."),
    "too-many-attempts": N_("Too many attempts. Please wait a moment and try again."),
    "form-expired": N_("The page was open for too long. Please try once more."),
    "sign-in-expired": N_("That took too long. Please give your password once more."),
    "wrong-code": N_("This code is wrong. Codes change every 30 seconds; is your phone's clock right?"),
    "code-spent": N_("This code was used already. Please wait for the next one."),
    "no-second-factor": N_("The second factor was changed meanwhile. Please sign in once more."),
}
OTHERWISE = N_("That did not work. Please try once more.")
NOT_KEPT = {"Cache-Control": "no-store"}

# The query parameter is called `next`, which is also a function of Python's.
Wanted = Annotated[str, Parameter(query="next", max_length=2_000)]


@get(SIGN_IN, guards=[public])
async def sign_in_page(view: View, draft: Draft | None, wanted: Wanted = "") -> Response[str]:
    """Ask for log-in and password."""
    typed = draft.typed if draft else {}
    return view.show(
        "signin/signin.html",
        headers=NOT_KEPT,
        login=typed.get("login", ""),
        next=wanted or typed.get("next", ""),
        said=said(draft),
    )


@post(SIGN_IN, guards=[public])
async def sign_in(request: Request[Any, Any, Any], database: Database, settings: Settings) -> Redirect:
    """Begin a session, or the second half of it. Refusals: `TooManyAttempts`, `WrongCredentials`."""
    form = await request.form()
    found = await signin.with_password(
        database,
        settings,
        login=str(form.get("login", "")),
        password=str(form.get("password", "")),
        visitor=visitor_of(request),
        goes_to=inside(str(form.get("next", ""))),
        at=clock.now(),
    )
    return await let_in(request, database, found)


@get(CODE, guards=[public])
async def code_page(
    request: Request[Any, Any, Any], view: View, database: Database, draft: Draft | None
) -> Response[str]:
    """Ask for the code of the second factor. Refusal: `SignInExpired`."""
    async with database.reading() as conn:
        half = await signin.half_of(conn, request.cookies.get(HALF_COOKIE), at=clock.now())
    return view.show("signin/code.html", headers=NOT_KEPT, half=half, said=said(draft))


@post(CODE, guards=[public], opt={"form": CODE})
async def give_code(request: Request[Any, Any, Any], database: Database, settings: Settings) -> Redirect:
    """The second half of a sign-in."""
    form = await request.form()
    found = await signin.with_code(
        database,
        await sealer_of(database, settings),
        token=request.cookies.get(HALF_COOKIE),
        code=str(form.get("code", ""))[:100],
        visitor=visitor_of(request),
        at=clock.now(),
    )
    return await let_in(request, database, found)


@get(SETUP, guards=[public])
async def setup_page(
    request: Request[Any, Any, Any],
    view: View,
    database: Database,
    settings: Settings,
    shop: Shop,
    draft: Draft | None,
) -> Response[str]:
    """Have a second factor set up that the account needs and lacks. Refusal: `SignInExpired`."""
    proposed = await signin.proposal(
        database,
        await sealer_of(database, settings),
        token=request.cookies.get(HALF_COOKIE),
        issuer=shop.name,
        at=clock.now(),
    )
    return view.show("signin/setup.html", headers=NOT_KEPT, proposed=proposed, said=said(draft))


@post(SETUP, guards=[public], opt={"form": SETUP})
async def set_up(request: Request[Any, Any, Any], view: View, database: Database, settings: Settings) -> Response[Any]:
    """The first code: the second factor is on, the session begins, and the recovery codes are shown this once."""
    form = await request.form()
    found, codes = await signin.with_setup(
        database,
        await sealer_of(database, settings),
        token=request.cookies.get(HALF_COOKIE),
        code=str(form.get("code", ""))[:100],
        visitor=visitor_of(request),
        at=clock.now(),
    )
    response = view.show("signin/codes.html", headers=NOT_KEPT, codes=codes, goes_to=found.goes_to or HOME)
    await _end(request, database)
    _keep(request, response, found)
    return response


@post("/signout", guards=[public], opt={"form": SIGN_IN})
async def sign_out(request: Request[Any, Any, Any], database: Database) -> Redirect:
    """End the session, here and in the database."""
    await _end(request, database)
    response = Redirect(SIGN_IN, status_code=303)
    response.delete_cookie(COOKIE, path="/")
    return response


routes = (sign_in_page, sign_in, code_page, give_code, setup_page, set_up, sign_out)


def visitor_of(request: Request[Any, Any, Any]) -> Visitor:
    """Who stands at the door."""
    return Visitor(
        address=request.client.host if request.client else "",
        agent=request.headers.get("user-agent", ""),
        device=request.cookies.get(DEVICE_COOKIE),
    )


async def let_in(request: Request[Any, Any, Any], database: Database, found: SignedIn | HalfWay) -> Redirect:
    """To the page that was asked for, or to the second half."""
    await _end(request, database)
    if isinstance(found, HalfWay):
        response = Redirect(SETUP if found.needs_setup else CODE, status_code=303)
        _set(request, response, HALF_COOKIE, found.token, HALF_KEPT.total_seconds(), path=SIGN_IN)
    else:
        response = Redirect(inside(found.goes_to), status_code=303)
        _keep(request, response, found)
    response.delete_cookie(DRAFT_COOKIE, path=SIGN_IN)
    return response


def said(draft: Draft | None) -> str | None:
    """What a refused post says, to be translated."""
    return SAID.get(str(draft.problem.get("type", "")).rsplit(":", 1)[-1], OTHERWISE) if draft else None


def inside(path: str) -> str:
    """Only a path of this site; browsers read `//host` and `/\\host` as another one."""
    return path if path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable() else HOME


def _keep(request: Request[Any, Any, Any], response: Response[Any], found: SignedIn) -> None:
    _set(request, response, COOKIE, found.token, ABSOLUTE.total_seconds())
    _set(request, response, DEVICE_COOKIE, found.device, DEVICE_KEPT.total_seconds())
    response.delete_cookie(HALF_COOKIE, path=SIGN_IN)


def _set(
    request: Request[Any, Any, Any], response: Response[Any], name: str, value: str, seconds: float, path: str = "/"
) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(seconds),
        path=path,
        httponly=True,
        samesite="lax",  # a link in a mail to an order must find the session; posts are checked by origin and token
        secure=request.scope["scheme"] == "https",
    )


async def _end(request: Request[Any, Any, Any], database: Database) -> None:
    token = request.cookies.get(COOKIE)
    if token:
        async with database.transaction() as tx:
            await sessions.end(tx, token=token)
