"""Accounts of OpenID providers, and who they are here: linked by issuer and subject, never by a mail address.

An address is given away, given back and given to others, and many providers let people write whatever they like. So a
link is made by somebody who is signed in, or by the first sign-in where the provider's settings say that it creates
accounts; then one whose log-in exists already is refused and has to be linked by its owner.
"""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from lotse.kernel.auth import notices, roles, signin, staff
from lotse.kernel.auth.oidc import Proof
from lotse.kernel.auth.principal import SYSTEM
from lotse.kernel.auth.sealing import Sealer
from lotse.kernel.auth.signin import Account, HalfWay, SignedIn
from lotse.kernel.auth.visitor import Visitor
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.refusals import Refusal, refusing
from lotse.kernel.settings import Settings
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "signin")

SIGN_OUT = "sign-out"


class IdentityUnknown(Refusal, status=403, title="Nobody here is linked to this account"):
    """Sign in with your password and link it on the page of your account, or ask whoever manages the accounts."""

    label: str


class IdentityTaken(Refusal, status=409, title="This account signs somebody else in"):
    """It has to be unlinked there first."""

    label: str


class LoginExists(Refusal, status=409, title="There is an account of this name already"):
    """If it is yours, sign in with its password and link the provider on the page of your account."""

    login: str


class NoRole(Refusal, status=403, title="The provider gives you no role here"):
    """Nothing that it says about you stands for one of our roles."""

    label: str


class AccountOff(Refusal, status=403, title="This account is switched off"):
    """Whoever manages the accounts can switch it on."""

    label: str


class OnlyWayIn(Refusal, status=409, title="This is the only way you can sign in"):
    """Set a password first, or link another provider."""


class Identity(Struct, frozen=True):
    """An account of a provider that signs somebody in."""

    issuer: str
    subject: str
    provider: str
    label: str
    linked_at: datetime
    used_at: datetime


class _Whose(Struct, frozen=True):
    staff_id: UUID
    login: str
    name: str
    active: bool


class SigningOut(Struct, frozen=True):
    """What is kept, sealed, to sign out at the provider as well."""

    end_session: str
    client_id: str
    id_token: str


async def sign_in(
    database: Database, settings: Settings, sealer: Sealer, *, proof: Proof, visitor: Visitor, at: datetime
) -> SignedIn | HalfWay:
    """Let in whom a provider vouched for.

    Refusals: `IdentityUnknown` or, if it creates accounts, `NoRole`, `LoginExists`; `AccountOff`; `NoRole`.
    """
    async with database.transaction() as tx:
        whose = await tx.maybe(SQL.identity, _Whose, issuer=proof.provider.issuer, subject=proof.subject)
        staff_id = whose.staff_id if whose else await _created(tx, proof, at)
        account = await tx.one(SQL.locked, Account, id=staff_id)
        if not account.active:
            raise AccountOff(label=proof.label)
        await _roles(tx, account, proof, at)
        await tx.execute(
            SQL.use_identity,
            issuer=proof.provider.issuer,
            subject=proof.subject,
            label=proof.label,
            provider=proof.provider.name,
            at=at,
        )
        return await signin.admit(
            tx,
            settings,
            account=account,
            visitor=visitor,
            method=f"oidc:{proof.provider.name}",
            at=at,
            goes_to=proof.goes_to,
            sign_out=_sealed(sealer, proof),
            second_factor=proof.provider.second_factor == "ours",
        )


async def link(
    database: Database, *, proof: Proof, staff_id: UUID, session_id: UUID, visitor: Visitor, at: datetime
) -> None:
    """Link the account of a provider to one's own. Refusal: `IdentityTaken`; one's own link stays as it is."""
    async with database.transaction() as tx:
        await tx.one(SQL.locked, Account, id=staff_id)
        whose = await tx.maybe(SQL.identity, _Whose, issuer=proof.provider.issuer, subject=proof.subject)
        if whose and whose.staff_id == staff_id:
            return
        await _link(tx, proof, staff_id, at)
        await notices.tell(tx, "identity-linked", staff_id=staff_id, at=at, visitor=visitor, session_id=session_id)


async def unlink(
    tx: Transaction, *, issuer: str, subject: str, staff_id: UUID, session_id: UUID, visitor: Visitor, at: datetime
) -> None:
    """Take a link away; one that is gone already stays so. Refusal: `OnlyWayIn`."""
    account = await tx.one(SQL.locked, Account, id=staff_id)
    if not await tx.execute(SQL.remove_identity, issuer=issuer, subject=subject, staff_id=staff_id):
        return
    if account.password is None and not await of_account(tx, staff_id=staff_id):
        raise OnlyWayIn()
    await notices.tell(tx, "identity-unlinked", staff_id=staff_id, at=at, visitor=visitor, session_id=session_id)


async def of_account(conn: Connection, *, staff_id: UUID) -> list[Identity]:
    """The accounts of providers that sign somebody in."""
    return await conn.many(SQL.identities_of, Identity, staff_id=staff_id)


async def signing_out(conn: Connection, sealer: Sealer, *, token_hash: bytes) -> SigningOut | None:
    """How to sign out at the provider that vouched for a session, if one did."""
    sealed: bytes | None = await conn.value(SQL.sign_out_of, token_hash=token_hash)
    return msgspec.json.decode(sealer.open(SIGN_OUT, "", sealed), type=SigningOut) if sealed else None


async def _created(tx: Transaction, proof: Proof, at: datetime) -> UUID:
    """An account for whom nobody has linked."""
    if not proof.provider.creates:
        raise IdentityUnknown(label=proof.label)
    if not proof.roles():
        raise NoRole(label=proof.label)
    address = proof.claims.get("email") if proof.claims.get("email_verified") is True else None
    login = str(address or f"{proof.provider.name}:{proof.subject}").strip().lower()[:200]
    name = str(proof.claims.get("name") or proof.label).strip()[:200]
    try:
        async with tx.raw.transaction():
            staff_id = await staff.add(tx, login=login, name=name, password_hash=None, actor=str(SYSTEM), at=at)
    except staff.LoginTaken:
        raise LoginExists(login=login) from None
    await _link(tx, proof, staff_id, at)
    return staff_id


async def _link(tx: Transaction, proof: Proof, staff_id: UUID, at: datetime) -> None:
    with refusing({"identities_pkey": lambda: IdentityTaken(label=proof.label)}):
        await tx.execute(
            SQL.add_identity,
            issuer=proof.provider.issuer,
            subject=proof.subject,
            staff_id=staff_id,
            provider=proof.provider.name,
            label=proof.label,
            at=at,
        )


async def _roles(tx: Transaction, account: Account, proof: Proof, at: datetime) -> None:
    """Give and take the roles that the provider's claim is the master of; others stay. Refusal: `NoRole`."""
    if not proof.provider.roles:
        return
    wanted = set(proof.roles())
    holder = roles.Holder(staff_id=account.id)
    held = {one.role_name: one for one in await roles.held_by(tx, holder) if one.role_name and one.shop_id is None}
    reason = f"{proof.provider.roles_claim} of {proof.provider.title}"
    for name in sorted(wanted - set(held)):
        role_id = await roles.role_named(tx, name=name)
        await roles.give_role(tx, holder=holder, role_id=role_id, by=SYSTEM, at=at, reason=reason)
    for name in sorted((set(held) & set(proof.provider.roles.values())) - wanted):
        await roles.take(tx, holding_id=held[name].id, by=SYSTEM, at=at, reason=reason)
    if not wanted and not await roles.held_by(tx, holder):
        raise NoRole(label=proof.label)


def _sealed(sealer: Sealer, proof: Proof) -> bytes | None:
    if proof.end_session is None:
        return None
    kept = SigningOut(proof.end_session, proof.provider.client_id, proof.id_token)
    return sealer.seal(SIGN_OUT, "", msgspec.json.encode(kept))
