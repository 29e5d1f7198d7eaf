"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for the day it is lost.

Set-up in two steps: `propose` draws a secret and `confirm` takes the first code made with it, so nobody is locked out
by an app that never got it. A code counts once, within one step of 30 seconds before and after. The secret is sealed.
"""

import base64
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import segno
from msgspec import Struct
from pyotp import random_base32
from pyotp.totp import TOTP

from lotse.kernel import audit
from lotse.kernel.auth import attempts, notices
from lotse.kernel.auth.sealing import Sealer
from lotse.kernel.auth.visitor import Visitor
from lotse.kernel.db import Connection, Transaction
from lotse.kernel.refusals import Invalid, Refusal
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "signin")

PURPOSE = "second factor"
STEP_SECONDS = 30
# Phones' clocks are off by some seconds, and people type slowly: one step to either side (RFC 6238, section 5.2).
_STEPS_ASIDE = 1
CODES = 10
# 80 random bits each: more than anybody tries, also who holds the table.
_CODE_BYTES = 10
# Five mistakes, then one try every five minutes: 288 a day, each with 3 chances in a million. A browser that is known
# has a count of its own, so that who learnt the password cannot keep its owner out.
LIMIT = attempts.Limit("second-factor", burst=5, interval=timedelta(minutes=5))

Used = Literal["code", "recovery"]


class WrongCode(Refusal, status=401, title="This code is wrong"):
    """Codes change every 30 seconds; the phone's clock must be right."""


class CodeSpent(Refusal, status=401, title="This code was used already"):
    """Wait for the next one: each counts once."""


class NoSecondFactor(Refusal, status=409, title="There is no second factor"):
    """It was never set up, or was taken away."""


class SecondFactorRequired(Refusal, status=409, title="This account needs a second factor"):
    """Its roles, or the settings, ask for one: it can be set up anew, but not switched off."""


class SecondFactor(Struct, frozen=True):
    """What is known about an account's second factor. `codes_left`: recovery codes not yet used."""

    confirmed_at: datetime | None
    codes_left: int

    @property
    def is_on(self) -> bool:
        return self.confirmed_at is not None


class Proposal(Struct, frozen=True):
    """A secret on its way into an app, at the only time it is shown: as text to type, and as a QR code."""

    secret: str
    address: str

    def spaced(self) -> str:
        """The secret in groups of four, as people type it."""
        return " ".join(self.secret[at : at + 4] for at in range(0, len(self.secret), 4))

    def picture(self) -> str:
        """The QR code as SVG, black on white with its quiet zone: scanners want it so in the dark as well."""
        code = segno.make(self.address, error="m", micro=False)
        return code.svg_inline(
            scale=4, border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
        )


class _Kept(Struct, frozen=True):
    sealed: bytes | None
    confirmed_at: datetime | None
    proposed: bytes | None
    last_step: int


async def state(conn: Connection, *, staff_id: UUID) -> SecondFactor:
    """Whether an account has a second factor."""
    kept = await conn.maybe(SQL.second_factor, _Kept, staff_id=staff_id)
    left: int = await conn.value(SQL.codes_left, staff_id=staff_id)
    return SecondFactor(kept.confirmed_at if kept else None, left)


async def propose(
    tx: Transaction, sealer: Sealer, *, staff_id: UUID, login: str, issuer: str, renew: bool = False
) -> Proposal:
    """The secret to put into an app. The same one again until it is confirmed, so that a reload of the page does not
    make the app's entry worthless; `renew` draws another."""
    kept = await tx.maybe(SQL.second_factor, _Kept, staff_id=staff_id)
    if kept and kept.proposed and not renew:
        secret = sealer.open(PURPOSE, str(staff_id), kept.proposed).decode()
    else:
        secret = random_base32()  # 160 bits, as RFC 4226 recommends
        await tx.execute(
            SQL.propose_factor, staff_id=staff_id, proposed=sealer.seal(PURPOSE, str(staff_id), secret.encode())
        )
    return Proposal(secret, TOTP(secret).provisioning_uri(name=login, issuer_name=issuer))


async def confirm(
    tx: Transaction,
    sealer: Sealer,
    *,
    staff_id: UUID,
    code: str,
    actor: str,
    visitor: Visitor,
    session_id: UUID | None,
    at: datetime,
) -> list[str]:
    """The app has the secret: it is the second factor from now on. Answers the recovery codes, this once.

    Refusals: `NoSecondFactor` (nothing is proposed), `WrongCode`.
    """
    kept = await tx.maybe(SQL.second_factor, _Kept, staff_id=staff_id)
    if kept is None or kept.proposed is None:
        raise NoSecondFactor()
    secret = sealer.open(PURPOSE, str(staff_id), kept.proposed).decode()
    step = _step_of(secret, code, at)
    if step is None:
        raise WrongCode()
    if not await tx.value(SQL.confirm_factor, staff_id=staff_id, proposed=kept.proposed, step=step, at=at):
        raise NoSecondFactor()  # another tab has just drawn a new one
    codes = await _new_codes(tx, sealer, staff_id)
    await _changed(tx, staff_id, actor, {"second_factor": kept.sealed is not None}, {"second_factor": True}, at, None)
    await notices.tell(tx, "factor-on", staff_id=staff_id, at=at, visitor=visitor, session_id=session_id)
    return codes


async def check(tx: Transaction, sealer: Sealer, *, staff_id: UUID, code: str, at: datetime) -> Used:
    """Take a code of the app, or a recovery code. Refusals: `NoSecondFactor`, then `WrongCode`, then `CodeSpent`."""
    kept = await tx.maybe(SQL.second_factor, _Kept, staff_id=staff_id)
    if kept is None or kept.sealed is None:
        raise NoSecondFactor()
    typed = _typed(code)
    if len(typed) == _CODE_BYTES * 8 // 5:
        mark = sealer.mark("recovery code", str(staff_id), typed)
        if await tx.value(SQL.use_code, staff_id=staff_id, code_hash=mark, at=at):
            return "recovery"
        raise WrongCode()
    step = _step_of(sealer.open(PURPOSE, str(staff_id), kept.sealed).decode(), code, at)
    if step is None:
        raise WrongCode()
    if not await tx.value(SQL.spend_step, staff_id=staff_id, step=step):
        raise CodeSpent()
    return "code"


async def renew_codes(
    tx: Transaction, sealer: Sealer, *, staff_id: UUID, actor: str, visitor: Visitor, session_id: UUID, at: datetime
) -> list[str]:
    """New recovery codes in place of all old ones. Refusal: `NoSecondFactor`."""
    if not (await state(tx, staff_id=staff_id)).is_on:
        raise NoSecondFactor()
    codes = await _new_codes(tx, sealer, staff_id)
    await _changed(tx, staff_id, actor, {}, {"recovery_codes": "renewed"}, at, None)
    await notices.tell(tx, "codes-renewed", staff_id=staff_id, at=at, visitor=visitor, session_id=session_id)
    return codes


async def switch_off(
    tx: Transaction, *, staff_id: UUID, actor: str, visitor: Visitor, session_id: UUID, at: datetime
) -> None:
    """Its owner does without. Whoever calls has taken a code and knows that none is required."""
    await _removed(tx, staff_id, actor, at, None)
    await notices.tell(tx, "factor-off", staff_id=staff_id, at=at, visitor=visitor, session_id=session_id)


async def reset(tx: Transaction, *, staff_id: UUID, actor: str, reason: str, at: datetime) -> None:
    """Take the second factor from somebody who lost it; all sessions of the account end, and its browsers have to
    become known again. Refusals: `Invalid` (no reason), `NoSecondFactor`."""
    if not 3 <= len(reason.strip()) <= 500:
        raise Invalid(field="reason", rule="3 to 500 characters")
    if await tx.maybe(SQL.second_factor, _Kept, staff_id=staff_id) is None:
        raise NoSecondFactor()
    await _removed(tx, staff_id, actor, at, reason.strip())
    await tx.execute(SQL.end_other_sessions, staff_id=staff_id, but=None)
    await tx.execute(SQL.end_halves_of, staff_id=staff_id)
    await tx.execute(SQL.forget_devices, staff_id=staff_id, but=None)
    await notices.tell(tx, "factor-reset", staff_id=staff_id, at=at, visitor=Visitor())


def steps_around(at: datetime) -> range:
    """The time steps whose codes count at this moment."""
    now = int(at.timestamp()) // STEP_SECONDS
    return range(now - _STEPS_ASIDE, now + _STEPS_ASIDE + 1)


def _step_of(secret: str, code: str, at: datetime) -> int | None:
    """The step that a code belongs to. All are compared, in the same time."""
    totp = TOTP(secret, interval=STEP_SECONDS)
    digits = "".join(code.split())
    found = None
    for step in steps_around(at):
        if hmac.compare_digest(totp.generate_otp(step).encode(), digits.encode()):
            found = step
    return found


async def _new_codes(tx: Transaction, sealer: Sealer, staff_id: UUID) -> list[str]:
    drawn = [base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode().lower() for _ in range(CODES)]
    await tx.execute(SQL.remove_codes, staff_id=staff_id)
    await tx.execute_many(
        SQL.add_code,
        [{"staff_id": staff_id, "code_hash": sealer.mark("recovery code", str(staff_id), code)} for code in drawn],
    )
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in drawn]


def _typed(code: str) -> str:
    """A recovery code as it was drawn, however it is typed; base32 has no 0, 1 and 8: they are meant as o, l and b."""
    plain = "".join(sign for sign in code.lower() if sign.isalnum())
    return plain.replace("0", "o").replace("1", "l").replace("8", "b") if not plain.isdigit() else plain


async def _removed(tx: Transaction, staff_id: UUID, actor: str, at: datetime, reason: str | None) -> None:
    await tx.execute(SQL.remove_factor, staff_id=staff_id)
    await tx.execute(SQL.remove_codes, staff_id=staff_id)
    await _changed(tx, staff_id, actor, {"second_factor": True}, {"second_factor": False}, at, reason)


async def _changed(
    tx: Transaction, staff_id: UUID, actor: str, old: object, new: object, at: datetime, reason: str | None
) -> None:
    await audit.record(tx, actor=actor, subject=f"kernel.staff:{staff_id}", old=old, new=new, at=at, reason=reason)
