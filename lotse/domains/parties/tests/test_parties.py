"""Parties, legal entities and shops: commands by table, rules by example."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from lotse.domains.parties.commands import grant_role, put_legal_entity, put_parties, put_party, put_shop, revoke_role
from lotse.domains.parties.contracts import (
    BankAccount,
    InvalidIban,
    InvalidVatId,
    PutParty,
    UnknownLegalEntity,
    UnknownParty,
)
from lotse.domains.parties.queries import (
    READS,
    legal_entity,
    legal_entity_by_code,
    parties_by_email,
    party,
    shop,
    shop_by_code,
    shops,
)
from lotse.domains.parties.rules import checked_vat_id
from lotse.kernel.masters import NotTheMaster, set_master
from lotse.kernel.money import UnknownCurrency
from lotse.kernel.refusals import Invalid
from tests.scene import AT, BY, open_shop


async def events(tx, id) -> list[str]:
    found = await tx.raw.fetch("select type from kernel.outbox where key = $1 order by id", str(id))
    return [row["type"] for row in found]


async def test_a_party_with_roles(tx, fresh):
    email = fresh.email()
    id = await put_party(tx, name="Ada Example", email=email, roles=["customer", "seller"], by=BY, at=AT)
    found = await party(tx, party_id=id)
    assert found
    assert (found.name, found.kind, found.roles, found.created_at) == (
        "Ada Example",
        "person",
        ["customer", "seller"],
        AT,
    )
    assert await parties_by_email(tx, email=email.upper()) == [id]
    assert await events(tx, id) == ["parties.PartyChanged"]


async def test_overwriting_tells_only_what_changed(tx):
    id = await put_party(tx, name="Ada", roles=["customer"], by=BY, at=AT)
    before = await events(tx, id)
    await put_party(tx, id=id, name="Ada", roles=["customer"], by=BY, at=AT)
    assert await events(tx, id) == before
    await put_party(tx, id=id, name="Ada Example", roles=["seller"], by=BY, at=AT)
    assert await events(tx, id) == [*before, "parties.PartyChanged"]
    found = await party(tx, party_id=id)
    assert found
    assert (found.name, found.roles) == ("Ada Example", ["customer", "seller"])


async def test_no_personal_data_in_events_and_audit(tx):
    id = await put_party(tx, name="Zyxwv Secret", email="zyxwv@example.org", by=BY, at=AT)
    await put_party(tx, id=id, name="Zyxwv Other", by=BY, at=AT)
    await grant_role(tx, party_id=id, role="staff", by=BY, at=AT)
    written = await tx.raw.fetch(
        "select payload::text from kernel.outbox"
        " union all select coalesce(old, '{}')::text || coalesce(new, '{}')::text from kernel.audit"
    )
    assert not [row for row in written if "zyxwv" in row[0].lower()]


@pytest.mark.parametrize(
    ("party", "field"),
    [
        (PutParty(name=""), "parties[1].name"),
        (PutParty(name="x" * 201), "parties[1].name"),
        (PutParty(name="nul\0"), "parties[1].name"),
        (PutParty(name="x", legal_name="x" * 201), "parties[1].legal_name"),
        (PutParty(name="x", email="ä" * 128), "parties[1].email"),
        (PutParty(name="x", phone="0" * 51), "parties[1].phone"),
    ],
)
async def test_what_is_no_party(tx, party, field):
    with pytest.raises(Invalid) as refused:
        await put_parties(tx, [PutParty(name="fine"), party], by=BY, at=AT)
    assert refused.value.field == field


async def test_roles_come_and_go_once(tx, fresh):
    id = await put_party(tx, name="Ada", roles=["supplier"], by=BY, at=AT)
    await put_party(tx, id=id, name="Ada", roles=["supplier"], by=BY, at=AT)
    for _ in range(2):
        await grant_role(tx, party_id=id, role="seller", by=BY, at=AT)
    for _ in range(2):
        await revoke_role(tx, party_id=id, role="seller", by=BY, at=AT)
    told = await tx.raw.fetch(
        "select actor, new from kernel.audit where subject = $1 order by id", f"parties.party:{id}"
    )
    assert [(row["actor"], row["new"]) for row in told] == [
        (BY, {"role": "supplier"}),
        (BY, {"role": "seller"}),
        (BY, {"role": None}),
    ]
    with pytest.raises(UnknownParty):
        await grant_role(tx, party_id=fresh.id(), role="seller", by=BY, at=AT)


GOOD_ENTITY: dict[str, Any] = {
    "name": "Test",
    "country": "DE",
    "currency": "EUR",
    "timezone": "Europe/Berlin",
    "vat_id": "DE136695976",
}


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"country": "Germany"}, Invalid),
        ({"timezone": "Berlin"}, Invalid),
        ({"currency": "EURO"}, UnknownCurrency),
        ({"vat_id": "DE136695977"}, InvalidVatId),
        ({"bank_account": BankAccount("x" * 201, "DE89370400440532013000")}, Invalid),
        ({"bank_account": BankAccount("Test", "DE89370400440532013001")}, InvalidIban),
        ({"bank_account": BankAccount("Test", "DE89370400440532013000", "NOBIC")}, Invalid),
        ({"code": "Not a code"}, Invalid),
        ({"name": ""}, Invalid),
        ({"party_id": None}, UnknownParty),
    ],
)
async def test_what_is_no_legal_entity(tx, fresh, change, refusal):
    given = {"code": fresh.text("entity"), "party_id": await put_party(tx, name="x", by=BY, at=AT), **GOOD_ENTITY}
    given |= {name: fresh.id() if value is None else value for name, value in change.items()}
    with pytest.raises(refusal):
        await put_legal_entity(tx, **given, by=BY, at=AT)


async def test_a_legal_entity_is_put_by_code(tx, fresh):
    owner = await put_party(tx, name="x", by=BY, at=AT)
    code = fresh.text("entity")
    first = await put_legal_entity(tx, code=code, party_id=owner, **GOOD_ENTITY, by=BY, at=AT)
    assert await put_legal_entity(tx, code=code, party_id=owner, **GOOD_ENTITY, by=BY, at=AT) == first
    account = BankAccount("New", "DE89 3704 0044 0532 0130 00", "cobadeffxxx")
    changed = {**GOOD_ENTITY, "name": "New", "bank_account": account}
    again = await put_legal_entity(tx, code=code, party_id=owner, **changed, by=BY, at=AT)
    found = await legal_entity_by_code(tx, code=code)
    assert found
    assert (again, found.id, found.name) == (first, first, "New")
    assert found.bank_account == BankAccount("New", "DE89370400440532013000", "COBADEFFXXX")
    told = await tx.raw.fetchval("select count(*) from kernel.audit where subject = $1", f"parties.legal_entity:{code}")
    assert told == 2  # made and changed; the call in between said nothing new


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"languages": []}, Invalid),
        ({"languages": ["klingon"]}, Invalid),
        ({"country": "de"}, Invalid),
        ({"timezone": ""}, Invalid),
        ({"currency": "eur"}, UnknownCurrency),
        ({"code": ""}, Invalid),
        ({"name": "x" * 201}, Invalid),
        ({"legal_entity_id": None}, UnknownLegalEntity),
        ({"owner_party_id": None}, UnknownParty),
    ],
)
async def test_what_is_no_shop(tx, fresh, change, refusal):
    place = await open_shop(tx, fresh)
    given = {
        "code": fresh.text("shop"),
        "name": "Test",
        "legal_entity_id": place.shop.legal_entity_id,
        "owner_party_id": place.host,
        "languages": ["de"],
        "currency": "EUR",
        "country": "DE",
        "timezone": "Europe/Berlin",
    }
    given |= {name: fresh.id() if value is None else value for name, value in change.items()}
    with pytest.raises(refusal):
        await put_shop(tx, **given, by=BY, at=AT)


async def test_what_an_outside_system_has_the_say_over_is_not_changed_here(tx, fresh):
    place = await open_shop(tx, fresh)
    entity = await legal_entity(tx, legal_entity_id=place.shop.legal_entity_id)
    assert entity is not None
    for field in ("timezone", "city"):
        await set_master(tx, kind="shops", field=field, master="erp", by=BY, at=AT)

    async def shop_of(source: str | None = "lotse", **change: Any) -> None:
        own: dict[str, Any] = asdict(place.shop)
        del own["id"], own["language"]
        await put_shop(tx, **own | change, by=BY, at=AT, source=source)

    async def entity_of(**change: Any) -> None:
        own: dict[str, Any] = asdict(entity)
        del own["id"]
        await put_legal_entity(tx, **own | change, by=BY, at=AT)

    await shop_of(name="Lotse has the say over the name")
    await entity_of(name="And over this one")
    with pytest.raises(NotTheMaster, match="timezone"):
        await shop_of(timezone="Europe/Vienna")
    with pytest.raises(NotTheMaster, match="city"):
        await entity_of(address=replace(entity.address, city="Wien"))
    await shop_of()
    await shop_of(timezone="Europe/Vienna", source="erp")
    await set_master(tx, kind="shops", field="*", master="erp", by=BY, at=AT)
    with pytest.raises(NotTheMaster):
        await shop_of(code=fresh.text("new"))


async def test_shops_by_code_and_in_pages(tx, fresh):
    place = await open_shop(tx, fresh)
    assert await shop_by_code(tx, code=place.shop.code) == place.shop
    assert await shop(tx, shop_id=place.shop.id) == place.shop
    assert await shop_by_code(tx, code="there-is-no-such") is None
    assert place.shop.language == "de"
    await open_shop(tx, fresh)
    first = await shops(tx, limit=1)
    second = await shops(tx, limit=1, cursor=first.next)
    assert first.items[0].code < second.items[0].code


@pytest.mark.parametrize(
    ("vat_id", "country", "stored"),
    [
        ("", "DE", ""),
        ("DE 136 695 976", "DE", "DE136695976"),
        ("136695976", "DE", "DE136695976"),
        ("ATU13585627", "AT", "ATU13585627"),
        ("GB980780684", "GB", "GB980780684"),
        ("whatever they use", "ZZ", "whatever they use"),
    ],
)
def test_vat_ids(vat_id, country, stored):
    assert checked_vat_id(vat_id, country) == stored


@given(st.text(min_size=1).filter(str.strip))
def test_any_text_is_a_vat_id_or_refused_by_name(vat_id: str):
    try:
        assert checked_vat_id(vat_id, "DE").startswith("DE")
    except InvalidVatId as refused:
        assert refused.rule


async def test_nothing_disagrees(tx):
    id = await put_party(tx, name="Ada", by=BY, at=AT)
    assert [row for row in await tx.raw.fetch(READS.check_names.sql) if str(id) in row["subject"]] == []
    await tx.raw.execute("delete from parties.names where party_id = $1", id)
    assert [row for row in await tx.raw.fetch(READS.check_names.sql) if str(id) in row["subject"]] != []
