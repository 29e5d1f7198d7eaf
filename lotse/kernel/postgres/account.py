"""The system user that the embedded server runs as when Lotse itself is root, which PostgreSQL refuses to be."""

import logging
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from typing import TypedDict

from lotse.kernel.postgres.errors import NoAccount

_log = logging.getLogger("lotse.postgres")

# Nothing of our own environment reaches the server: a PGPORT or PGDATA of the caller would change what it does.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}


class Switch(TypedDict, total=False):
    """Arguments of `subprocess.run` that make a process another user's."""

    env: dict[str, str]
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """A user that is not us."""

    name: str
    uid: int
    gid: int

    def switch(self) -> Switch:
        """For `subprocess`: become this user, with no group but its own."""
        return {"env": ENVIRONMENT, "user": self.uid, "group": self.gid, "extra_groups": []}


def switch(account: Account | None) -> Switch:
    """Arguments of `subprocess.run` for a process of the server: as `account`, or as ourselves."""
    return account.switch() if account else {"env": ENVIRONMENT}


def account_for(name: str, home_uid: int) -> Account | None:
    """Who the server runs as: None (ourselves) for an ordinary user.

    For root: the owner of the home if that is an ordinary user, so that root can look after that user's shop; in a
    home of its own the user `name`, which is created if need be. Raises `NoAccount`.
    """
    if os.geteuid() != 0:
        return None
    if home_uid:
        found = _by_uid(home_uid)
        if found is None:
            raise NoAccount(f"LOTSE_HOME belongs to user id {home_uid}, which this machine does not know; use chown")
        return found
    account = _by_name(name)
    if account is None:
        _create(name)
        account = _by_name(name)
    if account is None:
        raise NoAccount(f"there is no user {name} and it could not be created; set LOTSE_POSTGRES_USER to another one")
    if account.uid == 0:
        raise NoAccount(f"LOTSE_POSTGRES_USER is {name}, which is root; PostgreSQL refuses to run as root")
    return account


def own_name() -> str:
    """Our own user's name. Raises `NoAccount` where the user id has no name: PostgreSQL needs one."""
    found = _by_uid(os.geteuid())
    if found is None:
        raise NoAccount(
            f"user id {os.geteuid()} has no name on this machine, and PostgreSQL needs one; "
            "add it to /etc/passwd or set LOTSE_DATABASE_URL"
        )
    return found.name


def _by_name(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _by_uid(uid: int) -> Account | None:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _create(name: str) -> None:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        raise NoAccount(
            f"PostgreSQL does not run as root, there is no user {name} and no useradd to create it; "
            "create one and name it in LOTSE_POSTGRES_USER"
        )
    done = subprocess.run(
        [
            useradd,
            "--system",
            "--user-group",
            "--no-create-home",
            *("--home-dir", "/nonexistent"),
            *("--shell", "/usr/sbin/nologin"),
            *("--comment", "Embedded PostgreSQL of Lotse"),
            name,
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    # Two processes may try at once; only that it exists afterwards counts.
    if done.returncode != 0 and _by_name(name) is None:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NoAccount(
            f"PostgreSQL does not run as root, and creating the user {name} failed ({reason}); "
            "create one and name it in LOTSE_POSTGRES_USER"
        )
    _log.info("created the system user %s for the embedded PostgreSQL", name)
