"""The folder of what lives only as long as processes do: their Unix sockets and their metrics. Private to this user."""

import hashlib
import os
import stat
from pathlib import Path

from lotse.kernel.settings import Settings

# The path of a Unix socket may have 107 bytes on Linux, 103 elsewhere; our longest name below the folder is 12.
_FOLDER_BYTES = 103 - 12


class RuntimeFolderTaken(Exception):
    """Somebody else made the folder; one line that says which."""


def folder(settings: Settings) -> Path:
    """`LOTSE_HOME/run`, or a private folder with a short name where LOTSE_HOME lies too deep for a socket's path."""
    own = settings.home / "run"
    if len(os.fsencode(own)) > _FOLDER_BYTES:
        digest = hashlib.sha256(os.fsencode(settings.home)).hexdigest()[:12]
        own = Path(f"/tmp/lotse-run-{os.getuid()}-{digest}")  # noqa: S108 - owner and mode are checked below
    own.parent.mkdir(parents=True, exist_ok=True)
    own.mkdir(mode=0o700, exist_ok=True)
    found = own.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise RuntimeFolderTaken(f"{own} is not a private folder of ours; remove it")
    return own


def desk_socket(settings: Settings) -> Path:
    """Where this host's desk listens."""
    return folder(settings) / "desk.sock"


def pages_socket(settings: Settings) -> Path:
    """Where this host's pages role listens, unless `LOTSE_PAGES_LISTEN` gives it an address."""
    return folder(settings) / "pages.sock"


def metrics_folder(settings: Settings) -> Path:
    """Where the processes of this host keep their counters (prometheus_client's multiprocess mode)."""
    made = folder(settings) / "metrics"
    made.mkdir(mode=0o700, exist_ok=True)
    return made
