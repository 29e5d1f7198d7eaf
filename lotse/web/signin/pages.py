"""The door of the back office: log-in and password, the second factor, providers, and the way out.

The posts render nothing where they can: a refused one goes back to the page as its draft.
"""

import secrets
from hashlib import sha256
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect

from lotse.domains.parties.contracts import Shop
from lotse.kernel import clock
from lotse.kernel.auth import identities, oidc, sessions, signin
from lotse.kernel.auth.authenticate import staff_session
from lotse.kernel.auth.forms import DRAFT_COOKIE, SIGN_IN, Draft
from lotse.kernel.auth.rights import public
from lotse.kernel.auth.sealing import sealer_of
from lotse.kernel.auth.sessions import ABSOLUTE, COOKIE
from lotse.kernel.auth.signin import HALF_KEPT, HalfWay, SignedIn
from lotse.kernel.auth.visitor import DEVICE_COOKIE, DEVICE_KEPT, Visitor
from lotse.kernel.db import Database
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Refusal
from lotse.kernel.settings import Settings, base_of

HOME = "/office"
CODE = "/signin/code"
SETUP = "/signin/setup"
ACCOUNT = "/office/account"
OUT = "/signin/out"
HALF_COOKIE = "lotse_half"
# Which browser left for a provider, and where at the provider to sign out as well.
AWAY_COOKIE = "lotse_away"
OUT_COOKIE = "lotse_out"
# Browsers keep no cookie of more than 4 KiB.
_MOST_COOKIE = 3_800
# What a refused post says here, by the refusal's code.
SAID = {
    "wrong-credentials": N_("Log-in or password is wrong."),
    "too-many-attempts": N_("Too many attempts. Please wait a moment and try again."),
    "form-expired": N_("The page was open for too long. Please try once more."),
    "sign-in-expired": N_("That took too long. Please give your password once more."),
    "wrong-code": N_("This code is wrong. Codes change every 30 seconds; is your phone's clock right?"),
    "code-spent": N_("This code was used already. Please wait for the next one."),
    "no-second-factor": N_("The second factor was changed meanwhile. Please sign in once more."),
    "issuer-unavailable": N_("The provider does not answer. Please try again in a moment, or use your password."),
    "issuer-refused": N_("The provider did not sign you in."),
    "answer-unknown": N_("That answer came too late, or in another browser. Please try once more."),
    "answer-invalid": N_("The provider's answer could not be verified. Please try once more."),
    "identity-unknown": N_(
        "Nobody here is linked to that account. Sign in with your password and link it on the page of your account, "
        "or ask whoever manages the accounts."
    ),
    "identity-taken": N_("That account signs somebody else in."),
    "login-exists": N_(
        "There is an account of this name already. Sign in with its password and link the provider on its page."
    ),
    "no-role": N_("The provider gives you no role here. Please ask whoever manages the accounts."),
    "account-off": N_("This account is switched off."),
}
OTHERWISE = N_("That did not work. Please try once more.")
NOT_KEPT = {"Cache-Control": "no-store"}

# The query parameter is called `next`, which is also a function of Python's.
Wanted = Annotated[str, Parameter(query="next", max_length=2_000)]


@get(SIGN_IN, guards=[public])
async def sign_in_page(
    request: Request[Any, Any, Any], view: View, draft: Draft | None, wanted: Wanted = ""
) -> Response[str]:
    """Ask for log-in and password."""
    typed = draft.typed if draft else {}
    return _door(request, view, wanted or str(typed.get("next", "")), said(draft), login=typed.get("login", ""))


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


@get("/signin/with/{provider_name:str}", guards=[public])
async def leave(
    request: Request[Any, Any, Any], database: Database, provider_name: str, wanted: Wanted = "", link: bool = False
) -> Response[Any]:
    """To a provider. `link`: whoever is signed in wants to sign in with it from now on.

    Refusals, in this order: `IssuerUnknown`, `TooManyAttempts`, `IssuerUnavailable`.
    """
    provider = _provider(request, provider_name)
    session = await staff_session(request) if link else None
    browser = request.cookies.get(AWAY_COOKIE) or secrets.token_urlsafe(32)
    address = await oidc.leave(
        database,
        request.app.state.oidc_directory,
        provider,
        browser=browser,
        back=_back(request, provider),
        goes_to=ACCOUNT if link else inside(wanted),
        visitor=visitor_of(request),
        staff_id=session.staff_id if session else None,
        at=clock.now(),
    )
    response = Redirect(address, status_code=303)
    _set(request, response, AWAY_COOKIE, browser, oidc.AWAY.total_seconds(), path=SIGN_IN)
    return response


@get("/signin/with/{provider_name:str}/back", guards=[public])
async def come_back(
    request: Request[Any, Any, Any], view: View, database: Database, settings: Settings, provider_name: str
) -> Response[Any]:
    """From a provider; whatever does not let them in is said at the door."""
    provider = _provider(request, provider_name)
    at = clock.now()
    try:
        proof = await oidc.come_back(
            database,
            request.app.state.oidc_directory,
            provider,
            answer=dict(request.query_params.items()),
            browser=request.cookies.get(AWAY_COOKIE),
            back=_back(request, provider),
            at=at,
        )
        if proof.staff_id is not None:
            return await _linked(request, database, proof)
        sealer = await sealer_of(database, settings)
        found = await identities.sign_in(database, settings, sealer, proof=proof, visitor=visitor_of(request), at=at)
    except Refusal as refusal:
        return _door(request, view, "", SAID.get(refusal.code, OTHERWISE), status=refusal.status)
    return await let_in(request, database, found)


@post("/signout", guards=[public], opt={"form": SIGN_IN})
async def sign_out(request: Request[Any, Any, Any], database: Database, settings: Settings) -> Redirect:
    """End the session, here and in the database; at the provider that vouched for it, the next page does."""
    token = request.cookies.get(COOKIE, "")
    sealer = await sealer_of(database, settings)
    async with database.reading() as conn:
        there = await identities.signing_out(conn, sealer, token_hash=sha256(token.encode()).digest())
    await _end(request, database)
    response = Redirect(OUT if there else SIGN_IN, status_code=303)
    if there:
        back = base_of(request.app.state.process.settings) + SIGN_IN
        address = oidc.sign_out_address(
            there.end_session, client_id=there.client_id, id_token=there.id_token, back=back
        )
        if len(address) > _MOST_COOKIE * 3 // 4 - 100:  # sealed and in base64; then the provider asks whom to sign out
            address = oidc.sign_out_address(there.end_session, client_id=there.client_id, id_token="", back=back)
        sealed = sealer.seal(identities.SIGN_OUT, "cookie", address.encode()).hex()
        _set(request, response, OUT_COOKIE, sealed, 60, path=SIGN_IN)
    response.delete_cookie(COOKIE, path="/")
    return response


@get(OUT, guards=[public])
async def signed_out(
    request: Request[Any, Any, Any], view: View, database: Database, settings: Settings
) -> Response[Any]:
    """On to the provider's own sign-out. A page and no redirect: what a form leads to may lead to no other site."""
    sealed = request.cookies.get(OUT_COOKIE, "")
    try:
        address = (await sealer_of(database, settings)).open(identities.SIGN_OUT, "cookie", bytes.fromhex(sealed))
    except (ValueError, Refusal):
        return view.go(SIGN_IN)
    there = address.decode()
    response = view.show("signin/out.html", headers={**NOT_KEPT, "Refresh": f"0; url={there}"}, there=there)
    response.delete_cookie(OUT_COOKIE, path=SIGN_IN)
    return response


routes = (
    sign_in_page,
    sign_in,
    code_page,
    give_code,
    setup_page,
    set_up,
    leave,
    come_back,
    sign_out,
    signed_out,
)


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


async def _linked(request: Request[Any, Any, Any], database: Database, proof: oidc.Proof) -> Response[Any]:
    """Back on the page of one's own account, if it is still the same person who is signed in."""
    session = await staff_session(request)
    if session is None or session.staff_id != proof.staff_id:
        raise oidc.AnswerUnknown(provider=proof.provider.name)
    await identities.link(
        database,
        proof=proof,
        staff_id=session.staff_id,
        session_id=session.id,
        visitor=visitor_of(request),
        at=clock.now(),
    )
    return Redirect(f"{ACCOUNT}?done=linked", status_code=303)


def _provider(request: Request[Any, Any, Any], name: str) -> oidc.Provider:
    found: oidc.Provider | None = request.app.state.oidc_providers.get(name)
    if found is None:
        raise oidc.IssuerUnknown(provider=name)
    return found


def _back(request: Request[Any, Any, Any], provider: oidc.Provider) -> str:
    """Our address for a provider's answer, as it is registered there."""
    return f"{base_of(request.app.state.process.settings)}/signin/with/{provider.name}/back"


def _door(
    request: Request[Any, Any, Any], view: View, goes_to: str, what: str | None, *, login: Any = "", status: int = 200
) -> Response[str]:
    providers = list(request.app.state.oidc_providers.values())
    return view.show(
        "signin/signin.html",
        status=status,
        headers=NOT_KEPT,
        login=login,
        next=goes_to,
        said=what,
        providers=providers,
    )


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
