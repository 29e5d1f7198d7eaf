"""Who asks. Commands record `str(principal)` as the actor; idempotency keys are scoped by it."""

from typing import Literal

from msgspec import Struct

Kind = Literal["guest", "customer", "staff", "token", "system"]

# Holds every right: the first staff account of an installation, and Lotse's own jobs.
ALL = "*"


class Principal(Struct, frozen=True):
    """Who asks: `id` is a staff account's, customer's or token's id as text; a guest has none.

    `scopes` are rights as `thing.verb` (`orders.read`); `name` is what a person sees beside a change.
    """

    kind: Kind
    id: str = ""
    name: str = ""
    scopes: frozenset[str] = frozenset()

    def may(self, right: str) -> bool:
        """Whether this principal holds a right."""
        return right in self.scopes or ALL in self.scopes

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else self.kind


# Guests have no name of their own. Two guests share one scope of idempotency keys; that is safe because an answer is
# given again only for the same body, and a guest's body names a basket by its unguessable token.
GUEST = Principal("guest")
SYSTEM = Principal("system", scopes=frozenset({ALL}))
