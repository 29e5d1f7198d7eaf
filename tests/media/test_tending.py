"""Renditions are made once, what nobody uses goes after its time, and every reference has its file."""

import asyncio
from datetime import timedelta

import pytest
from PIL import Image

from lotse.domains.catalog.commands import put_products
from lotse.domains.catalog.contracts import PutPicture, PutProduct
from lotse.kernel import clock
from lotse.kernel.db import Database
from lotse.kernel.media import commands, names, queries, studio, tending
from lotse.kernel.media.commands import CutAll
from lotse.kernel.media.contracts import MediaChanged, MediaInUse, Medium, UnknownMedia
from lotse.kernel.media.library import Library
from lotse.kernel.media.names import Name, Rendition
from lotse.kernel.refusals import Invalid
from lotse.testing import Fresh
from tests.media import pictures


async def taken(library: Library, db: Database, seed: int, width: int = 700) -> tuple[Medium, Name]:
    content = pictures.jpeg(seed, width, width // 2)
    medium = await library.take(db, pictures.stream(content), by="test", at=clock.now())
    name = names.parsed(medium.name)
    assert name
    return medium, name


async def test_a_new_picture_is_cut_to_every_width_by_a_job(library: Library, db: Database, seed: int):
    _, name = await taken(library, db, seed)
    assert name.widths == (160, 320, 480, 640, 700)
    assert await library.cut(name) == 10
    for cut in names.renditions(name):
        opened = await library.store.find(names.rendition_key(name, cut))
        assert opened and opened.path
        with Image.open(opened.path) as found:
            assert found.size == (cut.width, name.height_at(cut.width))
            assert found.format == cut.format.upper()
    assert await library.cut(name) == 0  # once


async def test_many_who_ask_for_a_missing_one_have_one_maker(
    library: Library, db: Database, seed: int, monkeypatch: pytest.MonkeyPatch
):
    _, name = await taken(library, db, seed)
    made = 0
    real = studio.cut

    async def counted(*given: object) -> None:
        nonlocal made
        made += 1
        await real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(studio, "cut", counted)
    found = await asyncio.gather(*(library.rendition(name, Rendition(320, "webp")) for _ in range(20)))
    assert made == 1 and all(opened and opened.size for opened in found)


async def test_the_job_bears_being_run_for_what_is_gone(db: Database):
    gone = f"{'0' * 64}-100x100.jpg"
    assert await tending.cut_all(db, CutAll(gone), at=clock.now()) == 0


async def test_what_nobody_uses_goes_after_its_time_and_what_is_used_stays(
    library: Library, db: Database, seed: int, fresh: Fresh
):
    at = clock.now()
    unused, unused_name = await taken(library, db, seed)
    used, used_name = await taken(library, db, seed + 1)
    await library.cut(unused_name)
    async with db.transaction() as tx:
        slug = fresh.text("article").lower().replace("_", "-")
        put = PutProduct(slug=slug, state="draft", pictures=(PutPicture(media=used.name),))
        await put_products(tx, [put], by="test", at=at)

    later = at + timedelta(hours=2)
    assert await tending.sweep_unused(db, library, at=later) == 0  # noted
    async with db.reading() as conn:
        found = await queries.media_by_names(conn, names=[unused.name, used.name])
    assert found[unused.name].unused_since == later and found[used.name].unused_since is None

    await tending.sweep_unused(db, library, at=later + timedelta(days=13))
    assert await library.find(unused_name)
    assert await tending.sweep_unused(db, library, at=later + timedelta(days=15)) >= 1
    async with db.reading() as conn:
        assert set(await queries.media_by_names(conn, names=[unused.name, used.name])) == {used.name}
    assert await library.find(unused_name) is None
    assert await library.store.find(names.rendition_key(unused_name, Rendition(160, "webp"))) is None
    assert await library.find(used_name)


async def test_what_is_used_again_in_time_stays(library: Library, db: Database, seed: int):
    at = clock.now()
    medium, name = await taken(library, db, seed)
    await tending.sweep_unused(db, library, at=at + timedelta(hours=2))
    again, _ = await taken(library, db, seed)  # uploaded anew: wanted anew
    assert again.name == medium.name and again.unused_since is None
    await tending.sweep_unused(db, library, at=at + timedelta(days=15))
    assert await library.find(name)


async def test_what_is_in_use_cannot_be_removed_by_hand(library: Library, db: Database, seed: int, fresh: Fresh):
    medium, name = await taken(library, db, seed)
    async with db.transaction() as tx:
        slug = fresh.text("article").lower().replace("_", "-")
        put = PutProduct(slug=slug, state="draft", pictures=(PutPicture(media=medium.name),))
        await put_products(tx, [put], by="test", at=clock.now())
    with pytest.raises(MediaInUse):
        await library.remove(db, medium.name)
    assert await library.find(name)


async def test_the_check_finds_what_is_lost_and_what_is_damaged(library: Library, db: Database, seed: int):
    (lost, lost_name), (damaged, damaged_name) = (await taken(library, db, seed), await taken(library, db, seed + 1))
    mine = {f"media:{lost.name}", f"media:{damaged.name}"}

    async def found(*, deep: bool) -> set[tuple[str, str]]:
        differences = await tending.differences(db, library, deep=deep)
        return {(one.check, one.subject) for one in differences if one.subject in mine}

    assert await found(deep=True) == set()
    opened = await library.find(damaged_name)
    assert opened and opened.path
    content = bytearray(opened.path.read_bytes())
    content[len(content) // 2] ^= 1
    opened.path.write_bytes(content)
    await library.store.remove(names.key_of(lost_name))
    assert await found(deep=False) == {("media_files", f"media:{lost.name}")}
    assert await found(deep=True) == {
        ("media_files", f"media:{lost.name}"),
        ("media_content", f"media:{damaged.name}"),
    }


# -- describing: a row per outcome, in the order of checks

DESCRIBED = [
    ({"title": "x" * 201}, Invalid),
    ({"alt": {"de": "x" * 501}}, Invalid),
    ({"focal": (101, 0)}, Invalid),
    ({"name": f"{'0' * 64}.svg"}, UnknownMedia),
    ({"seen": clock.now() - timedelta(days=1)}, MediaChanged),
    ({}, None),
]


@pytest.mark.parametrize(("change", "refusal"), DESCRIBED)
async def test_describing(library: Library, db: Database, seed: int, change: dict[str, object], refusal: type | None):
    medium = await library.take(db, pictures.stream(pictures.svg(seed=seed)), by="test", at=clock.now())
    asked = {
        "name": medium.name, "title": "shoe.svg", "alt": {"de": "Ein Schuh", "en": " "}, "focal": (30, 70),
        "seen": medium.changed_at, **change,
    }  # fmt: skip
    async with db.transaction() as tx:
        if refusal:
            with pytest.raises(refusal):
                await commands.describe(tx, **asked, by="test", at=clock.now())  # type: ignore[arg-type]
            return
        new = await commands.describe(tx, **asked, by="test", at=clock.now())  # type: ignore[arg-type]
    assert (new.alt, new.focal_x, new.focal_y) == ({"de": "Ein Schuh"}, 30, 70)
    async with db.reading() as conn:
        lacking = await queries.media(conn, lacking="en", words="shoe.svg")
        assert medium.name in {one.name for one in lacking.items}
        found = await queries.media(conn, lacking="de", words="Ein Schuh")
        assert medium.name not in {one.name for one in found.items}


async def test_what_lists_show_of_a_new_drawing_is_drawn_by_a_job(library: Library, db: Database, seed: int):
    rect = f'<rect width="300" height="200" fill="#{seed:06x}"/>'
    content = f'<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200">{rect}</svg>'.encode()
    newest = clock.now() + timedelta(days=3650)
    [stored] = await library.take_drawings(db, [(content, "field.svg")], by="test", at=newest)
    async with db.reading() as conn:
        waiting = await conn.raw.fetchval("select count(*) from pgqueuer.pgqueuer where entrypoint = 'media.draw'")
    assert waiting == 1  # however many drawings came
    name = names.parsed(stored)
    assert name
    # One drawing, then its time is over.
    assert await tending.draw_missing(db, library, seconds=0) == 2
    there = {str(cut) for cut in names.renditions(name) if await library.store.find(names.rendition_key(name, cut))}
    assert there == {"1-320.avif", "1-480.avif"}
    assert await library.cut(name, tending.IN_LISTS) == 0
