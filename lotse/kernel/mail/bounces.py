"""Reports about mails that did not arrive (delivery status notifications, RFC 3464), read where they arrive.

A mid-size retailer sends through its provider's server and has a mailbox there: reports come to the address that mails
are sent from. It is read over IMAP, or from a Maildir where an own server delivers. Which mail a report is about
says the `Message-ID` (or our own header) of the message that it returns.
"""

import asyncio
import contextlib
import imaplib
import mailbox
import ssl
from collections.abc import Callable, Iterable
from datetime import datetime
from email import message_from_bytes, policy
from email.message import Message
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import unquote, urlsplit
from uuid import UUID

import structlog
from msgspec import Struct

from lotse.kernel.db import Database
from lotse.kernel.mail.message import mail_of
from lotse.kernel.settings import Settings
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "mail")

# Read at once; a mailbox that filled up over a holiday is worked off by and by.
BATCH = 200
# A report returns the message; ours are small, and what is larger is none.
MOST_BYTES = 2 * 1024 * 1024
IMAP_SECONDS = 30
# Where understood reports go in the mailbox, so that people find what is left.
DONE_FOLDER = "Lotse"

_log = structlog.get_logger("lotse.mail")


class Report(Struct, frozen=True):
    """What a report says of one mail."""

    mail_id: UUID
    action: Literal["failed", "delayed"]
    said: str


class MailboxAway(Exception):
    """The mailbox could not be read."""


def reported(raw: bytes) -> Report | None:
    """What a message reports; None if it is no report about a mail of ours."""
    message: Message = message_from_bytes(raw, policy=policy.default)
    if message.get_content_type() != "multipart/report":
        return None
    mail_id = _about(message)
    if mail_id is None:
        return None
    for part in message.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        # Blocks of fields: of the message first, then of each recipient.
        blocks: list[Any] = [block for block in cast("Any", part.get_payload()) if isinstance(block, Message)]
        for block in blocks:
            action = str(block.get("Action", "")).strip().lower()
            if action in ("failed", "delayed"):
                said = str(block.get("Diagnostic-Code") or block.get("Status") or action)
                status = str(block.get("Status", "")).strip()
                text = " ".join(said.split())
                return Report(
                    mail_id,
                    "failed" if action == "failed" else "delayed",
                    (f"{status} " if status and status not in text else "") + text[:1500],
                )
    return None


def _about(message: Message) -> UUID | None:
    """The mail of ours that is returned whole or as its headers."""
    for part in message.walk():
        returned = _returned(part)
        if returned is None:
            continue
        own = str(returned.get("X-Lotse-Mail", "")).strip()
        if len(own) == 32:
            with contextlib.suppress(ValueError):
                return UUID(own)
        if found := mail_of(str(returned.get("Message-ID", ""))):
            return found
    return None


def _returned(part: Message) -> Message | None:
    """The message that a part of a report returns."""
    match part.get_content_type():
        case "message/rfc822":
            inside: Any = part.get_payload()
            return next(iter(cast("list[Message]", inside)), None) if part.is_multipart() else None
        case "text/rfc822-headers":
            text: Any = part.get_payload(decode=True)
            return message_from_bytes(text or b"", policy=policy.compat32)
        case _:
            return None


async def take(database: Database, reports: Iterable[Report], *, at: datetime) -> int:
    """Note reports at their mails; how many changed something."""
    changed = 0
    async with database.transaction() as tx:
        for report in sorted(reports, key=lambda one: one.mail_id):
            error = report.said[:2000].replace("\0", "")
            if report.action == "failed":
                changed += await tx.execute(SQL.bounce, id=report.mail_id, error=error, at=at)
            else:
                changed += await tx.execute(SQL.delayed, id=report.mail_id, error=error)
    return changed


async def read(database: Database, settings: Settings, *, at: datetime) -> int:
    """Read the mailbox that settings name; how many mails are known to have bounced now. Raises `MailboxAway`."""
    place = settings.mail_bounces
    if place is None:
        return 0
    if place.startswith("maildir:"):
        found, done = await asyncio.to_thread(_from_maildir, Path(place.removeprefix("maildir:")))
    else:
        found, done = await asyncio.to_thread(_from_imap, place)
    changed = await take(database, found, at=at)
    # Only now: who dies before this reads them again, which changes nothing.
    await asyncio.to_thread(done)
    if found:
        _log.info("reports about mails", reports=len(found), changed=changed)
    return changed


def _from_maildir(path: Path) -> tuple[list[Report], Callable[[], None]]:
    """Reports among the unseen messages of a Maildir."""
    try:
        box = mailbox.Maildir(str(path), create=False)
        fresh = [key for key, one in box.iteritems() if "S" not in one.get_flags()][:BATCH]
    except (OSError, mailbox.Error) as error:
        raise MailboxAway(f"{path}: {error}") from error
    found: dict[str, Report] = {}
    for key in fresh:
        raw = box.get_bytes(key)
        report = reported(raw) if len(raw) <= MOST_BYTES else None
        if report is not None:
            found[key] = report

    def done() -> None:
        for key in found:
            with contextlib.suppress(KeyError):
                one = box[key]
                one.set_subdir("cur")
                one.add_flag("S")
                box[key] = one

    return list(found.values()), done


def _from_imap(url: str) -> tuple[list[Report], Callable[[], None]]:
    """Reports among the unseen messages of an IMAP mailbox; done ones are moved to `DONE_FOLDER`."""
    try:
        box = _opened(url)
        _, listed = box.uid("search", "UNSEEN")  # pyright: ignore[reportUnknownMemberType]
        uids = [uid.decode() for uid in (listed[0] or b"").split()][:BATCH]
        found: dict[str, Report] = {}
        for uid in uids:
            _, answer = box.uid("fetch", uid, f"(BODY.PEEK[]<0.{MOST_BYTES}>)")  # pyright: ignore[reportUnknownMemberType]
            raw = next((part[1] for part in answer if part and not isinstance(part, bytes)), b"")
            report = reported(raw)
            if report is not None:
                found[uid] = report
    except (imaplib.IMAP4.error, OSError) as error:
        raise MailboxAway(f"{urlsplit(url).hostname}: {error}") from error

    def done() -> None:
        try:
            if found:
                box.create(DONE_FOLDER)  # says no if it is there, which is as well
                for uid in found:
                    box.uid("copy", uid, DONE_FOLDER)  # pyright: ignore[reportUnknownMemberType]
                    box.uid("store", uid, "+FLAGS", r"(\Seen \Deleted)")  # pyright: ignore[reportUnknownMemberType]
                box.expunge()
            box.logout()
        except (imaplib.IMAP4.error, OSError) as error:
            _log.warning("reports stay in the mailbox", error=str(error))

    return list(found.values()), done


def _opened(url: str) -> imaplib.IMAP4:
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    if parts.scheme == "imaps":
        box: imaplib.IMAP4 = imaplib.IMAP4_SSL(
            host, parts.port or 993, ssl_context=ssl.create_default_context(), timeout=IMAP_SECONDS
        )
    else:
        box = imaplib.IMAP4(host, parts.port or 143, timeout=IMAP_SECONDS)
        if "STARTTLS" in box.capabilities:
            box.starttls(ssl.create_default_context())
    box.login(unquote(parts.username or ""), unquote(parts.password or ""))
    status, _ = box.select(parts.path.lstrip("/") or "INBOX")
    if status != "OK":
        raise imaplib.IMAP4.error(f"no mailbox {parts.path}")
    return box
