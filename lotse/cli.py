"""The command `lotse`. Each command calls one function of the part that does the work; what is heavy is imported there.

Exit codes: 0 done; 1 it could not be done, with one line that says why; 2 the command line itself is wrong.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from cyclopts import App, Parameter

app = App(
    name="lotse",
    help="The open commerce platform that a retailer owns. Settings come from LOTSE_* (docs/reference/settings.md).",
    version_flags=["--version"],
)
staff = App(name="staff", help="People who sign in to the back office.")
token = App(name="token", help="API tokens: keys of programs.")
roles = App(name="roles", help="Roles: bundles of rights that accounts and tokens hold.")
app.command("lotse.kernel.postgres.commands:db", name="db", help="Look after the database: upgrade, check, backup, …")
app.command("lotse.scaffold.commands:new", name="new", help="Begin something of your own: shop, domain, plugin.")
app.command("lotse.scaffold.commands:theme", name="theme", help="Templates of yours that stand in for Lotse's.")
app.command("lotse.web.search_cli:search", name="search", help="Build the search index anew; ask it something.")
app.command("lotse.kernel.worker_cli:events", name="events", help="See how far the consumers are; retry and replay.")
app.command("lotse.kernel.worker_cli:jobs", name="jobs", help="See jobs that failed for good; put them back.")
app.command(staff)
app.command(token)
app.command(roles)

Scopes = Annotated[list[str], Parameter(name="--scope", negative=())]
Roles = Annotated[list[str], Parameter(name="--role", negative=())]


def main() -> None:
    """Run the command line; expected failures become one line and an exit code."""
    from lotse.kernel.settings_file import add_file

    try:
        add_file(os.environ, Path.cwd())
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        said = error if _is_expected(error) else _of_the_database(error)
        if said is None:
            raise
        print(f"lotse: {said}", file=sys.stderr)
        sys.exit(1)


@app.command
def up(*, port: int | None = None, host: str | None = None, demo: bool = True, live: bool | None = None) -> None:
    """Run all of Lotse on this machine: database, shop, back office, API.

    Parameters
    ----------
    port
        Listen here instead of on LOTSE_PORT (8000).
    host
        Listen on this address instead of LOTSE_HOST (127.0.0.1).
    demo
        Load the demo retailer if the database is empty.
    live
        Let simulated buyers trade beside the demo; they do unless LOTSE_LIVE is `off`.
    """
    from lotse.web.up import up

    up(_settings(port=port, host=host), demo=demo, live=live)


@app.command
def role(name: Literal["desk", "worker", "pages", "api"], /) -> None:
    """Run one role in this process, for clusters and process managers.

    Parameters
    ----------
    name
        `desk` commits, `worker` runs jobs and events, `pages` renders, `api` answers the public port.
    """
    from lotse.web.roles import run

    run(name, _settings())


@app.command
def demo(*, seed: int = 1) -> None:
    """Load the demo retailer and make its staff account.

    Parameters
    ----------
    seed
        Another number gives another assortment, always the same one.
    """
    from lotse.web.commands import load_demo

    load_demo(_settings(), seed=seed)


@app.command
def check(*, deep: bool = False, json: bool = False) -> int:
    """Rebuild every balance from its movements and compare; exit with 1 if anything differs.

    Parameters
    ----------
    deep
        Read every picture and file as well, and compare its bytes with its name.
    json
        One JSON line instead of a list.
    """
    from lotse.web.commands import check

    return check(_settings(), deep=deep, as_json=json)


@app.command
def replay(name: str, folder: Path, /, *, json: bool = False) -> int:
    """Replay somebody's real trade through the order path. An interrupted replay goes on where it stopped.

    Parameters
    ----------
    name
        Which source, e.g. `online-retail`.
    folder
        Where its files are.
    json
        End with one JSON line; progress goes to the error output.
    """
    from lotse.web.commands import replay

    return replay(_settings(), name, folder, as_json=json)


@app.command(name="import")
def import_(
    paths: Annotated[list[Path], Parameter(negative=())],
    /,
    *,
    kind: str = "",
    shop: str = "",
    language: str = "",
    source: str = "lotse",
    encoding: Literal["utf-8", "windows-1252"] = "utf-8",
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Import files of rows: shops, locations, articles, prices, stock, customers. Exit with 1 if rows were refused.

    The kind is the beginning of a file's name: `articles-2026.csv`. Of a folder all files are taken, in the order in
    which they depend on each other. The same file again changes nothing.

    `lotse import demo-large DIR` brings a folder of real articles (openfoodfacts_de, fashion_styles, bestbuy) into the
    shop. What cannot be taken of it is listed with row and reason in LOTSE_HOME/import; it exits with 1 only if a whole
    file could not be read. An interrupted run goes on where it stopped.

    Parameters
    ----------
    paths
        Files that end in .csv (with a heading) or .jsonl (a JSON object per line), or a folder of them. Or the name of
        a collection that a plugin reads, and its folder.
    kind
        What the rows are, where the name does not say it.
    shop
        The code of the shop, for rows that name none; without it the only one there is.
    language
        The language of the texts of articles, e.g. `de`.
    source
        The outside system that says this; fields that it has no say over become differences.
    encoding
        Of CSV files from older spreadsheets.
    dry_run
        Say what would be done, and do nothing. Not for collections.
    json
        Of a collection: end with one JSON line; progress goes to the error output.
    """
    from lotse.kernel.seams import folders
    from lotse.web.commands import import_files, import_folder

    if len(paths) == 2 and str(paths[0]) in folders and not paths[0].exists():
        if dry_run:
            raise _Expected(f"{paths[0]} has no dry run")
        return import_folder(_settings(), str(paths[0]), paths[1], as_json=json)

    options = {"shop": shop, "language": language, "encoding": encoding if encoding != "utf-8" else ""}
    given = {name: text for name, text in options.items() if text}
    return import_files(_settings(), paths, kind=kind, options=given, source=source, dry_run=dry_run)


@app.command
def bench(
    name: str,
    /,
    *,
    seconds: float = 10.0,
    clients: int = 64,
    desks: int = 1,
    rounds: int = 3,
    seed: int | None = None,
    orders: int = 10_000_000,
    json: bool = False,
) -> int:
    """Measure Lotse on this machine beside bare SQL that writes the same rows. Uses a database of its own.

    Parameters
    ----------
    name
        What to measure, e.g. `orders` or `hot`; an unknown name lists them all.
    seconds
        How long one round of one side takes.
    clients
        How many buyers ask at the same time.
    desks
        How many hosts, each with an api and a desk of its own, share the database.
    rounds
        How often the sides take turns; the figures are medians of the rounds.
    seed
        Repeat the fault run of this number: `faults` prints it.
    orders
        For `scale`: the most orders that are there already.
    json
        End with one JSON line; progress goes to the error output.
    """
    from lotse.bench.commands import bench
    from lotse.bench.profile import Options

    options = Options(seconds=seconds, clients=clients, desks=desks, rounds=rounds, seed=seed, orders=orders)
    return bench(_settings(), name, options, as_json=json)


@app.command
def simulate(
    name: str,
    /,
    *,
    port: int = 9100,
    host: str = "127.0.0.1",
    faults: str = "",
    seed: int = 1,
    secret: str | None = None,
    data: Path | None = None,
) -> None:
    """Run the other side of a plugin, to try it against: a payment provider that takes no money, an ERP without goods.

    Parameters
    ----------
    name
        `psp`: the simulated payment provider; LOTSE_PAY_SIMULATED_URL leads Lotse to it (docs/guides/payments.md).
        `erp`: the simulated ERP; LOTSE_ERP_SIMULATED_URL leads it to Lotse (docs/guides/erp.md).
    port
        Listen here.
    host
        Listen on this address.
    faults
        How it fails: shares of requests as `decline=0.1,lost=0.05`, seconds as `slow_seconds=3`.
    seed
        The same number decides the same in the same order.
    secret
        What both sides sign with, instead of LOTSE_PAY_SIMULATED_SECRET.
    data
        The file of its books, instead of one below LOTSE_HOME.
    """
    from lotse.web.commands import simulate

    options = {"faults": faults, "seed": seed, "secret": secret, "data": data}
    simulate(_settings(), name, host=host, port=port, options=options)


@staff.command(name="add")
def staff_add(
    login: str,
    /,
    *,
    name: str = "",
    role: Roles | None = None,
    scope: Scopes | None = None,
    shop: str = "",
    location: str = "",
    party: str = "",
) -> None:
    """Make an account. The password is asked for, or read from the first line of the input.

    Parameters
    ----------
    login
        What the person signs in with, e.g. a mail address.
    name
        What others see beside this person's changes.
    role
        A role, e.g. "Shop assistant" (`lotse roles list`); may be repeated.
    scope
        A right such as `orders.read`; may be repeated. Without role and right the account may do everything.
    shop, location
        Where the roles and rights hold, by code; everywhere without it.
    party
        For whom: the code of a legal entity or the id of a party.
    """
    from lotse.web.commands import add_staff

    given = _given(role, scope or ([] if role else ["*"]), shop, location, party)
    add_staff(_settings(), login, name or login, given)


@staff.command(name="list")
def staff_list() -> None:
    """List the accounts."""
    from lotse.web.commands import list_staff

    list_staff(_settings())


@staff.command(name="show")
def staff_show(login: str, /) -> None:
    """Show what an account holds, and where.

    Parameters
    ----------
    login
        Whose account.
    """
    from lotse.web.commands import show_staff

    show_staff(_settings(), login)


@staff.command(name="give")
def staff_give(
    login: str,
    /,
    *,
    role: Roles | None = None,
    scope: Scopes | None = None,
    shop: str = "",
    location: str = "",
    party: str = "",
    limit: str = "",
    reason: str = "",
) -> None:
    """Give an account roles or rights; it counts at once.

    Parameters
    ----------
    login
        Whose account.
    role
        A role; may be repeated.
    scope
        A right such as `orders.refund`; may be repeated.
    shop, location
        Where it holds, by code; everywhere without it.
    party
        For whom: the code of a legal entity or the id of a party.
    limit
        The most that may be decided at once, e.g. 100EUR; for rights.
    reason
        Why; it stands in the log of changes.
    """
    from lotse.web.commands import give_staff

    give_staff(_settings(), login, _given(role, scope, shop, location, party, limit, reason))


@staff.command(name="reset")
def staff_reset(login: str, /) -> None:
    """Give an account a new password and end its sessions. The password is asked for, or read from the input."""
    from lotse.web.commands import reset_staff

    reset_staff(_settings(), login)


@staff.command(name="reset-second-factor")
def staff_reset_second_factor(login: str, /, *, reason: str) -> None:
    """Take the second factor from an account that lost it, e.g. the owner's; its sessions end.

    Parameters
    ----------
    login
        Whose account.
    reason
        Why; it stands in the audit log.
    """
    from lotse.web.commands import reset_second_factor

    reset_second_factor(_settings(), login, reason)


@staff.command(name="change")
def staff_change(
    login: str,
    /,
    *,
    scope: Scopes | None = None,
    active: Annotated[bool | None, Parameter(negative="--inactive")] = None,
) -> None:
    """Change an account's rights, or switch it off and on; its sessions end.

    Parameters
    ----------
    login
        Whose account.
    scope
        A right; may be repeated. Replaces the rights the account has.
    active
        Whether the person may sign in.
    """
    from lotse.web.commands import change_staff

    change_staff(_settings(), login, scope, active)


@token.command(name="new")
def token_new(
    name: str,
    /,
    *,
    role: Roles | None = None,
    scope: Scopes | None = None,
    days: int = 365,
    shop: str = "",
    location: str = "",
    party: str = "",
    limit: str = "",
) -> None:
    """Make a token and show it, this once.

    Parameters
    ----------
    name
        What it is for; it stands beside every change made with it.
    role
        A role (`lotse roles list`); may be repeated.
    scope
        A right such as `orders.read`; may be repeated.
    days
        How long it is valid.
    shop, location
        Where the roles and rights hold, by code; everywhere without it.
    party
        For whom: the code of a legal entity or the id of a party.
    limit
        The most that may be decided at once, e.g. 100EUR; for rights.
    """
    from lotse.web.commands import new_token

    if not role and not scope:
        raise _Expected("a token that may do nothing is of no use: give --role or --scope")
    new_token(_settings(), name, _given(role, scope, shop, location, party, limit), days)


@token.command(name="list")
def token_list() -> None:
    """List the tokens, without their secrets."""
    from lotse.web.commands import list_tokens

    list_tokens(_settings())


@token.command(name="show")
def token_show(id: UUID, /) -> None:
    """Show what a token holds, and where.

    Parameters
    ----------
    id
        As `lotse token list` shows it.
    """
    from lotse.web.commands import show_token

    show_token(_settings(), id)


@token.command(name="give")
def token_give(
    id: UUID,
    /,
    *,
    role: Roles | None = None,
    scope: Scopes | None = None,
    shop: str = "",
    location: str = "",
    party: str = "",
    limit: str = "",
    reason: str = "",
) -> None:
    """Give a token roles or rights; processes that have just seen it follow within seconds.

    Parameters
    ----------
    id
        As `lotse token list` shows it.
    role
        A role; may be repeated.
    scope
        A right such as `orders.refund`; may be repeated.
    shop, location
        Where it holds, by code; everywhere without it.
    party
        For whom: the code of a legal entity or the id of a party.
    limit
        The most that may be decided at once, e.g. 100EUR; for rights.
    reason
        Why; it stands in the log of changes.
    """
    from lotse.web.commands import give_token

    give_token(_settings(), id, _given(role, scope, shop, location, party, limit, reason))


@token.command(name="revoke")
def token_revoke(id: UUID, /) -> None:
    """End a token now.

    Parameters
    ----------
    id
        As `lotse token list` shows it.
    """
    from lotse.web.commands import revoke_token

    revoke_token(_settings(), id)


@roles.command(name="list")
def roles_list() -> None:
    """List the roles with what they give, and how many hold them."""
    from lotse.web.commands import list_roles

    list_roles(_settings())


@roles.command(name="put")
def roles_put(name: str, /, *, scope: Scopes, description: str = "", reason: str = "") -> None:
    """Make a role, or give the one of this name these rights and no others.

    Parameters
    ----------
    name
        What people choose it by.
    scope
        A right, with a limit if it has one: `orders.read`, `orders.refund=100EUR`; may be repeated.
    description
        Who it is for.
    reason
        Why; it stands in the log of changes.
    """
    from lotse.web.commands import put_role

    put_role(_settings(), name, description, scope, reason)


@roles.command(name="remove")
def roles_remove(name: str, /, *, reason: str = "") -> None:
    """Take a role away that nobody holds.

    Parameters
    ----------
    name
        Which.
    reason
        Why; it stands in the log of changes.
    """
    from lotse.web.commands import remove_role

    remove_role(_settings(), name, reason)


@roles.command(name="take")
def roles_take(holding: UUID, /, *, reason: str = "") -> None:
    """Take a role or right from the account or token that holds it.

    Parameters
    ----------
    holding
        The id that `lotse staff show` and `lotse token show` begin its line with.
    reason
        Why; it stands in the log of changes.
    """
    from lotse.web.commands import take

    take(_settings(), holding, reason)


def _given(
    role: list[str] | None,
    scope: list[str] | None,
    shop: str,
    location: str,
    party: str,
    limit: str = "",
    reason: str = "",
) -> Any:
    from lotse.web.staffing import Given

    if limit and role:
        raise _Expected("a role brings its own limits; --limit is for rights")
    return Given(tuple(role or ()), tuple(scope or ()), shop, location, party, limit, reason)


def _settings(**given: Any) -> Any:
    """The settings of the environment, with what the command line says on top."""
    from msgspec import structs

    from lotse.kernel.settings import Settings

    said = {name: value for name, value in given.items() if value is not None}
    if not 1 <= said.get("port", 1) <= 65535:
        raise _Expected("a port is a number from 1 to 65535")
    return structs.replace(Settings.load(), **said)


def _of_the_database(error: Exception) -> Exception | None:
    """A full disk and the like, which a driver reports wherever it happens to be working."""
    from lotse.kernel.postgres import explained

    return explained(error)


class _Expected(Exception):
    pass


def _is_expected(error: Exception) -> bool:
    """Failures that the user can do something about; anything else is a bug and shows its trace."""
    from lotse.kernel.postgres import PostgresError
    from lotse.kernel.refusals import Refusal
    from lotse.kernel.settings import SettingsError

    known: tuple[type[Exception], ...] = (_Expected, PostgresError, Refusal, SettingsError)
    names = {
        "PortTaken",
        "NeverReady",
        "DemoFailed",
        "CommandFailed",
        "RuntimeFolderTaken",
        "BenchFailed",
        "CannotMake",
        "NothingToBring",
        "WrongShop",
    }
    return isinstance(error, known) or type(error).__name__ in names
