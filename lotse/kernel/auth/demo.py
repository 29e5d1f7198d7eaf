"""The staff account of the demo: drawn per installation, kept in LOTSE_HOME for its owner, shown at each start."""

import os
import secrets
from pathlib import Path

import msgspec
from msgspec import Struct

from lotse.kernel.auth import staff
from lotse.kernel.auth.principal import ALL, SYSTEM
from lotse.kernel.clock import now
from lotse.kernel.db import Database
from lotse.kernel.settings import Settings

LOGIN = "demo"


class DemoStaff(Struct, frozen=True):
    """Log-in and password in the clear: of the demo, and only on the machine that drew them."""

    login: str
    password: str


def demo_staff(settings: Settings) -> DemoStaff | None:
    """The account that this installation's demo drew, or None if it has none."""
    path = _path(settings)
    try:
        return msgspec.json.decode(path.read_bytes(), type=DemoStaff)
    except FileNotFoundError:
        return None


async def make_demo_staff(settings: Settings, database: Database) -> DemoStaff:
    """Make the account, or give it a new password, and remember it."""
    made = DemoStaff(LOGIN, secrets.token_urlsafe(12))
    hashed = staff.hashed(made.password)
    async with database.transaction() as tx:
        try:
            async with tx.raw.transaction():
                await staff.add(
                    tx, login=LOGIN, name="Demo", password_hash=hashed, scopes=[ALL], actor=str(SYSTEM), at=now()
                )
        except staff.LoginTaken:
            await staff.reset(tx, login=LOGIN, password_hash=hashed, actor=str(SYSTEM), at=now())
    path = _path(settings)
    path.unlink(missing_ok=True)
    # Created with its mode: there is no moment in which others could read it.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.encode(made))
    return made


def _path(settings: Settings) -> Path:
    return settings.home / "demo-staff.json"
