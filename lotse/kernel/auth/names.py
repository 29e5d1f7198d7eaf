"""Who did something, as people call them. Movements, orders and changes keep `str(principal)`; pages show this."""

from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct

from lotse.kernel.db import Connection
from lotse.kernel.pages.i18n import N_
from lotse.kernel.sql import statements

# Pages translate these; the name of an account is nobody's to translate.
UNNAMED = {"guest": N_("guest"), "system": N_("system")}
PROGRAMS = {"demo": N_("demo"), "replay": N_("replay"), "import": N_("import")}

SQL = statements("lotse.kernel", "auth")


class _Named(Struct, frozen=True):
    actor: str
    name: str


async def names_of(conn: Connection, actors: Iterable[str]) -> dict[str, str]:
    """The name of each staff account and token; who has none (`guest`, `system`) is called what they are."""
    wanted = set(actors)
    ids = [id for actor in wanted if (id := _id(actor)) is not None]
    found = await conn.many(SQL.names, _Named, ids=ids) if ids else []
    named = {row.actor: row.name for row in found if row.name}
    return {actor: named.get(actor) or UNNAMED.get(actor) or _called(actor) for actor in wanted}


def _called(actor: str) -> str:
    """A program that is no account (`demo:wellenkamm`, `replay:2011`) is called by its kind."""
    kind, _, _ = actor.partition(":")
    return PROGRAMS.get(kind, actor)


def _id(actor: str) -> UUID | None:
    kind, _, id = actor.partition(":")
    try:
        return UUID(id) if kind in ("staff", "token") else None
    except ValueError:
        return None
