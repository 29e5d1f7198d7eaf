"""Make and change parties, legal entities and shops. What changed is on record without personal data."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from lotse.domains.parties.contracts import (
    BankAccount,
    Channel,
    Kind,
    LegalEntity,
    PartyChanged,
    PostalAddress,
    PutParty,
    Role,
    Shop,
    ShopChanged,
    UnknownLegalEntity,
    UnknownParty,
)
from lotse.domains.parties.queries import legal_entity_by_code, shop_by_code
from lotse.domains.parties.rules import (
    check_country,
    check_language,
    check_name,
    check_text,
    check_timezone,
    checked_account,
    checked_vat_id,
)
from lotse.kernel import audit
from lotse.kernel.db import Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.masters import EVERYTHING, LOTSE, refuse_foreign
from lotse.kernel.money import minor_digits
from lotse.kernel.outbox import emit
from lotse.kernel.privacy import Erased, Kept
from lotse.kernel.refusals import Invalid, refusing
from lotse.kernel.sql import statements

READS = statements("lotse.domains.parties", "reads")
WRITES = statements("lotse.domains.parties", "writes")
# What outside systems tell of shops and their companies (`imports.Shops`): each has one who has the say.
_SHOP = ("name", "channel", "languages", "currency", "country", "timezone", "gross")
_ADDRESS = ("street", "postcode", "city")


async def put_party(
    tx: Transaction,
    *,
    kind: Kind = "person",
    name: str,
    legal_name: str = "",
    email: str = "",
    phone: str = "",
    roles: Sequence[Role] = (),
    id: UUID | None = None,
    by: str,
    at: datetime,
) -> UUID:
    """Make a party, or overwrite the one with this id; its id. Refusals as `put_parties`."""
    party = PutParty(id=id, kind=kind, name=name, legal_name=legal_name, email=email, phone=phone, roles=tuple(roles))
    return (await put_parties(tx, [party], by=by, at=at))[0]


async def put_parties(tx: Transaction, parties: Sequence[PutParty], *, by: str, at: datetime) -> list[UUID]:
    """Make or overwrite parties; their ids in the order given. Refusal: `Invalid` (names, by `parties[i].field`).

    `by` is recorded for roles only: a changed name leaves no copy of the old one behind.
    """
    for i, party in enumerate(parties):
        _check_names(party, f"parties[{i}]")
    ids = [party.id or uuid7() for party in parties]
    await tx.execute(WRITES.put_parties, ids=ids, kinds=[party.kind for party in parties], at=at)
    changed = await tx.values(
        WRITES.put_names,
        ids=ids,
        names=[party.name for party in parties],
        legal_names=[party.legal_name for party in parties],
        emails=[party.email for party in parties],
        phones=[party.phone for party in parties],
    )
    granted = await tx.many(
        WRITES.grant_roles,
        _Granted,
        ids=[id for id, party in zip(ids, parties, strict=True) for _ in party.roles],
        roles=[role for party in parties for role in party.roles],
        at=at,
    )
    changes = [(f"parties.party:{row.party_id}", None, {"role": row.role}) for row in granted]
    await audit.record_all(tx, actor=by, changes=changes, at=at)
    await _report(tx, {*changed, *(row.party_id for row in granted)}, at=at)
    return ids


async def grant_role(tx: Transaction, *, party_id: UUID, role: Role, by: str, at: datetime) -> None:
    """Give a party a role; nothing happens if it has it. Refusal: `UnknownParty`."""
    with refusing({"roles_party": lambda: UnknownParty(party_id=party_id)}):
        granted = await tx.values(WRITES.grant_roles, ids=[party_id], roles=[role], at=at)
    if granted:
        await audit.record(tx, actor=by, subject=f"parties.party:{party_id}", old=None, new={"role": role}, at=at)
        await _report(tx, granted, at=at)


async def revoke_role(tx: Transaction, *, party_id: UUID, role: Role, by: str, at: datetime) -> None:
    """Take a role from a party; nothing happens if it has not got it."""
    if revoked := await tx.values(WRITES.revoke_role, party_id=party_id, role=role):
        await audit.record(
            tx, actor=by, subject=f"parties.party:{party_id}", old={"role": role}, new={"role": None}, at=at
        )
        await _report(tx, revoked, at=at)


async def erase_party(tx: Transaction, *, party_id: UUID, at: datetime) -> Erased:
    """Erase what names a party. One that keeps books of its own stays: its name is public."""
    if await tx.value(READS.is_legal_entity, party_id=party_id):
        return Erased(0, (Kept("name of a legal entity", "s. 14 (4) UStG: it stands on every invoice"),))
    erased = await tx.values(WRITES.erase_names, party_id=party_id)
    await _report(tx, erased, at=at)
    return Erased(len(erased), subjects=(f"parties.party:{party_id}",))


async def put_legal_entity(
    tx: Transaction,
    *,
    code: str,
    party_id: UUID,
    name: str,
    country: str,
    currency: str,
    timezone: str,
    vat_id: str = "",
    address: PostalAddress | None = None,
    bank_account: BankAccount | None = None,
    by: str,
    at: datetime,
    source: str | None = LOTSE,
) -> UUID:
    """Make a legal entity, or overwrite the one with this code; its id. `source` as in `put_shop`.

    Refusals in this order: `Invalid` (name, country, timezone), `UnknownCurrency`, `InvalidVatId`, `Invalid` (account),
    `InvalidIban`, `NotTheMaster`, `Invalid` (code), `UnknownParty`.
    """
    check_name(name, "name")
    check_country(country, "country")
    check_timezone(timezone, "timezone")
    minor_digits(currency)
    vat_id = checked_vat_id(vat_id, country)
    account = checked_account(bank_account or BankAccount())
    entity = LegalEntity(
        uuid7(), party_id, code, name, country, currency, vat_id, address or PostalAddress(), timezone, account
    )
    before = await legal_entity_by_code(tx, code=code)
    if source is not None and before is not None:
        differing = [
            field
            for field, ours, theirs in (
                ("legal_name", before.name, name),
                ("vat_id", before.vat_id, vat_id),
                *((part, getattr(before.address, part), getattr(entity.address, part)) for part in _ADDRESS),
            )
            if ours != theirs
        ]
        await refuse_foreign(tx, "shops", differing, source=source)
    with refusing(
        {
            "legal_entities_code_form": lambda: Invalid(field="code", rule=_CODE_RULE),
            "legal_entities_party": lambda: UnknownParty(party_id=party_id),
        }
    ):
        stored = replace(entity, id=await tx.value(WRITES.put_legal_entity, **_columns(entity)))
    if stored != before:
        await audit.record(tx, actor=by, subject=f"parties.legal_entity:{code}", old=before, new=stored, at=at)
    return stored.id


async def put_shop(
    tx: Transaction,
    *,
    code: str,
    name: str,
    legal_entity_id: UUID,
    owner_party_id: UUID,
    languages: Sequence[str],
    currency: str,
    country: str,
    timezone: str,
    channel: Channel = "web",
    gross: bool = True,
    by: str,
    at: datetime,
    source: str | None = LOTSE,
) -> UUID:
    """Make a shop, or overwrite the one with this code; its id. The first language is the one to fall back on.

    `source` is who says so: a field that another has the say over is refused by name. None for an import, which has
    sorted its rows by then. Refusals in this order: `Invalid` (languages, name, country, timezone), `UnknownCurrency`,
    `NotTheMaster`, `Invalid` (code), `UnknownLegalEntity`, `UnknownParty`.
    """
    if not languages:
        raise Invalid(field="languages", rule="at least one")
    for language in languages:
        check_language(language, "languages")
    check_name(name, "name")
    check_country(country, "country")
    check_timezone(timezone, "timezone")
    minor_digits(currency)
    shop = Shop(
        uuid7(),
        code,
        name,
        channel,
        legal_entity_id,
        owner_party_id,
        languages[0],
        list(languages),
        currency,
        country,
        gross,
        timezone,
    )
    before = await shop_by_code(tx, code=code)
    if source is not None:
        own = [EVERYTHING] if before is None else [one for one in _SHOP if getattr(before, one) != getattr(shop, one)]
        await refuse_foreign(tx, "shops", own, source=source)
    with refusing(
        {
            "shops_code_form": lambda: Invalid(field="code", rule=_CODE_RULE),
            "shops_legal_entity": lambda: UnknownLegalEntity(legal_entity=str(legal_entity_id)),
            "shops_owner": lambda: UnknownParty(party_id=owner_party_id),
        }
    ):
        columns = _columns(shop)
        del columns["language"]  # derived
        stored = replace(shop, id=await tx.value(WRITES.put_shop, **columns))
    if stored != before:
        await audit.record(tx, actor=by, subject=f"parties.shop:{code}", old=before, new=stored, at=at)
        await emit(tx, ShopChanged(stored.id, code), at=at)
    return stored.id


class _Granted(Struct, frozen=True):
    party_id: UUID
    role: Role


_CODE_RULE = "1 to 63 small letters, digits and hyphens, beginning with a letter or digit"


def _check_names(party: PutParty, where: str) -> None:
    check_name(party.name, f"{where}.name")
    check_text(party.legal_name, f"{where}.legal_name", at_most=200)
    if len(party.email.encode()) > 254 or "\0" in party.email:
        raise Invalid(field=f"{where}.email", rule="at most 254 bytes")
    check_text(party.phone, f"{where}.phone", at_most=50)


def _columns(row: LegalEntity | Shop) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


async def _report(tx: Transaction, party_ids: Iterable[UUID], *, at: datetime) -> None:
    await emit(tx, *(PartyChanged(party_id) for party_id in sorted(set(party_ids))), at=at)
