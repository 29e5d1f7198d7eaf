"""One's own account: password, second factor, providers, sessions, and what happened to it. Nobody needs a right here;
everything is about who is signed in."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.response import Redirect

from lotse.domains.parties.contracts import Shop
from lotse.kernel import clock
from lotse.kernel.auth import identities, notices, passwords, sessions, signin, totp, visitor
from lotse.kernel.auth.authenticate import staff_session
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.rights import NotSignedIn, signed_in
from lotse.kernel.auth.sealing import sealer_of
from lotse.kernel.auth.sessions import Session
from lotse.kernel.db import Database
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Invalid
from lotse.kernel.settings import Settings
from lotse.web.backoffice.frame import Said
from lotse.web.signin.pages import ACCOUNT, NOT_KEPT, visitor_of

FACTOR = f"{ACCOUNT}/factor"
# How a session began, by what `signin` and `identities` call it.
METHODS = {
    "password": N_("password"),
    "password+code": N_("password and second factor"),
    "password+recovery": N_("password and recovery code"),
}
DONE = {
    "password": N_("Your password is changed. All other sessions have ended."),
    "session": N_("The session has ended."),
    "sessions": N_("All other sessions have ended."),
    "seen": N_("Thank you. We will tell you when something happens again."),
    "factor-off": N_("Your second factor is off."),
    "linked": N_("You can sign in with this provider from now on."),
    "unlinked": N_("This provider no longer signs you in."),
}
SAID = {
    "wrong-password": N_("This is not your password."),
    "password-common": N_("This password is easy to guess. A few words in a row are better."),
    "wrong-code": N_("This code is wrong. Codes change every 30 seconds; is your phone's clock right?"),
    "code-spent": N_("This code was used already. Please wait for the next one."),
    "no-second-factor": N_("There is no second factor to be changed."),
    "second-factor-required": N_("Your account needs a second factor: it can be set up anew, but not switched off."),
    "too-many-attempts": N_("Too many attempts. Please wait a moment and try again."),
    "only-way-in": N_("This is the only way you can sign in. Set a password first, or link another provider."),
    "form-expired": N_("The page was open for too long. Please try once more."),
}
TOO_SHORT = N_("At least %(limit)s characters, please.")
NOT_THE_SAME = N_("The two are not the same.")
OTHERWISE = N_("That did not work. Please try once more.")


@get(ACCOUNT, guards=[signed_in])
async def account_page(
    request: Request[Any, Any, Any], view: View, database: Database, settings: Settings, draft: Draft | None
) -> Response[str]:
    """Everything about one's own account on one page."""
    session = await mine(request)
    at = view.question.at
    async with database.reading() as conn:
        live = await sessions.of_account(conn, staff_id=session.staff_id, at=at)
        factor = await totp.state(conn, staff_id=session.staff_id)
        linked = await identities.of_account(conn, staff_id=session.staff_id)
        happened = await notices.latest(conn, staff_id=session.staff_id)
        required = await signin.is_required(conn, settings, staff_id=session.staff_id)
        has_password = await signin.has_password(conn, staff_id=session.staff_id)
    done = DONE.get(request.query_params.get("done", ""))
    if done:
        view.say(Said("good", view.text(done)))
    providers = request.app.state.oidc_providers
    return view.show(
        "signin/account.html",
        headers=NOT_KEPT,
        own_account=True,
        session=session,
        sessions=live,
        factor=factor,
        required=required,
        has_password=has_password,
        linked=linked,
        unlinked=[one for one in providers.values() if one.issuer not in {link.issuer for link in linked}],
        titles={one.name: one.title for one in providers.values()},
        happened=happened,
        methods=METHODS,
        called=visitor.called,
        least=passwords.least(settings),
        mistake=mistake(view, draft, settings),
    )


@post(f"{ACCOUNT}/password", guards=[signed_in], opt={"form": ACCOUNT})
async def change_password(request: Request[Any, Any, Any], database: Database, settings: Settings) -> Redirect:
    """Refusals: as `signin.change_password`; `Invalid` if the second typing differs."""
    session = await mine(request)
    form = await request.form()
    new = str(form.get("new_password", ""))
    if new != str(form.get("again_password", "")):
        raise Invalid(field="again_password", rule="the same once more")
    await signin.change_password(
        database,
        settings,
        staff_id=session.staff_id,
        old=str(form.get("old_password", "")),
        new=new,
        session_id=session.id,
        visitor=visitor_of(request),
        at=clock.now(),
    )
    return _back("password")


@post(f"{ACCOUNT}/sessions/{{session_id:uuid}}/end", guards=[signed_in], opt={"form": ACCOUNT})
async def end_session(request: Request[Any, Any, Any], database: Database, session_id: UUID) -> Redirect:
    """End one of one's own sessions, also this one."""
    session = await mine(request)
    async with database.transaction() as tx:
        await sessions.revoke(tx, staff_id=session.staff_id, id=session_id)
    return _back("session")


@post(f"{ACCOUNT}/sessions/end", guards=[signed_in], opt={"form": ACCOUNT})
async def end_others(request: Request[Any, Any, Any], database: Database) -> Redirect:
    """End all sessions but this one."""
    session = await mine(request)
    async with database.transaction() as tx:
        await sessions.revoke_others(tx, staff_id=session.staff_id, but=session.id)
    return _back("sessions")


@post(f"{ACCOUNT}/seen", guards=[signed_in], opt={"form": ACCOUNT})
async def put_away(request: Request[Any, Any, Any], database: Database) -> Redirect:
    """What happened was one's own doing."""
    session = await mine(request)
    async with database.transaction() as tx:
        await notices.put_away(tx, staff_id=session.staff_id, session_id=session.id, at=clock.now())
    return _back("seen")


@get(FACTOR, guards=[signed_in])
async def factor_page(
    request: Request[Any, Any, Any],
    view: View,
    database: Database,
    settings: Settings,
    shop: Shop,
    draft: Draft | None,
) -> Response[str]:
    """Set up a second factor, or another one in its place."""
    session = await mine(request)
    sealer = await sealer_of(database, settings)
    async with database.transaction() as tx:
        proposed = await totp.propose(tx, sealer, staff_id=session.staff_id, login=session.login, issuer=shop.name)
        factor = await totp.state(tx, staff_id=session.staff_id)
    return view.show(
        "signin/factor_page.html",
        headers=NOT_KEPT,
        proposed=proposed,
        factor=factor,
        asks_password=await _has_password(database, session),
        mistake=mistake(view, draft, settings),
    )


@post(FACTOR, guards=[signed_in], opt={"form": FACTOR})
async def confirm_factor(
    request: Request[Any, Any, Any], view: View, database: Database, settings: Settings
) -> Response[str]:
    """The first code of the app; the recovery codes are shown this once.

    Refusals, in this order: `TooManyAttempts`, `WrongPassword` (where the account has one), those of `totp.confirm`.
    """
    session = await mine(request)
    form = await request.form()
    visiting, at = visitor_of(request), clock.now()
    if await _has_password(database, session):
        # Who finds an open browser must not bind the account to a phone of theirs.
        await signin.prove(
            database, staff_id=session.staff_id, password=str(form.get("password", "")), visitor=visiting, at=at
        )
    sealer = await sealer_of(database, settings)
    async with database.transaction() as tx:
        codes = await totp.confirm(
            tx,
            sealer,
            staff_id=session.staff_id,
            code=str(form.get("code", ""))[:100],
            actor=f"staff:{session.staff_id}",
            visitor=visiting,
            session_id=session.id,
            at=at,
        )
    return view.show("signin/account_codes.html", headers=NOT_KEPT, codes=codes, made="on")


@post(f"{FACTOR}/codes", guards=[signed_in], opt={"form": ACCOUNT})
async def renew_codes(
    request: Request[Any, Any, Any], view: View, database: Database, settings: Settings
) -> Response[str]:
    """New recovery codes for a code. Refusals: `TooManyAttempts`, those of `totp.check`."""
    session = await mine(request)
    sealer = await _proven(request, database, settings, session)
    async with database.transaction() as tx:
        codes = await totp.renew_codes(
            tx,
            sealer,
            staff_id=session.staff_id,
            actor=f"staff:{session.staff_id}",
            visitor=visitor_of(request),
            session_id=session.id,
            at=clock.now(),
        )
    return view.show("signin/account_codes.html", headers=NOT_KEPT, codes=codes, made="codes")


@post(f"{FACTOR}/off", guards=[signed_in], opt={"form": ACCOUNT})
async def switch_off(request: Request[Any, Any, Any], database: Database, settings: Settings) -> Redirect:
    """Do without a second factor. Refusals: `SecondFactorRequired`, `TooManyAttempts`, those of `totp.check`."""
    session = await mine(request)
    async with database.reading() as conn:
        if await signin.is_required(conn, settings, staff_id=session.staff_id):
            raise totp.SecondFactorRequired()
    await _proven(request, database, settings, session)
    async with database.transaction() as tx:
        await totp.switch_off(
            tx,
            staff_id=session.staff_id,
            actor=f"staff:{session.staff_id}",
            visitor=visitor_of(request),
            session_id=session.id,
            at=clock.now(),
        )
    return _back("factor-off")


@post(f"{ACCOUNT}/unlink", guards=[signed_in], opt={"form": ACCOUNT})
async def unlink(request: Request[Any, Any, Any], database: Database) -> Redirect:
    """A provider shall no longer sign one in. Refusal: `OnlyWayIn`."""
    session = await mine(request)
    form = await request.form()
    async with database.transaction() as tx:
        await identities.unlink(
            tx,
            issuer=str(form.get("issuer", "")),
            subject=str(form.get("subject", "")),
            staff_id=session.staff_id,
            session_id=session.id,
            visitor=visitor_of(request),
            at=clock.now(),
        )
    return _back("unlinked")


routes = (
    account_page,
    change_password,
    end_session,
    end_others,
    put_away,
    factor_page,
    confirm_factor,
    renew_codes,
    switch_off,
    unlink,
)


async def mine(request: Request[Any, Any, Any]) -> Session:
    """The session of who asks. Refusal: `NotSignedIn`."""
    session = await staff_session(request)
    if session is None:
        raise NotSignedIn(right="account")
    return session


def mistake(view: View, draft: Draft | None, settings: Settings) -> dict[str, str]:
    """What a refused post says, by the form that it came from (its hidden field `which`); empty if there is none."""
    if draft is None:
        return {}
    code = str(draft.problem.get("type", "")).rpartition(":")[2]
    which = str(draft.typed.get("which", ""))
    if code == "invalid":
        again = draft.problem.get("field") == "again_password"
        said = view.text(NOT_THE_SAME) if again else view.text(TOO_SHORT, limit=passwords.least(settings))
    else:
        said = view.text(SAID.get(code, OTHERWISE))
    return {"which": which, "said": said, "field": str(draft.problem.get("field", ""))}


async def _proven(request: Request[Any, Any, Any], database: Database, settings: Settings, session: Session) -> Any:
    form = await request.form()
    sealer = await sealer_of(database, settings)
    code = str(form.get("code", ""))[:100]
    await signin.prove_code(database, sealer, staff_id=session.staff_id, code=code, at=clock.now())
    return sealer


async def _has_password(database: Database, session: Session) -> bool:
    async with database.reading() as conn:
        return await signin.has_password(conn, staff_id=session.staff_id)


def _back(done: str) -> Redirect:
    return Redirect(f"{ACCOUNT}?done={done}", status_code=303)
