"""Roles: named bundles of rights, each right everywhere or in a shop, at a location, for a party, up to an amount."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect
from msgspec import Struct

from lotse.kernel import audit, clock
from lotse.kernel.auth import roles, signin
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import ALL, Grant, Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.auth.roles import Role, UnknownRole
from lotse.kernel.db import Database
from lotse.kernel.money import minor_digits, to_minor
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import show, table_routes
from lotse.kernel.pages.table import Action, Column, Nothing, Search, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Invalid
from lotse.web.backoffice.frame import Said
from lotse.web.signin.staff import places_of

ROLES = "/office/roles"
NEW = f"{ROLES}/new"
ONE = f"{ROLES}/{{role_id:uuid}}"
FORM = f"{ROLES}/{{role_id}}"
# Rows to type new rights into; more come with every save.
_EMPTY = 3
_MOST_ROWS = 300
DONE = {
    "saved": N_("The role is saved. It counts at once, for everybody who holds it."),
    "removed": N_("The role is taken away."),
}
SAID = {
    "role-changed": N_("Somebody else has changed this role meanwhile. Below is what it is now, and what you typed."),
    "role-name-taken": N_("Another role has this name."),
    "role-held": N_("Somebody holds this role. Take it from them first."),
    "beyond-own": N_("You may give only what you may do yourself: %(right)s"),
    "last-owner": N_("Somebody has to be able to do everything: this is the last role that lets them."),
    "invalid": N_("This does not look right: %(field)s, %(rule)s"),
    "form-expired": N_("The page was open for too long. Please try once more."),
}
OTHERWISE = N_("That did not work. Please look at what is there now, and try once more.")


class Row(Struct, frozen=True):
    """A grant as it stands in the form."""

    right: str = ""
    shop: str = ""
    location: str = ""
    party: str = ""
    limit: str = ""
    currency: str = ""


class RoleRow(Struct, frozen=True):
    """A role in the table; `grants` are its rights by name."""

    id: UUID
    name: str
    description: str
    is_ready: bool
    second_factor: bool
    grants: str
    holders: int


def summary(grants: str) -> dict[str, list[str]]:
    """What a role lets people do, by the thing: {"orders": ["read", "refund"]}."""
    found: dict[str, list[str]] = {}
    for grant in grants.split(", ") if grants else ():
        thing, _, verb = grant.partition(".")
        found.setdefault(thing, []).append(verb)
    return found


ROLE_TABLE = Table(
    name="kernel.roles",
    path=ROLES,
    title=N_("Roles"),
    text=N_(
        "A role bundles rights; people and programs hold it everywhere or in a place. Nobody may do what no role or"
        " right lets them."
    ),
    icon="key",
    right="roles.read",
    where="everywhere",
    statement=roles.SQL.role_table,
    row=RoleRow,
    key="id",
    label="name",
    row_path=ROLES + "/{}",
    order="name",
    columns=(
        Column("name", N_("Role"), sort="lower(t.name)", template="signin/cell_role.html", link=True, phone="title"),
        Column("grants", N_("May"), template="signin/cell_grants.html"),
        Column("second_factor", N_("Second factor"), kind="flag", filter="flag", template="signin/cell_needed.html"),
        Column("holders", N_("Held by"), kind="number"),
        Column("description", N_("Description"), shown=False),
    ),
    # There are dozens. What a right begins with finds the roles that hold it.
    search=Search(
        "lower(t.name) like :words or t.grants like :words",
        lambda text: {"words": f"%{text.lower()}%"},
        N_("Role, or a right such as orders.refund"),
    ),
    actions=(Action(N_("New role"), NEW, "roles.write", "plus"),),
    nothing=Nothing(
        N_("No roles yet"),
        N_("Make one for each kind of work: clerk in a store, buyer, bookkeeper."),
        Action(N_("New role"), NEW, "roles.write"),
    ),
)


@get(ROLES, guards=[needs("roles.read")], name="roles")
async def roles_page(
    view: View, database: Database, request: Request[Any, Any, Any], principal: Principal
) -> Response[str]:
    """All roles: what they let people do, and how many hold them."""
    done = DONE.get(request.query_params.get("done", ""))
    if done:
        view.say(Said("good", view.text(done)))
    return await show(ROLE_TABLE, view, database, principal, request, summary=summary)


@get(NEW, guards=[needs("roles.write")])
async def new_page(view: View, database: Database, draft: Draft | None) -> Response[str]:
    """A new role."""
    return await _page(view, database, None, draft, may=True)


@get(ONE, guards=[needs("roles.read")])
async def one_page(
    request: Request[Any, Any, Any],
    view: View,
    database: Database,
    principal: Principal,
    role_id: UUID,
    draft: Draft | None,
) -> Response[str]:
    """One role: what it gives, who holds it, what was changed. Refusal: `UnknownRole`."""
    async with database.reading() as conn:
        role = await roles.role(conn, role_id=role_id)
    if role is None:
        raise UnknownRole(role=str(role_id))
    done = DONE.get(request.query_params.get("done", ""))
    if done:
        view.say(Said("good", view.text(done)))
    return await _page(view, database, role, draft, may=principal.may("roles.write"))


@post(NEW, guards=[needs("roles.write")], opt={"form": NEW})
async def add(request: Request[Any, Any, Any], database: Database, principal: Principal) -> Redirect:
    """Make a role. Refusals: as `roles.put_role`."""
    role_id = await _saved(request, database, principal, None)
    return Redirect(f"{ROLES}/{role_id}?done=saved", status_code=303)


@post(ONE, guards=[needs("roles.write")], opt={"form": FORM})
async def save(request: Request[Any, Any, Any], database: Database, principal: Principal, role_id: UUID) -> Redirect:
    """Change a role. Refusals: as `roles.put_role`."""
    await _saved(request, database, principal, role_id)
    return Redirect(f"{ROLES}/{role_id}?done=saved", status_code=303)


@post(f"{ONE}/remove", guards=[needs("roles.write")], opt={"form": FORM})
async def remove(request: Request[Any, Any, Any], database: Database, principal: Principal, role_id: UUID) -> Redirect:
    """Take a role away that nobody holds. Refusals: `UnknownRole`, `RoleHeld`."""
    async with database.transaction() as tx:
        await roles.remove_role(tx, role_id=role_id, by=principal, at=clock.now())
    return Redirect(f"{ROLES}?done=removed", status_code=303)


routes = (*table_routes(ROLE_TABLE, roles_page), new_page, one_page, add, save, remove)
tables = (ROLE_TABLE,)


async def _page(view: View, database: Database, role: Role | None, draft: Draft | None, *, may: bool) -> Response[str]:
    from lotse.web.app import rights  # which imports the frames

    async with database.reading() as conn:
        places = await places_of(conn)
        held = await roles.holders(conn, role_id=role.id, at=view.question.at) if role else []
        asks = role is not None and role.id in await signin.asking_roles(conn)
        changes = await audit.history(conn, subject=f"kernel.role:{role.id}", limit=20) if role else []
        names = await names_of(conn, {change.actor for change in changes})
    rows = _typed_rows(draft.typed) if draft else [_row(grant) for grant in (role.grants if role else [])]
    return view.show(
        "signin/role.html",
        role=role,
        name=draft.typed.get("name", "") if draft else (role.name if role else ""),
        description=draft.typed.get("description", "") if draft else (role.description if role else ""),
        asks=bool(draft.typed.get("second_factor")) if draft else asks,
        rows=[*rows, *([Row()] * _EMPTY if may else [])],
        now=[_row(grant) for grant in role.grants] if role and draft and _code(draft) == "role-changed" else [],
        rights=[ALL, *rights()],
        places=places,
        held=held,
        changes=changes,
        names=names,
        may=may,
        wrong=_said(view, draft),
    )


async def _saved(
    request: Request[Any, Any, Any], database: Database, principal: Principal, role_id: UUID | None
) -> UUID:
    form = await request.form()
    typed = {name: form.getall(name) for name in Row.__struct_fields__ if name in form}
    grants = [_grant(row) for row in _rows(typed) if row.right]
    seen = str(form.get("seen_at", ""))
    at = clock.now()
    reason = str(form.get("reason", "")).strip()[:500] or None
    async with database.transaction() as tx:
        saved = await roles.put_role(
            tx,
            name=str(form.get("name", "")),
            description=str(form.get("description", "")).strip(),
            grants=grants,
            by=principal,
            at=at,
            role_id=role_id,
            seen_at=_moment(seen) if role_id and seen else None,
            reason=reason,
        )
        asks = bool(form.get("second_factor"))
        await signin.ask_by_role(tx, role_id=saved, asks=asks, actor=str(principal), at=at, reason=reason)
        return saved


def _rows(typed: dict[str, list[Any]]) -> list[Row]:
    count = min(max((len(values) for values in typed.values()), default=0), _MOST_ROWS)
    return [
        Row(**{name: str(values[number]).strip() if number < len(values) else "" for name, values in typed.items()})
        for number in range(count)
    ]


def _typed_rows(typed: dict[str, Any]) -> list[Row]:
    lists = {
        name: value if isinstance(value, list) else [value]
        for name in Row.__struct_fields__
        if (value := typed.get(name)) is not None
    }
    return [row for row in _rows(lists) if row.right]


def _row(grant: Grant) -> Row:
    limit = ""
    if grant.limit_minor is not None and grant.currency:
        digits = minor_digits(grant.currency)
        limit = str(Decimal(grant.limit_minor).scaleb(-digits))
    shop, location, party = (str(id or "") for id in (grant.shop_id, grant.location_id, grant.party_id))
    return Row(grant.right, shop, location, party, limit, grant.currency or "")


def _grant(row: Row) -> Grant:
    shop, location, party = (_id(row, name) for name in ("shop", "location", "party"))
    if not row.limit:
        return Grant(row.right, shop, location, party)
    currency = row.currency.upper() or "EUR"
    try:
        amount = to_minor(Decimal(row.limit.replace(",", ".")), currency)
    except (InvalidOperation, ValueError, Invalid):
        raise Invalid(field="limit", rule=f"an amount in {currency[:3]}, e.g. 100 or 99.50") from None
    return Grant(row.right, shop, location, party, amount, currency)


def _id(row: Row, name: str) -> UUID | None:
    text: str = getattr(row, name)
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Invalid(field=name, rule="one of those to choose from") from None


def _moment(text: str) -> datetime:
    try:
        return msgspec.convert(text, datetime, strict=False)
    except msgspec.ValidationError:
        raise Invalid(field="seen_at", rule="the moment that the form was made") from None


def _code(draft: Draft) -> str:
    return str(draft.problem.get("type", "")).rpartition(":")[2]


def _said(view: View, draft: Draft | None) -> str | None:
    if draft is None:
        return None
    message = SAID.get(_code(draft))
    if message is None:
        return view.text(OTHERWISE)
    facts = {name: str(value)[:200] for name, value in draft.problem.items() if isinstance(value, str)}
    return view.text(message, **facts)
