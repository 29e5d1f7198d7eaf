"""How a set of postings becomes entries: merged per account, summing to zero, booked in the entity's month."""

from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

from lotse.domains.ledger.contracts import Entry, EntrySet, Posting, Unbalanced

_zone = cache(ZoneInfo)  # parsing a zone file costs more than a posting


def period_of(occurred_at: datetime, zone: str) -> date:
    """The first day of the month in which something happened, as the clocks of `zone` show it."""
    return occurred_at.astimezone(_zone(zone)).date().replace(day=1)


def merged(postings: tuple[Posting, ...]) -> list[Posting]:
    """One posting per account and note, in order of appearance; those of nothing are left out."""
    sums: dict[tuple[str, str | None], int] = {}
    for posting in postings:
        name = (posting.account, posting.note)
        sums[name] = sums.get(name, 0) + posting.amount_minor
    return [Posting(account, amount, note) for (account, note), amount in sums.items() if amount]


def entries(fact: EntrySet, recorded_at: datetime) -> list[Entry]:
    """The rows of a set; none if every posting is of nothing. Refusal: `Unbalanced`."""
    postings = merged(fact.postings)
    total = sum(posting.amount_minor for posting in postings)
    if total:
        raise Unbalanced(currency=fact.currency, sum_minor=total)
    period = period_of(fact.occurred_at, fact.zone)
    return [
        Entry(
            fact.set_id,
            position,
            fact.kind,
            fact.legal_entity_id,
            posting.account,
            fact.currency,
            posting.amount_minor,
            fact.occurred_at,
            recorded_at,
            period,
            posting.note,
        )
        for position, posting in enumerate(postings, 1)
    ]
