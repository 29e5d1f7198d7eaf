"""Export and erasure: every holder is asked, all or nothing, and the audit trail forgets what it said."""

from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

import pytest
from msgspec import Struct

from lotse.kernel import audit, privacy, seams
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.privacy import Erased, Kept
from lotse.testing import Fresh

AT = datetime(2030, 1, 1, tzinfo=UTC)
KEPT = Kept("invoice recipient", "§ 147 AO", datetime(2038, 12, 31, tzinfo=UTC))


class Name(Struct, frozen=True):
    """What the domain of these tests keeps."""

    party_id: UUID
    name: str


def domain(name: str, **modules: object) -> SimpleNamespace:
    return SimpleNamespace(name=name, module=modules.get)


async def export_party(conn: Connection, *, party_id: UUID) -> Name | None:
    return Name(party_id, "Ada")


async def export_nothing(conn: Connection, *, party_id: UUID) -> None:
    return None


async def erase_party(tx: Transaction, *, party_id: UUID, at: datetime) -> Erased:
    return Erased(2, (KEPT,), (f"upper.name:{party_id}",))


async def erase_nothing(tx: Transaction, *, party_id: UUID, at: datetime) -> Erased:
    return Erased(0)


@pytest.fixture
def domains(monkeypatch: pytest.MonkeyPatch) -> list[SimpleNamespace]:
    found = [
        domain(
            "lower",
            queries=SimpleNamespace(export_party=export_nothing),
            commands=SimpleNamespace(erase_party=erase_nothing),
        ),
        domain("silent", queries=SimpleNamespace()),
        domain(
            "upper",
            queries=SimpleNamespace(export_party=export_party),
            commands=SimpleNamespace(erase_party=erase_party),
        ),
    ]
    monkeypatch.setattr(seams, "domains", lambda: tuple(found))
    return found


def test_erasing_goes_from_the_top_down(domains: list[SimpleNamespace]):
    assert [holder.name for holder in privacy.known()] == ["upper", "lower"]


async def test_an_export_has_what_each_holder_says(domains: list[SimpleNamespace], tx: Transaction, fresh: Fresh):
    party = fresh.id()
    assert await privacy.export(tx, party_id=party) == {"upper": {"party_id": str(party), "name": "Ada"}}


async def test_an_erasure_blanks_the_audit_trail_and_names_itself(
    domains: list[SimpleNamespace], tx: Transaction, fresh: Fresh
):
    party, other = fresh.id(), fresh.id()
    for one in (party, other):
        await audit.record(
            tx, actor="staff:1", subject=f"upper.name:{one}", old={"name": "A"}, new={"name": "B"}, at=AT
        )
    done = await privacy.erase(tx, party_id=party, actor="staff:2", at=AT)
    assert done == {
        "upper": Erased(2, (KEPT,), (f"upper.name:{party}",)),
        "lower": Erased(0),
        "kernel": Erased(1),
    }
    (blanked,) = await audit.history(tx, subject=f"upper.name:{party}")
    assert (blanked.actor, blanked.old, blanked.new) == ("staff:1", None, None)
    (untouched,) = await audit.history(tx, subject=f"upper.name:{other}")
    assert untouched.new == {"name": "B"}
    (named,) = await audit.history(tx, subject=f"privacy.erasure:{party}")
    assert named.actor == "staff:2" and named.new["upper"]["kept"][0]["reason"] == "§ 147 AO"
    again = await privacy.erase(tx, party_id=party, actor="staff:2", at=AT)
    assert again["kernel"] == Erased(0)


def test_half_a_holder_is_a_mistake(domains: list[SimpleNamespace]):
    domains.append(domain("half", queries=SimpleNamespace(export_party=export_party)))
    with pytest.raises(TypeError, match="half needs both"):
        privacy.known()


async def test_whoever_has_columns_of_a_retention_class_can_export_and_erase(db: Database):
    async with db.reading() as conn:
        columns = await privacy.retained_columns(conn)
    missing = {column.schema for column in columns} - {holder.name for holder in privacy.known()} - {"kernel"}
    assert missing == set()
