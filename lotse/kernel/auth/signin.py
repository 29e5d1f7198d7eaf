"""Signing in, step by step: a password or a provider's word, the second factor where there is one, then a session.

The order of checks is the contract: attempts are counted before anything is looked at, for unknown log-ins as for known
ones, and the time taken does not tell them apart. Each attempt counts in a transaction of its own, whatever comes next.

*Lock-out.* Wrong passwords count per account and network, and more loosely per account from everywhere. A browser that
the account has signed in with before (it holds a cookie) is counted by itself: who guesses elsewhere does not lock it
out, also not from the same office. So the right password is refused only in a browser that is not known yet, and only
while somebody is guessing from the same network, or from dozens of them (OWASP: "device cookies").
"""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

from lotse.kernel import audit
from lotse.kernel.auth import attempts, notices, passwords, roles, sessions, totp, visitor
from lotse.kernel.auth.sealing import Sealer
from lotse.kernel.auth.visitor import Visitor
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.refusals import Refusal
from lotse.kernel.settings import Settings
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "signin")
AUTH = statements("lotse.kernel", "auth")

# Five mistakes, then one more try every two minutes, for one account from one network.
HERE = attempts.Limit("account-here", burst=5, interval=timedelta(minutes=2))
# The same account from everywhere: NIST SP 800-63B-4, section 3.2.2, allows 100 in a row; this sustains 720 a day.
ACCOUNT = attempts.Limit("account", burst=30, interval=timedelta(minutes=2))
# An account in a browser that it has signed in with before.
DEVICE = attempts.Limit("device", burst=5, interval=timedelta(minutes=1))
# One network against all accounts: an office behind one address may have several people who mistype.
ADDRESS = attempts.Limit("address", burst=20, interval=timedelta(seconds=20))
# Time to find the phone; then the password is asked for again.
HALF_KEPT = timedelta(minutes=10)
# Wrong codes until the password is asked for again, and the account told.
MISTAKES = 5


class WrongCredentials(Refusal, status=401, title="Log-in or password is wrong"):
    """Which of the two is not said."""


class WrongPassword(Refusal, status=401, title="This is not your password"):
    """The one that you sign in with."""

    field: str


class SignInExpired(Refusal, status=401, title="This sign-in took too long"):
    """Please give your password once more."""


class SignedIn(Struct, frozen=True):
    """A session has begun: tokens for the two cookies, and the page to go to."""

    token: str
    device: str
    goes_to: str


class HalfWay(Struct, frozen=True):
    """The password was right. `needs`: a code, or a second factor to be set up first. `token` is for a cookie."""

    token: str
    needs_setup: bool


class Half(Struct, frozen=True):
    """A sign-in whose second half is yet to come."""

    staff_id: UUID
    login: str
    name: str
    method: str
    goes_to: str
    sign_out: bytes | None
    mistakes: int


class Account(Struct, frozen=True):
    """An account with its hash, for as long as it takes to compare."""

    id: UUID
    login: str
    name: str
    password: str | None
    active: bool


async def with_password(
    database: Database,
    settings: Settings,
    *,
    login: str,
    password: str,
    visitor: Visitor,
    at: datetime,
    goes_to: str = "",
) -> SignedIn | HalfWay:
    """The first step. Refusals, in this order: `TooManyAttempts`, `WrongCredentials`."""
    login = login.strip().lower()[:200]
    counted = await _count(database, login, visitor, at)
    async with database.reading() as conn:
        account = await conn.maybe(SQL.account, Account, login=login)
    is_right = await passwords.matches(account.password if account else None, password)
    if account is None or account.password is None or not is_right or not account.active:
        raise WrongCredentials()
    renewed = await passwords.renewed(account.password, password)
    async with database.transaction() as tx:
        if not await tx.value(SQL.still_so, id=account.id, password=account.password):
            raise WrongCredentials()
        # In the order in which they are counted: two who sign in at once must not wait for each other.
        for limit, who in counted.shared:
            await attempts.give_back(tx, limit, who)
        await attempts.forget(tx, *counted.own)
        if renewed:
            await tx.execute(AUTH.set_password, id=account.id, password=renewed, at=at)
        return await admit(
            tx, settings, account=account, visitor=visitor, method="password", at=at, goes_to=goes_to, sign_out=None
        )


async def admit(
    tx: Transaction,
    settings: Settings,
    *,
    account: Account,
    visitor: Visitor,
    method: str,
    at: datetime,
    goes_to: str,
    sign_out: bytes | None,
    second_factor: bool = True,
) -> SignedIn | HalfWay:
    """Whoever it is has proven the first step; the account's row is locked. A session, or what is still needed.

    `second_factor`: False where the provider that vouched for them has seen to it.
    """
    factor = await totp.state(tx, staff_id=account.id)
    if second_factor and (factor.is_on or await is_required(tx, settings, staff_id=account.id)):
        token = secrets.token_urlsafe(32)
        await tx.execute(
            SQL.add_half,
            token_hash=_hash(token),
            staff_id=account.id,
            method=method,
            goes_to=goes_to[:2_000],
            sign_out=sign_out,
            expires_at=at + HALF_KEPT,
        )
        return HalfWay(token, needs_setup=not factor.is_on)
    return await _begun(tx, account.id, visitor, method, goes_to, sign_out, at)


async def half_of(conn: Connection, token: str | None, *, at: datetime) -> Half:
    """The sign-in behind a half-way cookie. Refusal: `SignInExpired`."""
    found = await conn.maybe(SQL.half, Half, token_hash=_hash(token), at=at, most=MISTAKES) if token else None
    if found is None:
        raise SignInExpired()
    return found


async def with_code(
    database: Database, sealer: Sealer, *, token: str | None, code: str, visitor: Visitor, at: datetime
) -> SignedIn:
    """The second step. Refusals, in this order: `SignInExpired`, `TooManyAttempts`, `NoSecondFactor`, `CodeSpent`,
    `WrongCode`."""
    half, who = await _try(database, token, visitor, at)
    async with database.transaction() as tx:
        await _still(tx, half)
        used = await totp.check(tx, sealer, staff_id=half.staff_id, code=code, at=at)
        await attempts.forget(tx, totp.LIMIT, who)
        await tx.execute(SQL.end_half, token_hash=_hash(token or ""))
        signed_in = await _begun(tx, half.staff_id, visitor, f"{half.method}+{used}", half.goes_to, half.sign_out, at)
        if used == "recovery":
            await notices.tell(tx, "recovery-used", staff_id=half.staff_id, at=at, visitor=visitor)
        return signed_in


async def proposal(
    database: Database, sealer: Sealer, *, token: str | None, issuer: str, at: datetime
) -> totp.Proposal:
    """The secret to set up half-way, where the account needs a second factor and has none. Refusal: `SignInExpired`."""
    async with database.transaction() as tx:
        half = await half_of(tx, token, at=at)
        if (await totp.state(tx, staff_id=half.staff_id)).is_on:
            raise SignInExpired()  # set up in another tab: that one goes on
        return await totp.propose(tx, sealer, staff_id=half.staff_id, login=half.login, issuer=issuer)


async def with_setup(
    database: Database, sealer: Sealer, *, token: str | None, code: str, visitor: Visitor, at: datetime
) -> tuple[SignedIn, list[str]]:
    """The second step of who just set the second factor up, with its recovery codes.

    Refusals, in this order: `SignInExpired`, `TooManyAttempts`, `NoSecondFactor`, `WrongCode`."""
    half, who = await _try(database, token, visitor, at)
    async with database.transaction() as tx:
        await _still(tx, half)
        if (await totp.state(tx, staff_id=half.staff_id)).is_on:
            raise SignInExpired()
        codes = await totp.confirm(
            tx,
            sealer,
            staff_id=half.staff_id,
            code=code,
            actor=f"staff:{half.staff_id}",
            visitor=visitor,
            session_id=None,
            at=at,
        )
        await attempts.forget(tx, totp.LIMIT, who)
        await tx.execute(SQL.end_half, token_hash=_hash(token or ""))
        signed_in = await _begun(tx, half.staff_id, visitor, f"{half.method}+code", half.goes_to, half.sign_out, at)
        return signed_in, codes


async def is_required(conn: Connection, settings: Settings, *, staff_id: UUID) -> bool:
    """Whether an account needs a second factor: by the settings, or by one of its roles."""
    return settings.second_factor == "required" or bool(await conn.value(SQL.asked_by_role, staff_id=staff_id))


async def ask_by_role(
    tx: Transaction, *, role_id: UUID, asks: bool, actor: str, at: datetime, reason: str | None = None
) -> None:
    """Let a role ask for a second factor, or no longer; it counts from the next sign-in on. Refusal: `UnknownRole`."""
    old: bool | None = await tx.value(SQL.role_asks, id=role_id)
    if old is None:
        raise roles.UnknownRole(role=str(role_id))
    if old != asks:
        await tx.execute(SQL.set_role_asks, id=role_id, asks=asks)
        subject = f"kernel.role:{role_id}"
        told = {"second_factor": old}, {"second_factor": asks}
        await audit.record(tx, actor=actor, subject=subject, old=told[0], new=told[1], at=at, reason=reason)


async def asking_roles(conn: Connection) -> set[UUID]:
    """The roles that ask for a second factor."""
    return set(await conn.values(SQL.asking_roles))


async def has_password(conn: Connection, *, staff_id: UUID) -> bool:
    """Whether an account can sign in with a password, or through a provider alone."""
    return (await conn.one(SQL.account_by_id, Account, id=staff_id)).password is not None


async def prove(
    database: Database, *, staff_id: UUID, password: str, visitor: Visitor, at: datetime, field: str = "password"
) -> Account:
    """A signed-in person proves once more who they are, before something that could lock them out.

    Refusals, in this order: `TooManyAttempts`, `WrongPassword`.
    """
    async with database.transaction() as tx:
        await attempts.count(tx, DEVICE, f"proof:{staff_id}", at=at)
    async with database.reading() as conn:
        account = await conn.one(SQL.account_by_id, Account, id=staff_id)
    if not await passwords.matches(account.password, password) or not account.active:
        raise WrongPassword(field=field)
    async with database.transaction() as tx:
        await attempts.forget(tx, DEVICE, f"proof:{staff_id}")
    return account


async def prove_code(database: Database, sealer: Sealer, *, staff_id: UUID, code: str, at: datetime) -> None:
    """The same, with a code of the second factor. Refusals: `TooManyAttempts`, then those of `totp.check`."""
    who = f"proof:{staff_id}"
    async with database.transaction() as tx:
        await attempts.count(tx, totp.LIMIT, who, at=at)
    async with database.transaction() as tx:
        await totp.check(tx, sealer, staff_id=staff_id, code=code, at=at)
        await attempts.forget(tx, totp.LIMIT, who)


async def change_password(
    database: Database,
    settings: Settings,
    *,
    staff_id: UUID,
    old: str,
    new: str,
    session_id: UUID,
    visitor: Visitor,
    at: datetime,
) -> None:
    """One's own password; all other sessions of the account end, and its other browsers have to become known again.

    Refusals, in this order: `TooManyAttempts`, `WrongPassword`, `Invalid` (its length), `PasswordCommon`.
    """
    account = await prove(database, staff_id=staff_id, password=old, visitor=visitor, at=at, field="old_password")
    made = await passwords.new_hash(
        new, known=(account.login, account.name), least=passwords.least(settings), field="new_password"
    )
    actor = f"staff:{staff_id}"
    async with database.transaction() as tx:
        if not await tx.value(SQL.still_so, id=staff_id, password=account.password):
            raise WrongPassword(field="old_password")
        await tx.execute(AUTH.set_password, id=staff_id, password=made, at=at)
        await sessions.revoke_others(tx, staff_id=staff_id, but=session_id)
        await tx.execute(SQL.end_halves_of, staff_id=staff_id)
        device = await _device(tx, account.login, visitor, at)
        await tx.execute(SQL.forget_devices, staff_id=staff_id, but=device)
        await audit.record(
            tx, actor=actor, subject=f"kernel.staff:{staff_id}", old={}, new={}, at=at, reason="password changed"
        )
        await notices.tell(tx, "password-changed", staff_id=staff_id, at=at, visitor=visitor, session_id=session_id)


class _Counted(Struct, frozen=True):
    """The buckets of an attempt. The right password empties the account's `own`; those `shared` with whoever else
    guesses lose this attempt alone, so that a shift of thirty may sign in from one store at nine."""

    own: tuple[attempts.Limit, str]
    shared: tuple[tuple[attempts.Limit, str], ...] = ()


async def _count(database: Database, login: str, who: Visitor, at: datetime) -> _Counted:
    """Count an attempt. Refusal: `TooManyAttempts`."""
    network = visitor.guesser(who.address)
    async with database.transaction() as tx:
        device = await _device(tx, login, who, at)
        if device is not None:
            counted = _Counted((DEVICE, str(device)))
        else:
            counted = _Counted((HERE, f"{network}:{login}"), ((ADDRESS, network), (ACCOUNT, login)))
        for limit, whose in (*counted.shared, counted.own):
            await attempts.count(tx, limit, whose, at=at)
        return counted


async def _device(tx: Transaction, login: str, who: Visitor, at: datetime) -> UUID | None:
    return await visitor.known_device(tx, who, login, at=at)


async def _try(database: Database, token: str | None, visitor: Visitor, at: datetime) -> tuple[Half, str]:
    """Count a code before it is looked at; the sign-in, and whose bucket it filled."""
    async with database.transaction() as tx:
        half = await half_of(tx, token, at=at)
        device = await _device(tx, half.login, visitor, at)
        who = f"{half.staff_id}:{device}" if device else str(half.staff_id)
        await attempts.count(tx, totp.LIMIT, who, at=at)
        mistakes = await tx.value(SQL.try_half, token_hash=_hash(token or ""), at=at, most=MISTAKES)
        if mistakes is None:
            raise SignInExpired()
        if mistakes == MISTAKES:
            # Told now, while the last try may still be right: who gave four wrong codes was somebody.
            await _lock(tx, half.staff_id)
            await notices.tell(tx, "codes-refused", staff_id=half.staff_id, at=at, visitor=visitor)
        return half, who


async def _still(tx: Transaction, half: Half) -> None:
    account = await _lock(tx, half.staff_id)
    if not account.active:
        raise SignInExpired()


async def _lock(tx: Transaction, staff_id: UUID) -> Account:
    return await tx.one(SQL.locked, Account, id=staff_id)


async def _begun(
    tx: Transaction, staff_id: UUID, who: Visitor, method: str, goes_to: str, sign_out: bytes | None, at: datetime
) -> SignedIn:
    device, is_news = await visitor.note(tx, who, staff_id, at=at)
    session_id = uuid7()
    token = await sessions.begin(
        tx,
        id=session_id,
        staff_id=staff_id,
        method=method,
        device_id=device.id,
        address=who.address,
        agent=who.agent,
        sign_out=sign_out,
        at=at,
    )
    if is_news:
        kind: notices.Kind = "new-device" if device.is_new else "new-place"
        await notices.tell(tx, kind, staff_id=staff_id, at=at, visitor=who, session_id=session_id)
    return SignedIn(token, device.token, goes_to)


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
