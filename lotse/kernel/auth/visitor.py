"""Whose browser it is: where a sign-in comes from, whether its browser is known, and what people call it."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from uuid import UUID

from msgspec import Struct

from lotse.kernel.db import Connection, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "signin")

DEVICE_COOKIE = "lotse_device"
# As long as browsers keep a cookie that is not renewed by use would be 400 days; who was away for half a year is asked
# as anybody else.
DEVICE_KEPT = timedelta(days=180)
# Longer than any browser's own name for itself; the rest was made by a program.
_MOST_AGENT = 400


class Visitor(Struct, frozen=True):
    """Who stands at the door. `device`: the token of the browser's device cookie, if it has one."""

    address: str = ""
    agent: str = ""
    device: str | None = None


class Device(Struct, frozen=True):
    """A browser that an account has just signed in with. `token` goes into its cookie."""

    id: UUID
    token: str
    is_new: bool


class _Kept(Struct, frozen=True):
    id: UUID
    made: bool


def guesser(address: str) -> str:
    """Who counts as one guesser: a household has one address of IPv4, but a network of 64 bits of IPv6, from which it
    may draw a new address for every attempt. What is no address counts as it stands."""
    return _network(address, 32, 64)


def neighbourhood(address: str) -> str:
    """What counts as one place: the network of a provider's region. A single address changes with every train ride,
    and who is told of each stops reading."""
    return _network(address, 16, 32)


def _network(address: str, v4: int, v6: int) -> str:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(IPv6Network((parsed, v6), strict=False))
        parsed = parsed.ipv4_mapped
    return str(parsed) if v4 == 32 else str(IPv4Network((parsed, v4), strict=False))


async def known_device(conn: Connection, visitor: Visitor, login: str, *, at: datetime) -> UUID | None:
    """The browser's id if this account has signed in with it lately."""
    if not visitor.device:
        return None
    return await conn.value(SQL.device, token_hash=_hash(visitor.device), login=login, since=at - DEVICE_KEPT)


async def note(tx: Transaction, visitor: Visitor, staff_id: UUID, *, at: datetime) -> tuple[Device, bool]:
    """Remember browser and network of a sign-in; the browser, and whether either should be told to the account.

    A token that nobody has signed in with is not taken over: somebody may have planted it. One of a colleague is, for
    there are browsers that several people use.
    """
    had_devices: bool = await tx.value(SQL.has_devices, staff_id=staff_id)
    token = visitor.device or ""
    if not token or not await tx.value(SQL.is_device, token_hash=_hash(token)):
        token = secrets.token_urlsafe(32)
    kept = await tx.one(
        SQL.keep_device,
        _Kept,
        id=uuid7(),
        token_hash=_hash(token),
        staff_id=staff_id,
        agent=visitor.agent[:_MOST_AGENT],
        address=visitor.address,
        at=at,
    )
    is_elsewhere: bool = await tx.value(
        SQL.keep_network, staff_id=staff_id, network=neighbourhood(visitor.address), at=at
    )
    return Device(kept.id, token, kept.made), had_devices and (kept.made or is_elsewhere)


def called(agent: str) -> tuple[str, str]:
    """Browser and system as people call them: ("Firefox 140", "Windows"); empty where the text does not say."""
    # Its tables of expressions are large: read by the few pages that list sessions.
    from ua_parser import parse

    found = parse(agent)
    browser, system = found.user_agent, found.os
    name = f"{browser.family} {browser.major or ''}".strip() if browser else ""
    return name.replace("Mobile Safari", "Safari"), system.family if system else ""


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
