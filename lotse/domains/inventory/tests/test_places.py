"""Where postcodes are, how far a store is, and whether it is open: on real days."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from lotse.domains.inventory.commands import put_postcodes
from lotse.domains.inventory.contracts import Postcode
from lotse.domains.inventory.queries import place_of
from lotse.domains.inventory.rules import distance_km, is_postcode, opening, region_of, state_of
from lotse.kernel.db import Transaction
from lotse.kernel.refusals import Invalid

HOURS = {day: [["10:00", "20:00"]] for day in ("mon", "tue", "wed", "thu", "fri")} | {"sat": [["10:00", "18:00"]]}


@pytest.mark.parametrize(
    ("at", "state", "is_open", "changes"),
    [
        ("2026-11-23T12:00", "BE", True, "2026-11-23T20:00"),
        ("2026-11-23T20:00", "BE", False, "2026-11-24T10:00"),
        ("2026-11-21T18:00", "BE", False, "2026-11-23T10:00"),
        # Corpus Christi: free in Cologne, not in Berlin.
        ("2027-05-27T12:00", "NW", False, "2027-05-28T10:00"),
        ("2027-05-27T12:00", "BE", True, "2027-05-27T20:00"),
        ("2026-12-24T20:30", "BE", False, "2026-12-28T10:00"),
    ],
)
def test_open_now_is_decided_in_the_stores_zone_and_calendar(at: str, state: str, is_open: bool, changes: str) -> None:
    zone = ZoneInfo("Europe/Berlin")
    local = datetime.fromisoformat(at).replace(tzinfo=zone)
    for moment in (local, local.astimezone(ZoneInfo("America/New_York"))):
        found = opening(HOURS, zone="Europe/Berlin", country="DE", state=state, at=moment)
        assert found.is_open is is_open
        assert found.changes_at == datetime.fromisoformat(changes).replace(tzinfo=zone)


def test_a_store_without_hours_never_opens() -> None:
    found = opening({}, zone="UTC", country="DE", state="", at=datetime(2026, 3, 2, tzinfo=ZoneInfo("UTC")))
    assert (found.is_open, found.changes_at) == (False, None)


@pytest.mark.parametrize(
    ("postcode", "city", "state"),
    [("10115", "Berlin", "BE"), ("50672", "Köln", "NW"), ("01067", "Dresden", "SN"), ("00000", None, "")],
)
def test_regions(postcode: str, city: str | None, state: str) -> None:
    found = region_of("DE", postcode)
    assert (found.city if found else None) == city
    assert state_of("DE", postcode) == state
    assert state_of("DE", postcode, "DE-BY") == "BY"


@pytest.mark.parametrize(("text", "is_one"), [("10115", True), ("1011", False), ("<b>", False), ("１０１１５", False)])
def test_what_a_postcode_looks_like(text: str, is_one: bool) -> None:
    assert is_postcode("DE", text) is is_one


def test_berlin_is_as_far_from_munich_as_atlases_say() -> None:
    assert distance_km(52.52, 13.405, 48.137, 11.575) == pytest.approx(504, abs=2)


async def test_an_imported_postcode_is_exact(tx: Transaction) -> None:
    assert (await place_of(tx, country="DE", postcode="20457")) == region_of("DE", "20457")
    for latitude in (53.5, 53.54):
        await put_postcodes(tx, [Postcode("DE", "20457", "Hamburg Altstadt", latitude, 9.99, "HH")])
    found = await place_of(tx, country="DE", postcode="20457")
    assert found
    assert (found.city, found.latitude, found.states) == ("Hamburg Altstadt", 53.54, ("HH",))
    assert found.is_exact
    nowhere = await place_of(tx, country="DE", postcode="99999")
    assert nowhere and not nowhere.is_exact, "its region, for there is no such postcode"
    assert await place_of(tx, country="DE", postcode="no\0 such") is None
    for wrong in (Postcode("DE", "", "x", 1, 1), Postcode("DE", "1", "x", 91, 1), Postcode("DE", "1", "x", 1, 1, "??")):
        with pytest.raises(Invalid):
            await put_postcodes(tx, [wrong])
