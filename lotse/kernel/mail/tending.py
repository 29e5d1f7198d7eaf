"""What mail does by the clock: read reports about what did not arrive, and forget."""

from datetime import datetime, timedelta

import structlog

from lotse.kernel.db import Database
from lotse.kernel.jobs import Job
from lotse.kernel.mail import bounces, folder, post
from lotse.kernel.settings import Settings

# Short transactions: what is sent meanwhile does not wait.
BATCH = 1_000

_log = structlog.get_logger("lotse.mail")


async def read_reports(database: Database, *, at: datetime) -> int:
    """Read the mailbox that reports come to; one that is away is read next time."""
    try:
        return await bounces.read(database, Settings.load(), at=at)
    except bounces.MailboxAway as error:
        _log.warning("reports about mails cannot be read", error=str(error))
        return 0


async def forget(database: Database, *, at: datetime) -> int:
    """Forget addresses and copies when their time is over; how many mails."""
    settings = Settings.load()
    before = at - timedelta(days=settings.mail_kept_days)
    total = 0
    while True:
        async with database.transaction() as tx:
            gone = await post.forget(tx, before=before, limit=BATCH)
        total += gone
        if gone < BATCH:
            break
    folder.sweep(settings.home / "mail", before)
    return total


jobs = (
    Job("kernel.read_mail_reports", read_reports, timetable="*/5 * * * *", at_once=1, rights=()),
    Job("kernel.forget_mails", forget, timetable="35 2 * * *", rights=()),
)
