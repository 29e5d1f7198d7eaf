"""Roles and what staff and API tokens hold: named bundles of grants, given in a shop, at a location, for a party.

Nobody gives what they do not hold themselves (`BeyondOwn`), and the last who may do everything stays (`LastOwner`).
Rights are read with every request, so a change counts at once; a token that a process has just seen goes on for some
seconds.
Every change is on record with its reason.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from msgspec import Struct, structs, to_builtins

from lotse.kernel import audit
from lotse.kernel.auth.principal import ALL, Grant, Kind, Principal
from lotse.kernel.auth.scopes import MAX_RIGHTS, checked_right
from lotse.kernel.db import Connection, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.money import minor_digits
from lotse.kernel.refusals import Invalid, Refusal, refusing
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "rights")


class UnknownRole(Refusal, status=404, title="There is no such role"):
    role: str


class RoleNameTaken(Refusal, status=409, title="Another role has this name"):
    name: str


class RoleChanged(Refusal, status=409, title="Somebody else has changed this role"):
    """It is not what the form showed any more."""

    role_id: UUID
    changed_at: datetime


class RoleHeld(Refusal, status=409, title="This role is held by somebody"):
    """Take it from them first."""

    role_id: UUID


class UnknownHolder(Refusal, status=404, title="There is no such account or token"):
    id: UUID


class UnknownHolding(Refusal, status=404, title="Nobody holds this any more"):
    id: UUID


class BeyondOwn(Refusal, status=403, title="You may give only what you may do yourself"):
    """`right` is not yours, or not there, or not up to that amount."""

    right: str


class LastOwner(Refusal, status=409, title="Somebody has to be able to do everything"):
    """Nobody else who can sign in holds every right."""


class Role(Struct, frozen=True):
    """A named bundle of grants. `ready`: as Lotse ships it, under this name; `holders`: how many hold it."""

    id: UUID
    name: str
    description: str
    ready: str | None
    created_at: datetime
    changed_at: datetime
    grants: list[Grant]
    holders: int


class Holder(Struct, frozen=True):
    """Who holds: a staff account or a token."""

    staff_id: UUID | None = None
    token_id: UUID | None = None

    @property
    def subject(self) -> str:
        return f"kernel.staff:{self.staff_id}" if self.staff_id else f"kernel.token:{self.token_id}"


class Area(Struct, frozen=True):
    """Where something is held; None: everywhere."""

    shop_id: UUID | None = None
    location_id: UUID | None = None
    party_id: UUID | None = None


EVERYWHERE = Area()


class Held(Struct, frozen=True):
    """One thing that somebody holds: a role (`role_id`, `role_name`) or a single right (`right_name`)."""

    id: UUID
    staff_id: UUID | None
    token_id: UUID | None
    role_id: UUID | None
    role_name: str | None
    right_name: str | None
    shop_id: UUID | None
    location_id: UUID | None
    party_id: UUID | None
    limit_minor: int | None
    currency: str | None
    since: datetime

    @property
    def holder(self) -> Holder:
        return Holder(self.staff_id, self.token_id)


class HeldBy(Struct, frozen=True):
    """One who holds a role, and where."""

    id: UUID
    staff_id: UUID | None
    token_id: UUID | None
    name: str
    active: bool
    shop_id: UUID | None
    location_id: UUID | None
    party_id: UUID | None
    since: datetime


class ReadyRole(Struct, frozen=True):
    """A role as Lotse ships it."""

    ready: str
    name: str
    description: str
    grants: tuple[Grant, ...]


# -- reading


async def roles(conn: Connection) -> list[Role]:
    """All roles, by name."""
    return await conn.many(SQL.roles, Role, id=None)


async def role(conn: Connection, *, role_id: UUID) -> Role | None:
    """One role, or None."""
    return await conn.maybe(SQL.roles, Role, id=role_id)


async def role_named(conn: Connection, *, name: str) -> UUID:
    """The id of a role. Refusal: `UnknownRole`."""
    found: UUID | None = await conn.value(SQL.role_by_name, name=name.strip())
    if found is None:
        raise UnknownRole(role=name)
    return found


async def held_by(conn: Connection, holder: Holder) -> list[Held]:
    """What a holder holds: roles, then single rights."""
    return await conn.many(SQL.holdings, Held, staff_id=holder.staff_id, token_id=holder.token_id)


async def holders(conn: Connection, *, role_id: UUID, at: datetime) -> list[HeldBy]:
    """Who holds a role, by name."""
    return await conn.many(SQL.holders, HeldBy, role_id=role_id, at=at)


async def grants_of(conn: Connection, holder: Holder) -> list[Grant]:
    """Everything that a holder may do, roles spread out."""
    return await conn.many(SQL.grants, Grant, staff_id=holder.staff_id, token_id=holder.token_id)


# -- changing


async def put_role(
    tx: Transaction,
    *,
    name: str,
    grants: Sequence[Grant],
    by: Principal,
    at: datetime,
    description: str = "",
    role_id: UUID | None = None,
    seen_at: datetime | None = None,
    reason: str | None = None,
) -> UUID:
    """Make a role, or change the one with this id; its id. `seen_at`: the `changed_at` that the form showed.

    Refusals, in this order: `Invalid`, `UnknownRole`, `RoleChanged`, `BeyondOwn` (for grants that are new),
    `RoleNameTaken`, `LastOwner`.
    """
    wanted = _checked(grants)
    _check_text(name, description)
    old = await _locked_role(tx, role_id, seen_at) if role_id else None
    had = set(old.grants) if old else set[Grant]()
    _check_own(by, [grant for grant in wanted if grant not in had])
    new_id = role_id or uuid7()
    with refusing({"roles_name_unique": lambda: RoleNameTaken(name=name)}):
        statement = SQL.set_role if old else SQL.add_role
        await tx.execute(statement, id=new_id, name=name.strip(), description=description, ready=None, at=at)
    await _replace_grants(tx, new_id, wanted)
    if Grant(ALL) in had - set(wanted) and by.kind != "system":
        await check_owner(tx)
    await audit.record(
        tx,
        actor=str(by),
        subject=f"kernel.role:{new_id}",
        old=_told(old.name, old.description, old.grants) if old else None,
        new=_told(name.strip(), description, wanted),
        at=at,
        reason=reason,
    )
    return new_id


async def remove_role(
    tx: Transaction, *, role_id: UUID, by: Principal, at: datetime, reason: str | None = None
) -> None:
    """Take a role away that nobody holds. Refusals: `UnknownRole`, `RoleHeld`."""
    old = await _locked_role(tx, role_id, None)
    with refusing({"holdings_role_id_fkey": lambda: RoleHeld(role_id=role_id)}):
        await tx.execute(SQL.remove_role, id=role_id)
    told = _told(old.name, old.description, old.grants)
    await audit.record(tx, actor=str(by), subject=f"kernel.role:{role_id}", old=told, new=None, at=at, reason=reason)


async def give_role(
    tx: Transaction,
    *,
    holder: Holder,
    role_id: UUID,
    by: Principal,
    at: datetime,
    where: Area = EVERYWHERE,
    reason: str | None = None,
) -> None:
    """Give a role, in an area. Nothing happens if it is held there. Refusals: `UnknownRole`, `BeyondOwn`,
    `UnknownHolder`."""
    found = await role(tx, role_id=role_id)
    if found is None:
        raise UnknownRole(role=str(role_id))
    _check_own(by, [narrowed for grant in found.grants if (narrowed := _narrowed(grant, where)) is not None])
    await _hold(tx, holder, where, by, at, reason, role_id=role_id, told={"role": found.name})


async def give_right(
    tx: Transaction, *, holder: Holder, grant: Grant, by: Principal, at: datetime, reason: str | None = None
) -> None:
    """Give a single right, where and up to what the grant says; another limit in the same place replaces the one held.

    Refusals: `Invalid`, `BeyondOwn`, `UnknownHolder`.
    """
    [wanted] = _checked([grant])
    _check_own(by, [wanted])
    where = Area(wanted.shop_id, wanted.location_id, wanted.party_id)
    await _hold(
        tx,
        holder,
        where,
        by,
        at,
        reason,
        right_name=wanted.right,
        limit_minor=wanted.limit_minor,
        currency=wanted.currency,
        told={"right": wanted.right},
    )


async def take(tx: Transaction, *, holding_id: UUID, by: Principal, at: datetime, reason: str | None = None) -> None:
    """Take a role or right from whoever holds it. Refusals: `UnknownHolding`, `LastOwner`."""
    old = await tx.maybe(SQL.holding, Held, id=holding_id)
    if old is None:
        raise UnknownHolding(id=holding_id)
    await tx.execute(SQL.unhold, id=holding_id)
    if by.kind != "system" and await _gave_all(tx, old):
        await check_owner(tx)
    await audit.record(
        tx, actor=str(by), subject=old.holder.subject, old=_told_held(old), new=None, at=at, reason=reason
    )


async def set_rights(
    tx: Transaction, *, holder: Holder, rights: Iterable[str], by: Principal, at: datetime, reason: str | None = None
) -> None:
    """Let these be a holder's single rights, everywhere; roles stay. Refusals: as `give_right`, `take`."""
    wanted = _checked([Grant(right) for right in rights])
    kept: set[Grant] = set()
    for held in await held_by(tx, holder):
        if held.right_name is None:
            continue
        grant = Grant(held.right_name, held.shop_id, held.location_id, held.party_id, held.limit_minor, held.currency)
        if grant in wanted:
            kept.add(grant)
        else:
            await take(tx, holding_id=held.id, by=by, at=at, reason=reason)
    for grant in wanted:
        if grant not in kept:
            await give_right(tx, holder=holder, grant=grant, by=by, at=at, reason=reason)


async def check_owner(conn: Connection) -> None:
    """Refusal: `LastOwner` if nobody who can sign in may do everything; to be asked after a change that takes away."""
    if await conn.value(SQL.an_owner) is None:
        raise LastOwner()


async def put_ready(tx: Transaction, ready: Iterable[ReadyRole], *, by: Principal, at: datetime) -> list[str]:
    """Put in the roles that Lotse ships, and bring those that nobody has edited up to date; the names that changed.

    One that was taken away or edited stays as people want it: it is put in once per installation.
    """
    known = {found.ready: found for found in await roles(tx) if found.ready}
    names = {found.name for found in await roles(tx)}
    changed: list[str] = []
    for shipped in ready:
        had = known.get(shipped.ready)
        subject = f"kernel.role_shipped:{shipped.ready}"
        wanted = _checked(shipped.grants)
        told = _told(shipped.name, shipped.description, wanted)
        if had is None:
            if shipped.name in names or await audit.history(tx, subject=subject, limit=1):
                continue
            id = uuid7()
            await tx.execute(
                SQL.add_role, id=id, name=shipped.name, description=shipped.description, ready=shipped.ready, at=at
            )
            await audit.record(tx, actor=str(by), subject=subject, old=None, new={"role": id}, at=at)
        elif _told(had.name, had.description, had.grants) != told:
            id = had.id
            await tx.execute(
                SQL.set_role, id=id, name=shipped.name, description=shipped.description, ready=shipped.ready, at=at
            )
        else:
            continue
        await _replace_grants(tx, id, wanted)
        old = _told(had.name, had.description, had.grants) if had else None
        await audit.record(tx, actor=str(by), subject=f"kernel.role:{id}", old=old, new=told, at=at)
        changed.append(shipped.name)
    return changed


def trusted(actor: str) -> Principal:
    """Somebody of this name who may give anything: the command line, and what makes an installation's first account."""
    kind, _, id = actor.partition(":")
    return Principal(cast("Kind", kind), id, grants=(Grant(ALL),))


# -- parts


def _checked(grants: Iterable[Grant]) -> list[Grant]:
    """Grants in one order, each once, every right and limit well formed. Refusal: `Invalid`."""
    found: dict[Area, dict[str, Grant]] = {}
    count = 0
    for i, grant in enumerate(grants):
        right = checked_right(grant.right, f"grants[{i}].right")
        if (grant.limit_minor is None) != (grant.currency is None):
            raise Invalid(field=f"grants[{i}].limit_minor", rule="an amount with its currency, or neither")
        if grant.limit_minor is not None:
            if not 0 <= grant.limit_minor < 2**63:
                raise Invalid(field=f"grants[{i}].limit_minor", rule="an amount in minor units")
            minor_digits(grant.currency or "")
        where = Area(grant.shop_id, grant.location_id, grant.party_id)
        if right in found.setdefault(where, {}):
            raise Invalid(field=f"grants[{i}].right", rule=f"each right once per place, not {right} twice")
        found[where][right] = structs.replace(grant, right=right)
        count += 1
    if count > MAX_RIGHTS:
        raise Invalid(field="grants", rule=f"at most {MAX_RIGHTS}")
    return sorted((grant for rights in found.values() for grant in rights.values()), key=str)


def _check_text(name: str, description: str) -> None:
    if not 1 <= len(name.strip()) <= 100 or "\0" in name:
        raise Invalid(field="name", rule="1 to 100 characters")
    if len(description) > 1000 or "\0" in description:
        raise Invalid(field="description", rule="at most 1000 characters")


def _check_own(by: Principal, grants: Iterable[Grant]) -> None:
    for grant in grants:
        if not any(own.includes(grant) for own in by.grants):
            raise BeyondOwn(right=grant.right)


def _narrowed(grant: Grant, where: Area) -> Grant | None:
    """What a role's grant is worth in an area; None if the two have nothing in common."""
    pairs = [
        (grant.shop_id, where.shop_id),
        (grant.location_id, where.location_id),
        (grant.party_id, where.party_id),
    ]
    if any(own and asked and own != asked for own, asked in pairs):
        return None
    shop_id, location_id, party_id = (own or asked for own, asked in pairs)
    return structs.replace(grant, shop_id=shop_id, location_id=location_id, party_id=party_id)


async def _locked_role(tx: Transaction, role_id: UUID, seen_at: datetime | None) -> Role:
    changed_at: datetime | None = await tx.value(SQL.lock_role, id=role_id)
    found = await role(tx, role_id=role_id) if changed_at else None
    if found is None:
        raise UnknownRole(role=str(role_id))
    if seen_at is not None and seen_at != changed_at:
        raise RoleChanged(role_id=role_id, changed_at=found.changed_at)
    return found


async def _replace_grants(tx: Transaction, role_id: UUID, grants: Sequence[Grant]) -> None:
    await tx.execute(SQL.remove_role_grants, id=role_id)
    await tx.execute(
        SQL.add_role_grants,
        id=role_id,
        rights=[grant.right for grant in grants],
        shops=[grant.shop_id for grant in grants],
        locations=[grant.location_id for grant in grants],
        parties=[grant.party_id for grant in grants],
        limits=[grant.limit_minor for grant in grants],
        currencies=[grant.currency for grant in grants],
    )


async def _hold(
    tx: Transaction,
    holder: Holder,
    where: Area,
    by: Principal,
    at: datetime,
    reason: str | None,
    *,
    told: dict[str, Any],
    role_id: UUID | None = None,
    right_name: str | None = None,
    limit_minor: int | None = None,
    currency: str | None = None,
) -> None:
    id = holder.staff_id or holder.token_id
    if id is None:
        raise Invalid(field="holder", rule="an account or a token")
    unknown = {
        "holdings_staff_id_fkey": lambda: UnknownHolder(id=id),
        "holdings_token_id_fkey": lambda: UnknownHolder(id=id),
    }
    with refusing(unknown):
        given = await tx.value(
            SQL.hold,
            id=uuid7(),
            staff_id=holder.staff_id,
            token_id=holder.token_id,
            role_id=role_id,
            right_name=right_name,
            shop_id=where.shop_id,
            location_id=where.location_id,
            party_id=where.party_id,
            limit_minor=limit_minor,
            currency=currency,
            at=at,
        )
    if given is None:
        return
    new = told | _told_area(where) | ({} if limit_minor is None else {"limit_minor": limit_minor, "currency": currency})
    await audit.record(tx, actor=str(by), subject=holder.subject, old=None, new=new, at=at, reason=reason)


async def _gave_all(tx: Transaction, held: Held) -> bool:
    if held.staff_id is None:
        return False
    if held.role_id is None:
        return held.right_name == ALL
    found = await role(tx, role_id=held.role_id)
    return found is not None and any(grant.right == ALL for grant in found.grants)


def _told(name: str, description: str, grants: Sequence[Grant]) -> dict[str, Any]:
    return {"name": name, "description": description, "grants": to_builtins(list(grants))}


def _told_area(where: Area) -> dict[str, Any]:
    return {name: id for name, id in structs.asdict(where).items() if id is not None}


def _told_held(held: Held) -> dict[str, Any]:
    told: dict[str, Any] = {"right": held.right_name} if held.right_name else {"role": held.role_name}
    told |= _told_area(Area(held.shop_id, held.location_id, held.party_id))
    return told if held.limit_minor is None else told | {"limit_minor": held.limit_minor, "currency": held.currency}
