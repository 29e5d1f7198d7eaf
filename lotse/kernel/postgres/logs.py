"""What PostgreSQL's programs and the server said, down to the one line that says why."""

import os
from pathlib import Path

# Enough for the last hundreds of lines; a log of a week may be long.
_TAIL_BYTES = 64 * 1024
# From the worst to the mildest; the last line with the worst mark is the reason.
_MARKS = ("PANIC:", "FATAL:", "ERROR:", "error:", "could not")


class ServerLog:
    """The log files of one server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sizes: dict[Path, int] = {}

    def mark(self) -> None:
        """From now on only what is said later counts: an old complaint is not the reason of a new failure."""
        self._sizes = {path: path.lstat().st_size for path in self._files()}

    def reason(self) -> str:
        """What the server complained about last."""
        return reason([line for path in self._files() for line in tail(path, self._sizes.get(path, 0))])

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.log"), key=lambda path: path.lstat().st_mtime)


def reason(lines: list[str]) -> str:
    """The line that says why; the last one if none does."""
    for mark in _MARKS:
        for line in reversed(lines):
            if mark in line:
                return line[line.index(mark) :].strip()
    return lines[-1].strip() if lines else "it gave no reason"


def tail(path: Path, begin: int = 0) -> list[str]:
    """The last lines of a file in a folder of the server's user, from byte `begin`; none if it is absent or a link."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return []
    with os.fdopen(fd, "rb") as file:
        file.seek(max(begin, os.fstat(fd).st_size - _TAIL_BYTES))
        return file.read().decode(errors="replace").splitlines()
