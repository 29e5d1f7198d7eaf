"""Who works here: accounts, what they hold, their sessions; for whoever manages them."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.response import Redirect
from msgspec import Struct

from lotse.domains.inventory import queries as inventory
from lotse.domains.parties import queries as parties
from lotse.kernel import audit, clock
from lotse.kernel.auth import identities, passwords, roles, sessions, signin, staff, totp, visitor
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.auth.roles import Area, Holder
from lotse.kernel.auth.staff import Staff
from lotse.kernel.db import Connection, Database
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.table import Action, Column, Nothing, Option, Preset, Scope, Search, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Invalid, NotFound
from lotse.kernel.settings import Settings
from lotse.kernel.sql import statements
from lotse.web.backoffice.frame import Said
from lotse.web.signin.account import METHODS
from lotse.web.signin.pages import NOT_KEPT

SQL = statements("lotse.kernel", "signin")

STAFF = "/office/staff"
NEW = f"{STAFF}/new"
ONE = f"{STAFF}/{{staff_id:uuid}}"
# Where the form of a refused post stands.
FORM = f"{STAFF}/{{staff_id}}"
DONE = {
    "on": N_("The account is switched on."),
    "off": N_("The account is switched off; its sessions have ended."),
    "factor": N_("The second factor is taken away; it can be set up anew at the next sign-in."),
    "session": N_("The session has ended."),
    "sessions": N_("All sessions of the account have ended."),
    "given": N_("The role is given. It counts at once."),
    "taken": N_("That is taken away. It counts at once."),
}
SAID = {
    "invalid": N_("Please say why, in a few words."),
    "no-second-factor": N_("There is no second factor."),
    "last-owner": N_("Somebody has to be able to do everything: this is the last one."),
    "beyond-own": N_("You may manage only what you may do yourself."),
    "login-taken": N_("This log-in is taken."),
    "unknown-role": N_("There is no such role any more."),
    "form-expired": N_("The page was open for too long. Please try once more."),
}
OTHERWISE = N_("That did not work. Please look at what is there now, and try once more.")
_WORDS = 4


class Choice(Struct, frozen=True):
    """Something to choose in a form."""

    value: str
    label: str


class Places(Struct, frozen=True):
    """Where something can hold: shops, locations, and the parties that own shops; by id what they are called."""

    shops: list[Choice]
    locations: list[Choice]
    parties: list[Choice]

    def called(self, id: UUID | None) -> str:
        """A place by its name; its id where it is gone."""
        wanted = str(id)
        for choices in (self.shops, self.locations, self.parties):
            for choice in choices:
                if choice.value == wanted:
                    return choice.label
        return wanted


# -- the table


class StaffRow(Struct, frozen=True):
    """An account in the table; `rights` counts those that it holds beside its roles."""

    id: UUID
    login: str
    name: str
    active: bool
    roles: str
    rights: int
    has_factor: bool
    sessions: int
    last_at: datetime | None


async def _roles(conn: Connection, scope: Scope) -> Mapping[str, Option]:
    return {str(role.id): Option(role.name) for role in await roles.roles(conn)}


STAFF_TABLE = Table(
    name="kernel.staff",
    path=STAFF,
    title=N_("Staff"),
    text=N_("Who can sign in to the back office, and what they hold."),
    icon="people",
    right="staff.read",
    where="everywhere",
    statement=SQL.staff_table,
    params=lambda scope: {"at": scope.at},
    row=StaffRow,
    key="id",
    label="login",
    row_path=STAFF + "/{}",
    order="name",
    begin="active=yes",
    columns=(
        Column("name", N_("Name"), sort="lower(t.name)", template="signin/cell_staff.html", link=True, phone="title"),
        Column("login", N_("Log-in"), kind="code", sort=True, filter="begins", shown=False),
        Column(
            "roles",
            N_("Roles"),
            filter="choice",
            choices=_roles,
            template="signin/cell_roles.html",
            condition="t.id in (select h.staff_id from kernel.holdings h where h.role_id::text = any(:value::text[]))",
        ),
        Column("has_factor", N_("Second factor"), kind="flag", filter="flag", template="signin/cell_factor.html"),
        Column("sessions", N_("Sessions"), kind="number"),
        Column("last_at", N_("Last sign-in"), kind="moment", empty=N_("never")),
        Column("active", N_("Active"), kind="flag", filter="flag", shown=False),
    ),
    # There are dozens: it looks anywhere in log-in and name.
    search=Search(
        "lower(t.login) like :words or lower(t.name) like :words",
        lambda text: {"words": f"%{text.lower()}%"},
        N_("Name or log-in"),
    ),
    presets=(
        Preset(N_("Active"), "active=yes"),
        Preset(N_("Without a second factor"), "has_factor=no&active=yes"),
        Preset(N_("Switched off"), "active=no"),
    ),
    actions=(Action(N_("New account"), NEW, "staff.write", "plus"),),
    nothing=Nothing(
        N_("Nobody works here yet"),
        N_("Make an account for each person; what they may follows from the roles they are given."),
        Action(N_("New account"), NEW, "staff.write"),
    ),
)


# -- one account


@get(NEW, guards=[needs("staff.write")])
async def new_page(view: View, database: Database, draft: Draft | None) -> Response[str]:
    """A new account."""
    async with database.reading() as conn:
        known = await roles.roles(conn)
    return view.show("signin/staff_new.html", typed=draft.typed if draft else {}, roles=known, wrong=_said(view, draft))


@post(NEW, guards=[needs("staff.write")], opt={"form": NEW})
async def add(request: Request[Any, Any, Any], view: View, database: Database, principal: Principal) -> Response[Any]:
    """Make an account; its first password is drawn, and shown this once.

    Refusals: `Invalid`, `LoginTaken`, `UnknownRole`, `BeyondOwn`.
    """
    form = await request.form()
    login, name = str(form.get("login", "")), str(form.get("name", "")).strip()[:200]
    role, alone = str(form.get("role", "")), bool(form.get("provider"))
    password = None if alone else drawn()
    made = await passwords.new_hash(password, known=(login, name), field="password") if password else None
    at = clock.now()
    async with database.transaction() as tx:
        staff_id = await staff.add(
            tx, login=login, name=name or login.strip(), password_hash=made, actor=str(principal), at=at
        )
        if role:
            await roles.give_role(tx, holder=Holder(staff_id), role_id=_uuid(role), by=principal, at=at)
    if password is None:
        return Redirect(f"{STAFF}/{staff_id}", status_code=303)
    return view.show(
        "signin/staff_made.html", headers=NOT_KEPT, login=login.strip().lower(), password=password, staff_id=staff_id
    )


@get(ONE, guards=[needs("staff.read")])
async def one_page(
    request: Request[Any, Any, Any],
    view: View,
    database: Database,
    settings: Settings,
    principal: Principal,
    staff_id: UUID,
    draft: Draft | None,
) -> Response[str]:
    """One account: what it holds, where it is signed in, what was changed about it. Refusal: `NotFound`."""
    at = view.question.at
    async with database.reading() as conn:
        account = await _account(conn, staff_id)
        held = await roles.held_by(conn, Holder(staff_id))
        live = await sessions.of_account(conn, staff_id=staff_id, at=at)
        factor = await totp.state(conn, staff_id=staff_id)
        required = await signin.is_required(conn, settings, staff_id=staff_id)
        linked = await identities.of_account(conn, staff_id=staff_id)
        changes = await audit.history(conn, subject=f"kernel.staff:{staff_id}", limit=20)
        names = await names_of(conn, {change.actor for change in changes})
        known = await roles.roles(conn)
        places = await places_of(conn)
    done = DONE.get(request.query_params.get("done", ""))
    if done:
        view.say(Said("good", view.text(done)))
    return view.show(
        "signin/staff_one.html",
        account=account,
        held=held,
        sessions=live,
        factor=factor,
        required=required,
        linked=linked,
        changes=changes,
        names=names,
        roles=known,
        places=places,
        methods=METHODS,
        called=visitor.called,
        may=principal.may("staff.write"),
        wrong=_said(view, draft),
    )


@post(f"{ONE}/switch", guards=[needs("staff.write")], opt={"form": FORM})
async def switch(request: Request[Any, Any, Any], database: Database, principal: Principal, staff_id: UUID) -> Redirect:
    """On or off, with a reason. Refusals: `Invalid`, `NotFound`, `BeyondOwn`, `LastOwner`."""
    form = await request.form()
    active = form.get("active") == "yes"
    reason = _reason(form)
    async with database.transaction() as tx:
        account = await _account(tx, staff_id)
        await _check_beneath(tx, principal, staff_id)
        await staff.change(tx, login=account.login, active=active, actor=str(principal), at=clock.now(), reason=reason)
    return _back(staff_id, "on" if active else "off")


@post(f"{ONE}/factor", guards=[needs("staff.write")], opt={"form": FORM})
async def reset_factor(
    request: Request[Any, Any, Any], database: Database, principal: Principal, staff_id: UUID
) -> Redirect:
    """For who lost the phone and the recovery codes. Refusals: `BeyondOwn`, `Invalid` (no reason),
    `NoSecondFactor`."""
    form = await request.form()
    async with database.transaction() as tx:
        await _check_beneath(tx, principal, staff_id)
        await totp.reset(
            tx, staff_id=staff_id, actor=str(principal), reason=str(form.get("reason", "")), at=clock.now()
        )
    return _back(staff_id, "factor")


@post(f"{ONE}/sessions/end", guards=[needs("staff.write")], opt={"form": FORM})
async def end_sessions(
    request: Request[Any, Any, Any], database: Database, principal: Principal, staff_id: UUID
) -> Redirect:
    """End one session (`session`) or all. Refusal: `BeyondOwn`."""
    session = str((await request.form()).get("session", ""))
    async with database.transaction() as tx:
        await _check_beneath(tx, principal, staff_id)
        if session:
            await sessions.revoke(tx, staff_id=staff_id, id=_uuid(session))
        else:
            await sessions.revoke_others(tx, staff_id=staff_id, but=None)
    return _back(staff_id, "session" if session else "sessions")


@post(f"{ONE}/give", guards=[needs("staff.write")], opt={"form": FORM})
async def give(request: Request[Any, Any, Any], database: Database, principal: Principal, staff_id: UUID) -> Redirect:
    """Give a role, everywhere or in a place. Refusals: `UnknownRole`, `BeyondOwn`, `UnknownHolder`."""
    form = await request.form()
    where = Area(_optional(form, "shop"), _optional(form, "location"), _optional(form, "party"))
    async with database.transaction() as tx:
        await roles.give_role(
            tx,
            holder=Holder(staff_id),
            role_id=_uuid(str(form.get("role", ""))),
            by=principal,
            at=clock.now(),
            where=where,
            reason=str(form.get("reason", "")).strip()[:500] or None,
        )
    return _back(staff_id, "given")


@post(f"{ONE}/take", guards=[needs("staff.write")], opt={"form": FORM})
async def take(request: Request[Any, Any, Any], database: Database, principal: Principal, staff_id: UUID) -> Redirect:
    """Take a role or right away. Refusals: `UnknownHolding`, `LastOwner`."""
    form = await request.form()
    async with database.transaction() as tx:
        await roles.take(tx, holding_id=_uuid(str(form.get("holding", ""))), by=principal, at=clock.now())
    return _back(staff_id, "taken")


routes = (
    *table_routes(STAFF_TABLE),
    new_page,
    add,
    one_page,
    switch,
    reset_factor,
    end_sessions,
    give,
    take,
)
tables = (STAFF_TABLE,)


def drawn() -> str:
    """A first password: 80 random bits in groups, to be read out and typed once."""
    signs = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(signs) for _ in range(4)) for _ in range(_WORDS))


async def places_of(conn: Connection) -> Places:
    """Where rights can hold. A retailer has hundreds of places at most."""
    shops = (await parties.shops(conn, limit=200)).items
    owners = await parties.parties(conn, party_ids=sorted({shop.owner_party_id for shop in shops}))
    locations = (await inventory.locations(conn, limit=200)).items
    return Places(
        [Choice(str(shop.id), shop.name) for shop in shops],
        [Choice(str(location.id), f"{location.name} ({location.code})") for location in locations],
        [Choice(str(owner.id), owner.name or str(owner.id)) for owner in owners],
    )


async def _account(conn: Connection, staff_id: UUID) -> Staff:
    found = next((one for one in await staff.everybody(conn) if one.id == staff_id), None)
    if found is None:
        raise NotFound(what="staff", id=str(staff_id))
    return found


async def _check_beneath(conn: Connection, principal: Principal, staff_id: UUID) -> None:
    """Nobody locks out, or opens the account of, somebody who may do more. Refusal: `BeyondOwn`."""
    for grant in await roles.grants_of(conn, Holder(staff_id)):
        if not any(own.includes(grant) for own in principal.grants):
            raise roles.BeyondOwn(right=grant.right)


def _said(view: View, draft: Draft | None) -> str | None:
    if draft is None:
        return None
    code = str(draft.problem.get("type", "")).rpartition(":")[2]
    if code == "invalid" and draft.problem.get("field") == "login":
        return view.text(N_("A log-in has 1 to 200 characters and no spaces."))
    return view.text(SAID.get(code, OTHERWISE))


def _reason(form: Any) -> str:
    reason = str(form.get("reason", "")).strip()
    if not 3 <= len(reason) <= 500:
        raise Invalid(field="reason", rule="3 to 500 characters")
    return reason


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(field="id", rule="an id") from None


def _optional(form: Any, name: str) -> UUID | None:
    text = str(form.get(name, ""))
    return _uuid(text) if text else None


def _back(staff_id: UUID, done: str) -> Redirect:
    return Redirect(f"{STAFF}/{staff_id}?done={done}", status_code=303)
