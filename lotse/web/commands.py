"""What the commands of `lotse` do that need the database: open it, do one thing, say what was done."""

import asyncio
import getpass
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from lotse.kernel import audit, clock, logs, migrate, seams
from lotse.kernel.auth import passwords, staff, tokens, totp
from lotse.kernel.auth.demo import make_demo_staff
from lotse.kernel.auth.principal import ALL, SYSTEM
from lotse.kernel.auth.roles import Holder
from lotse.kernel.db import Connection, Database, opened
from lotse.kernel.desk.desk import running
from lotse.kernel.postgres import attached
from lotse.kernel.settings import Settings
from lotse.web import staffing
from lotse.web.staffing import Given

T = TypeVar("T")


class CommandFailed(Exception):
    """One line that says why."""


def load_demo(settings: Settings, *, seed: int) -> None:
    """`lotse demo`"""

    load = _filled(seams.retailers, "demo", "demo retailer")

    async def work(database: Database) -> None:
        unfinished = demo_unfinished(settings)
        unfinished.touch(mode=0o600)
        async with running(database.dsn) as desk:
            await load(database, desk, seed=seed, at=clock.now(), progress=_progress(sys.stdout))
        made = await make_demo_staff(settings, database)
        unfinished.unlink()
        print(f"  staff account {made.login}, password {made.password}", flush=True)

    _run(settings, "demo", work)


def demo_unfinished(settings: Settings) -> Path:
    """There while the demo is being loaded: one that was interrupted is gone on with at the next `lotse up`."""
    return settings.home / "demo-unfinished"


def check(settings: Settings, *, deep: bool = False, as_json: bool) -> int:
    """`lotse check`"""
    return _run(settings, "check", lambda database: _checked(settings, database, deep, as_json))


async def _checked(settings: Settings, database: Database, deep: bool, as_json: bool) -> int:
    from lotse.kernel import check as checks
    from lotse.kernel.media import tending
    from lotse.kernel.media.library import Library

    differences = await checks.run(database)
    differences += await tending.differences(database, Library(settings), deep=deep)
    if as_json:
        print(
            msgspec.json.encode({"check": "ok" if not differences else "differs", "differences": differences}).decode()
        )
    else:
        for difference in differences:
            print(f"{difference.check}: {difference.subject}: expected {difference.expected}, found {difference.found}")
        print("everything agrees" if not differences else f"{len(differences)} differences")
    return 1 if differences else 0


def replay(settings: Settings, name: str, folder: Path, *, as_json: bool) -> int:
    """`lotse replay`"""
    if not folder.is_dir():
        raise CommandFailed(f"there is no folder {folder}")
    run = _filled(seams.replays, name, "replay")

    async def work(database: Database) -> int:
        async with running(database.dsn) as desk:
            report = await run(database, desk, folder, progress=_progress(sys.stderr))
        if as_json:
            print(msgspec.json.encode(report).decode(), flush=True)
        else:
            for field, value in msgspec.to_builtins(report).items():
                print(f"{field.replace('_', ' '):20} {value}")
        return 0 if getattr(report, "check", "ok") == "ok" and not getattr(report, "difference_minor", 0) else 1

    return _run(settings, "replay", work)


def import_folder(settings: Settings, name: str, folder: Path, *, as_json: bool) -> int:
    """`lotse import NAME DIR`"""
    if not folder.is_dir():
        raise CommandFailed(f"there is no folder {folder}")
    bring = _filled(seams.folders, name, "collection")

    async def work(database: Database) -> int:
        async with running(database.dsn) as desk:
            say = _progress(sys.stderr)
            report = await bring(database, desk, folder, home=settings.home, at=clock.now(), progress=say)
        if as_json:
            print(msgspec.json.encode(report).decode(), flush=True)
        else:
            for field, value in msgspec.to_builtins(report).items():
                print(f"{field.replace('_', ' '):20} {value}")
        return 1 if report.failed else 0

    return _run(settings, "import", work)


def import_files(
    settings: Settings,
    paths: Sequence[Path],
    *,
    kind: str,
    options: Mapping[str, str],
    source: str,
    dry_run: bool,
) -> int:
    """`lotse import`"""
    from lotse.kernel.imports import drop, runs
    from lotse.kernel.imports.contracts import Import

    known = list(runs.importers())
    files: list[tuple[str, Path]] = []
    for path in paths:
        if not path.exists():
            raise CommandFailed(f"there is no file {path}")
        # Of a folder in the order in which kinds depend on each other; what is named one by one as it is named.
        listed = sorted(path.iterdir()) if path.is_dir() else [path]
        named = [(kind or drop.described(one.name)[0], one) for one in listed if one.suffix in (".csv", ".jsonl")]
        if path.is_dir():
            named.sort(key=lambda one: known.index(one[0]) if one[0] in known else len(known))
        elif not named:
            raise CommandFailed(f"{path} ends neither in .csv nor in .jsonl")
        files += named
    if not files:
        raise CommandFailed("there is nothing to import here")

    async def work(database: Database) -> int:
        refused = 0
        async with running(database.dsn) as desk:
            say = _progress(sys.stderr)
            for of_kind, path in files:
                at = clock.now()
                id = await runs.receive(
                    database,
                    drop.pieces(path),
                    kind=of_kind,
                    name=path.name,
                    format="jsonl" if path.suffix == ".jsonl" else "csv",
                    source=source,
                    options=options,
                    dry_run=dry_run,
                    by=str(SYSTEM),
                    at=at,
                    queue=False,
                )
                done = await runs.step(database, desk, import_id=id, at=at)
                while done.state in ("waiting", "running"):
                    say(f"{path.name}: {done.percent} %, {done.rows} rows")
                    done = await runs.step(database, desk, import_id=id, at=clock.now())
                refused += done.refused + (done.state != "done")
                await _told_import(database, done, path.name)
        return 1 if refused else 0

    async def _told_import(database: Database, done: Import, name: str) -> None:
        counts = f"{done.created} new, {done.changed} changed, {done.unchanged} as they were"
        counts += f", {done.held} held for somebody to decide" if done.held else ""
        counts += f", {done.refused} refused" if done.refused else ""
        print(f"\r{name}: {counts}{' (dry run)' if done.dry_run else ''}{'; ' + done.reason if done.reason else ''}")
        async with database.reading() as conn:
            page = await runs.refused_rows(conn, import_id=done.id, limit=20)
        for row in page.items:
            print(f"  line {row.line}: {row.field}: {row.reason}")
        if done.refused > len(page.items):
            print(
                f"  … and {done.refused - len(page.items)} more; all of them in the back office, or GET /api/v1/imports"
            )

    return _run(settings, "import", work)


def simulate(settings: Settings, name: str, *, host: str, port: int, options: Mapping[str, Any]) -> None:
    """`lotse simulate`, by itself or as a child of `lotse up`, which passes the socket on."""
    import uvloop

    from lotse.web.lifeline import Lifeline
    from lotse.web.roles import LISTEN_VARIABLE
    from lotse.web.server import listen_tcp, stop_on_signals

    simulator = _filled(seams.simulators, name, "simulator")
    logs.configure(settings, f"simulate {name}")
    lifeline = Lifeline.from_environment()
    passed = os.environ.pop(LISTEN_VARIABLE, None)
    listener = socket.socket(fileno=int(passed)) if passed else listen_tcp(host, port)

    async def run() -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)
        lifeline.ready()  # who asks now waits in the socket's queue
        await simulator.run(listener, stop, settings=settings, options=options)

    uvloop.run(run())


def add_staff(settings: Settings, login: str, name: str, given: Given) -> None:
    """`lotse staff add`"""
    _check_rights(given.rights)
    password_hash = staff.hashed(_password(login), known=(login,), least=passwords.least(settings))

    async def work(database: Database) -> None:
        async with database.transaction() as tx:
            await staff.add(
                tx,
                login=login,
                name=name,
                password_hash=password_hash,
                actor=str(SYSTEM),
                at=clock.now(),
            )
            await staffing.give(tx, await _holder(tx, login), given)
        print(f"{login} may sign in now; rights: {', '.join((*given.roles, *given.rights))}")

    _run(settings, "staff", work)


def reset_staff(settings: Settings, login: str) -> None:
    """`lotse staff reset`"""
    password_hash = staff.hashed(_password(login), known=(login,), least=passwords.least(settings))

    async def work(database: Database) -> None:
        async with database.transaction() as tx:
            await staff.reset(tx, login=login, password_hash=password_hash, actor=str(SYSTEM), at=clock.now())
        print(f"{login} has a new password; all sessions of the account have ended")

    _run(settings, "staff", work)


def reset_second_factor(settings: Settings, login: str, reason: str) -> None:
    """`lotse staff reset-second-factor`"""

    async def work(database: Database) -> None:
        async with database.transaction() as tx:
            found = await staff.by_login(tx, login=login)
            await totp.reset(tx, staff_id=found.id, actor=str(SYSTEM), reason=reason, at=clock.now())
        print(f"{login} has no second factor any more; all sessions of the account have ended")

    _run(settings, "staff", work)


def change_staff(settings: Settings, login: str, scopes: list[str] | None, active: bool | None) -> None:
    """`lotse staff change`"""
    if scopes is None and active is None:
        raise CommandFailed("nothing to change: give --scope, --active or --inactive")
    _check_rights(scopes or [])

    async def work(database: Database) -> None:
        async with database.transaction() as tx:
            changed = await staff.change(
                tx, login=login, scopes=scopes, active=active, actor=str(SYSTEM), at=clock.now()
            )
        print(f"{changed.login}: {'active' if changed.active else 'switched off'}; rights: {', '.join(changed.holds)}")

    _run(settings, "staff", work)


def list_staff(settings: Settings) -> None:
    """`lotse staff list`"""

    async def work(database: Database) -> None:
        async with database.reading() as conn:
            for account in await staff.everybody(conn):
                state = "" if account.active else "  switched off"
                print(f"{account.login:30} {account.name:30} {', '.join(account.holds)}{state}")

    _run(settings, "staff", work)


def show_staff(settings: Settings, login: str) -> None:
    """`lotse staff show`"""

    async def work(database: Database) -> None:
        async with database.reading() as conn:
            print("\n".join(await staffing.holdings(conn, await _holder(conn, login))) or "nothing")

    _run(settings, "staff", work)


def give_staff(settings: Settings, login: str, given: Given) -> None:
    """`lotse staff give`"""
    _check_rights(given.rights)

    async def work(database: Database) -> None:
        async with database.transaction() as tx:
            holder = await _holder(tx, login)
            await staffing.give(tx, holder, given)
            print("\n".join(await staffing.holdings(tx, holder)))

    _run(settings, "staff", work)


async def _holder(conn: Connection, login: str) -> Holder:
    """The account of a log-in. Refusal: `UnknownStaff`."""
    for account in await staff.everybody(conn):
        if account.login == login.strip().lower():
            return Holder(staff_id=account.id)
    raise staff.UnknownStaff(login=login)


def list_roles(settings: Settings) -> None:
    """`lotse roles list`"""

    async def work(database: Database) -> None:
        async with database.reading() as conn:
            print("\n".join(await staffing.all_roles(conn)))

    _run(settings, "roles", work)


def put_role(settings: Settings, name: str, description: str, wanted: list[str], reason: str) -> None:
    """`lotse roles put`"""
    _check_rights(wanted)
    _run(settings, "roles", lambda database: staffing.put_role(database, name, description, wanted, reason))
    print(f"{name} gives: {', '.join(wanted)}")


def remove_role(settings: Settings, name: str, reason: str) -> None:
    """`lotse roles remove`"""
    _run(settings, "roles", lambda database: staffing.remove_role(database, name, reason))
    print(f"{name} is gone")


def take(settings: Settings, holding_id: UUID, reason: str) -> None:
    """`lotse roles take`"""
    _run(settings, "roles", lambda database: staffing.take(database, holding_id, reason))
    print("taken; it counts at once, for tokens within seconds")


def show_token(settings: Settings, id: UUID) -> None:
    """`lotse token show`"""

    async def work(database: Database) -> None:
        async with database.reading() as conn:
            print("\n".join(await staffing.holdings(conn, Holder(token_id=id))) or "nothing")

    _run(settings, "token", work)


def give_token(settings: Settings, id: UUID, given: Given) -> None:
    """`lotse token give`"""
    _check_rights(given.rights)

    async def work(database: Database) -> None:
        async with database.transaction() as tx:
            await staffing.give(tx, Holder(token_id=id), given)
            print("\n".join(await staffing.holdings(tx, Holder(token_id=id))))

    _run(settings, "token", work)


def new_token(settings: Settings, name: str, given: Given, days: int) -> None:
    """`lotse token new`"""
    _check_rights(given.rights)

    async def work(database: Database) -> None:
        async with database.transaction() as tx:
            made = await tokens.make(tx, name=name, days=days, actor=str(SYSTEM), at=clock.now())
            await staffing.give(tx, Holder(token_id=made.id), given)
        print(f"{made.id} is valid for {days} days. It is shown only now:", file=sys.stderr)
        print(made.secret)  # alone on the output, so that a script can take it

    _run(settings, "token", work)


def list_tokens(settings: Settings) -> None:
    """`lotse token list`"""

    async def work(database: Database) -> None:
        async with database.reading() as conn:
            for token in await tokens.all_tokens(conn):
                ended = (
                    f"revoked {token.revoked_at:%Y-%m-%d}" if token.revoked_at else f"until {token.expires_at:%Y-%m-%d}"
                )
                print(f"{token.id}  {ended:20} {token.name:30} {', '.join(token.holds)}")

    _run(settings, "token", work)


def revoke_token(settings: Settings, id: UUID) -> None:
    """`lotse token revoke`"""

    async def work(database: Database) -> None:
        async with database.transaction() as tx:
            await tokens.revoke(tx, id=id, actor=str(SYSTEM), at=clock.now())
        print("revoked; it stops working within seconds")

    _run(settings, "token", work)


def _run(settings: Settings, command: str, work: Callable[[Database], Awaitable[T]]) -> T:
    """The work of one command on an up-to-date database."""
    import uvloop

    logs.configure(settings, command)
    audit.origin.set(audit.Origin("cli", f"lotse {command}", session=_caller()))
    with attached(settings) as dsn:
        migrate.upgrade(dsn)
        return uvloop.run(_with_database(dsn, command, work))


async def _with_database(dsn: str, command: str, work: Callable[[Database], Awaitable[T]]) -> T:
    async with opened(dsn, role=f"lotse {command}") as database:
        await staffing.install(database)  # here, because whoever is given a role is given it by a command first
        return await work(database)


def _caller() -> str:
    """Who runs the command line on this machine; a container may have no name for its user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _filled(seam: seams.Seam[Any], name: str, what: str) -> Any:
    if name not in seam:
        raise CommandFailed(f"there is no {what} named {name}; there are: {', '.join(seam) or 'none'}")
    return seam[name]


def _check_rights(named: Iterable[str]) -> None:
    """A right that no route asks for is a typing error, and would be found out only by a 403."""
    from lotse.web.app import rights

    known = rights()
    for right in staffing.unknown_rights(named, known):
        raise CommandFailed(f"there is no right {right}; there are: {ALL}, {', '.join(known)}")


def _password(login: str) -> str:
    """From the terminal, twice; or the first line of the input. Never from the command line, which others can see."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass(f"Password for {login}: ")
    if getpass.getpass("Once more: ") != first:
        raise CommandFailed("the two are not the same")
    return first


def _progress(out: Any) -> Callable[..., None]:
    """One line that is written over on a terminal, and a line per step elsewhere."""

    def say(*parts: object) -> None:
        text = " ".join(map(str, parts))
        if out.isatty():
            out.write(f"\r\033[K  {text}")
        else:
            out.write(f"  {text}\n")
        out.flush()

    return say
