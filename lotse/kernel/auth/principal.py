"""Who asks, and what they may do. Commands record `str(principal)` as the actor; idempotency keys are scoped by it.

A *grant* is a right (`orders.refund`) with where it holds: a shop, a location, a party, each of them or all, and up to
what amount. *Whose* says the same of a thing: the shop it was sold in, the locations it touches, the parties it belongs
to. A grant covers a thing if

- it is for every shop, or for the thing's;
- it is for every location, or for one that the thing touches;
- it is for every party, or for the only one that the thing belongs to: what two companies share, neither sees alone.

A thing that has no shop, no location or no party is covered only by a grant that asks for none there, unless whoever
declares it says that the dimension is *free*: a customer belongs to a shop and to no store, and every store serves him.
"""

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct, field

from lotse.kernel.money import Money
from lotse.kernel.refusals import NotFound, Refusal

Kind = Literal["guest", "customer", "staff", "token", "job", "system"]
Dimension = Literal["shop", "location", "party"]

# Every right everywhere: the owner of an installation, and Lotse itself.
ALL = "*"
DIMENSIONS: tuple[Dimension, ...] = ("shop", "location", "party")


class NotSignedIn(Refusal, status=401, title="Please sign in"):
    """This address needs a staff session or an API token."""

    right: str
    headers = {"WWW-Authenticate": 'Bearer realm="lotse"'}  # noqa: RUF012 - a constant of the class, not a field


class NotAllowed(Refusal, status=403, title="You may not do this"):
    """Your account or token does not hold the right."""

    right: str


class OverLimit(Refusal, status=403, title="This is more than you may decide"):
    """Somebody with a higher limit has to do it."""

    right: str
    amount_minor: int
    limit_minor: int
    currency: str


class Grant(Struct, frozen=True, omit_defaults=True):
    """A right and where it holds; None: everywhere. `limit_minor` of `currency` is the most per decision."""

    right: str = field(name="right_name")
    shop_id: UUID | None = None
    location_id: UUID | None = None
    party_id: UUID | None = None
    limit_minor: int | None = None
    currency: str | None = None

    @property
    def everywhere(self) -> bool:
        return self.shop_id is None and self.location_id is None and self.party_id is None

    def gives(self, right: str) -> bool:
        """Whether it is about a right at all."""
        return self.right in (right, ALL)

    def covers(self, whose: "Whose") -> bool:
        """Whether it holds for a thing, see above."""
        return (
            ("shop" in whose.free or self.shop_id is None or self.shop_id == whose.shop)
            and ("location" in whose.free or self.location_id is None or self.location_id in whose.locations)
            and ("party" in whose.free or self.party_id is None or whose.parties == frozenset((self.party_id,)))
        )

    def allows(self, amount: Money) -> bool:
        """Whether an amount is within its limit; a limit in another currency allows nothing."""
        return self.limit_minor is None or (
            self.currency == amount.currency and abs(amount.amount_minor) <= self.limit_minor
        )

    def includes(self, other: "Grant") -> bool:
        """Whether it gives all that the other one gives: nobody gives away what they do not hold."""
        return (
            self.gives(other.right)
            and self.shop_id in (None, other.shop_id)
            and self.location_id in (None, other.location_id)
            and self.party_id in (None, other.party_id)
            and (
                self.limit_minor is None
                or (
                    other.limit_minor is not None
                    and self.currency == other.currency
                    and other.limit_minor <= self.limit_minor
                )
            )
        )


class Whose(Struct, frozen=True):
    """Where a thing belongs. `free`: dimensions that it has not got and that therefore do not bind anybody."""

    shop: UUID | None = None
    locations: frozenset[UUID] = frozenset()
    parties: frozenset[UUID] = frozenset()
    free: frozenset[Dimension] = frozenset()

    def freed(self, free: Iterable[Dimension]) -> "Whose":
        """The same thing with more dimensions free."""
        return Whose(self.shop, self.locations, self.parties, self.free | frozenset(free))


# What is the same for everybody (an article's text): whoever holds the right anywhere may read it.
COMMON = Whose(free=frozenset(DIMENSIONS))
# What belongs to no shop, location or party: only who holds the right everywhere may touch it.
NOBODYS = Whose()


class Box(Struct, frozen=True):
    """One part of what somebody sees: None is all of a dimension."""

    shop_id: UUID | None = None
    location_id: UUID | None = None
    party_id: UUID | None = None


class Within(Struct, frozen=True):
    """What somebody sees of a list: the union of the boxes. No box: nothing."""

    boxes: tuple[Box, ...]

    @property
    def everything(self) -> bool:
        return Box() in self.boxes

    @property
    def shops(self) -> list[UUID] | None:
        """For rows that know a shop alone (`by=("shop",)`): their ids, or None for all."""
        return None if self.everything else sorted({box.shop_id for box in self.boxes if box.shop_id})

    @property
    def locations(self) -> list[UUID] | None:
        """For rows that know a location alone (`by=("location",)`): their ids, or None for all."""
        return None if self.everything else sorted({box.location_id for box in self.boxes if box.location_id})

    @property
    def parties(self) -> list[UUID] | None:
        """For rows that know a party alone (`by=("party",)`): their ids, or None for all."""
        return None if self.everything else sorted({box.party_id for box in self.boxes if box.party_id})

    def columns(self) -> dict[str, Any]:
        """Parameters of a statement that narrows itself:

        (:everything::boolean or exists (
            select from unnest(:in_shops::uuid[], :in_locations::uuid[], :in_parties::uuid[])
                as box (shop_id, location_id, party_id)
            where (box.shop_id is null or box.shop_id = orders.shop_id) and ...))
        """
        return {
            "everything": self.everything,
            "in_shops": [box.shop_id for box in self.boxes],
            "in_locations": [box.location_id for box in self.boxes],
            "in_parties": [box.party_id for box in self.boxes],
        }


EVERYTHING = Within((Box(),))


class NotNarrowed(Exception):
    """A handler that declares itself narrowed has not asked what the principal may: a bug, and nothing is answered."""


class Asked:
    """What is known of the request under way: which right its route declared, for which thing, and whether the handler
    has narrowed itself. The guard makes it, `Principal` notes in it, the web looks at it before it answers."""

    def __init__(self, right: str) -> None:
        self.right = right
        self.whose: Whose | None = None
        # The principal is bound, and the guard could not see to what the handler would reach.
        self.owed = False
        self.narrowed = False

    def forgotten(self) -> bool:
        """Whether the handler has answered without asking what the principal may."""
        return self.owed and not self.narrowed


# Who a job runs as, while it runs; the log of changes takes from it only what it has declared.
acting: "ContextVar[Principal | None]" = ContextVar("lotse_acting", default=None)
asked: ContextVar[Asked | None] = ContextVar("lotse_asked", default=None)


class Principal(Struct, frozen=True):
    """Who asks: `id` is a staff account's, customer's or token's id as text; a guest has none.

    `name` is what a person sees beside a change.
    """

    kind: Kind
    id: str = ""
    name: str = ""
    grants: tuple[Grant, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else self.kind

    def may(self, right: str) -> bool:
        """Whether this principal holds a right anywhere: what menus and buttons ask."""
        return any(grant.gives(right) for grant in self.grants)

    def may_everywhere(self, right: str) -> bool:
        """Whether it holds a right without bounds of shop, location or party."""
        return any(grant.gives(right) and grant.everywhere for grant in self.grants)

    def covers(self, right: str, whose: Whose, amount: Money | None = None) -> bool:
        """Whether it may do this to a thing, of this amount: what a button on the thing's own page asks."""
        return any(
            grant.gives(right) and grant.covers(whose) and (amount is None or grant.allows(amount))
            for grant in self.grants
        )

    def require(
        self,
        right: str,
        whose: Whose,
        *,
        amount: Money | None = None,
        limited: bool = False,
        reads: str | None = None,
        unknown: Callable[[], Refusal] = lambda: NotFound(what="thing", id=""),
    ) -> None:
        """Go on only if it may. Every check of a thing goes through here.

        A grant with a limit counts only for an `amount`, or where one is still to come (`limited`).
        Refusals, in this order: `NotSignedIn`, `NotAllowed` (holds the right nowhere; or may read the thing, by
        `reads`, and not do this), `unknown()` (not theirs: answered like what does not exist), `OverLimit`.
        """
        _note()
        counts = limited or amount is not None
        held = [grant for grant in self.grants if grant.gives(right) and (counts or grant.limit_minor is None)]
        if not held:
            raise self.refused(right)
        covering = [grant for grant in held if grant.covers(whose)]
        if not covering:
            raise NotAllowed(right=right) if reads and self.covers(reads, whose) else unknown()
        if amount is not None:
            _require_amount(right, covering, amount)

    def require_amount(self, right: str, amount: Money) -> None:
        """For a route that declared `limited=True`: the amount, for the thing that its guard has found.

        Refusals: `NotAllowed`, `OverLimit`.
        """
        _note()
        now = asked.get()
        whose = now.whose if now else None
        covering = [
            grant
            for grant in self.grants
            if grant.gives(right) and (grant.everywhere if whose is None else grant.covers(whose))
        ]
        if not covering:
            raise self.refused(right)
        _require_amount(right, covering, amount)

    def within(self, right: str, *, by: Iterable[Dimension] = DIMENSIONS, free: Iterable[Dimension] = ()) -> Within:
        """What it sees of a list. Every list narrows itself by this.

        `by` are the dimensions that the rows know: what somebody holds for a location is nothing in a list whose rows
        know none, unless it is `free`.
        """
        _note()
        known, ignored = frozenset(by), frozenset(free)
        boxes: set[Box] = set()
        for grant in self.grants:
            if not grant.gives(right):
                continue
            held = {"shop": grant.shop_id, "location": grant.location_id, "party": grant.party_id}
            if any(id is not None and name not in known | ignored for name, id in held.items()):
                continue
            boxes.add(Box(*(None if name in ignored else held[name] for name in DIMENSIONS)))
        if Box() in boxes:
            return Within((Box(),))
        return Within(tuple(sorted(boxes, key=str)))

    def require_change(self, thing: str) -> None:
        """Go on only if some right but `read` is held on this kind of thing (`pricing`). Refusal: `NotAllowed`."""
        if not any(
            grant.right == ALL or (grant.right.startswith(f"{thing}.") and not grant.right.endswith(".read"))
            for grant in self.grants
        ):
            raise NotAllowed(right=f"{thing}.write")

    def refused(self, right: str) -> Refusal:
        """What a principal hears who does not hold a right."""
        return NotSignedIn(right=right) if self.kind == "guest" else NotAllowed(right=right)


def holding(*rights: str) -> tuple[Grant, ...]:
    """Grants of these rights everywhere."""
    return tuple(Grant(right) for right in rights)


# Guests have no name of their own. Two guests share one scope of idempotency keys; that is safe because an answer is
# given again only for the same body, and a guest's body names a basket by its unguessable token.
GUEST = Principal("guest")
SYSTEM = Principal("system", grants=holding(ALL))


def _require_amount(right: str, covering: list[Grant], amount: Money) -> None:
    if any(grant.allows(amount) for grant in covering):
        return
    limits = [grant.limit_minor for grant in covering if grant.currency == amount.currency]
    raise OverLimit(
        right=right,
        amount_minor=abs(amount.amount_minor),
        limit_minor=max((limit for limit in limits if limit is not None), default=0),
        currency=amount.currency,
    )


def _note() -> None:
    now = asked.get()
    if now is not None:
        now.narrowed = True
