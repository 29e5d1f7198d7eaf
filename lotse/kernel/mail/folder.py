"""Mails as files: `LOTSE_HOME/mail/<month>/<id>.eml`, where no mail server is set. Every mail program opens them."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID


class Folder:
    """A line into a folder. A file is there whole or not at all, so it is always known what was sent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path_of(self, mail_id: UUID) -> Path:
        """Where a mail lies; the month is that of its id."""
        made = datetime.fromtimestamp((mail_id.int >> 80) / 1000, UTC)
        return self._folder / f"{made:%Y-%m}" / f"{mail_id}.eml"

    async def offer(self, mail_id: UUID, sender: str, recipient: str) -> None:
        """Everything is taken."""

    async def hand(self, mail_id: UUID, message: bytes) -> None:
        await asyncio.to_thread(_put, self.path_of(mail_id), message)

    async def taken(self, mail_id: UUID) -> bool | None:
        return await asyncio.to_thread(self.path_of(mail_id).exists)


def _put(path: Path, message: bytes) -> None:
    # Whoever runs Lotse may read what it writes to customers, nobody else.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as file:
        file.write(message)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def sweep(folder: Path, before: datetime) -> int:
    """Take away mails of the months that ended before a moment; how many."""
    gone = 0
    for month in sorted(folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]")) if folder.is_dir() else ():
        for path in month.glob("*.eml"):
            if path.stat().st_mtime < before.timestamp():
                path.unlink(missing_ok=True)
                gone += 1
        if not any(month.iterdir()):
            month.rmdir()
    return gone
