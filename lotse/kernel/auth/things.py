"""Things: kinds of objects that routes are about, and how to find out whose one of them is. Knows no web.

A domain names its things beside its queries; routes declare them (`lotse.kernel.auth.rights`). One domain's thing may
hang on another's that it may not import: a payment on what it pays. That is looked up here by its kind.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from msgspec import Struct

from lotse.kernel.auth.principal import Dimension, Principal, Whose
from lotse.kernel.db import Connection
from lotse.kernel.refusals import NotFound, Refusal

_by_name: dict[str, "Thing"] = {}


class Thing(Struct, frozen=True, eq=False):
    """A kind of object that routes are about.

    `parameter` of the path names it; `whose` tells where it belongs, or None if there is no such thing. `unknown` makes
    the refusal for both. Who may read it by `read` hears a 403 and not a 404. `free`: dimensions that bind nobody who
    reads it (`lotse.kernel.auth.principal`).
    """

    name: str
    parameter: str
    whose: Callable[[Connection, Any], Awaitable[Whose | None]]
    unknown: Callable[[Any], Refusal] | None = None
    read: str | None = None
    free: tuple[Dimension, ...] = ()

    def __post_init__(self) -> None:
        # Two variants of a kind (to read, to change) may differ in what is free; whose it is, they agree on.
        _by_name.setdefault(self.name, self)

    def refusal(self, id: Any) -> Refusal:
        """What is said of one that does not exist, and of one that is not theirs."""
        return self.unknown(id) if self.unknown else NotFound(what=self.name, id=str(id))

    async def check(
        self, conn: Connection, principal: Principal, right: str, id: Any, *, limited: bool = False
    ) -> Whose | None:
        """Whose the thing is, if the principal may do this to it. Refusals: as `Principal.require`.

        Nothing is looked up for who may do it everywhere; None then.
        """
        if principal.may_everywhere(right):
            return None
        if not principal.may(right):
            raise principal.refused(right)
        found = await self.whose(conn, id)
        if found is None:
            raise self.refusal(id)
        # A dimension that a thing has not got binds nobody who reads it, and everybody who would change it.
        whose = found.freed(self.free) if right.endswith(".read") else found
        principal.require(right, whose, limited=limited, reads=self.read, unknown=lambda: self.refusal(id))
        return whose


async def whose_is(conn: Connection, name: str, id: UUID) -> Whose | None:
    """Whose a thing of a kind is; None if there is no such thing, or nobody knows the kind: nobody's, then."""
    known = _by_name.get(name)
    return await known.whose(conn, id) if known else None
