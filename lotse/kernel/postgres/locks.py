"""File locks (`flock`): the kernel drops them when a process dies, however it dies."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path


class FileLock:
    """A lock on an open file. Forked children share it; programs that are executed do not, unless given the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def try_shared(self) -> bool:
        """Take it together with others, if nobody has it exclusively."""
        try:
            fcntl.flock(self.fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def shared(self) -> None:
        """Wait until nobody has it exclusively."""
        fcntl.flock(self.fd, fcntl.LOCK_SH)

    def exclusive(self) -> None:
        """Wait until nobody else has it."""
        fcntl.flock(self.fd, fcntl.LOCK_EX)

    def try_exclusive(self) -> bool:
        """Take it if nobody else has it. A shared lock that was held before is lost if this fails."""
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Give it back."""
        os.close(self.fd)


@contextmanager
def locked(path: Path) -> Generator[FileLock]:
    """An open, not yet taken lock for the life of the block."""
    lock = FileLock(path)
    try:
        yield lock
    finally:
        lock.close()


def holders(path: Path) -> list[str]:
    """Who else holds a lock on the file, as `command line (pid 12)`. Empty where the system does not say."""
    found: list[str] = []
    try:
        inode = path.stat().st_ino
        table = Path("/proc/locks").read_text()
    except OSError:
        return found
    for line in table.splitlines():
        # `1: FLOCK  ADVISORY  READ 1234 fe:00:5678 0 EOF`
        words = line.split()
        if "FLOCK" not in words[:3] or "->" in words or not words[5].endswith(f":{inode}"):
            continue
        pid = int(words[4])
        if pid != os.getpid():
            found.append(f"{_command(pid)} (pid {pid})")
    return sorted(set(found))


def _command(pid: int) -> str:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        text = " ".join(b" ".join(words).decode(errors="replace").split())  # one line
        return text[:80] or "a process"
    return "a process"
