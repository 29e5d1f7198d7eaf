"""Write, publish and roll back pages; menus; redirects without circles; what visitors asked for in vain."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import structs, to_builtins

from lotse.domains.content.contracts import Asked as AskedPath
from lotse.domains.content.contracts import (
    BadPath,
    BadPeriod,
    Draft,
    Menu,
    MenuChanged,
    MenuItem,
    Page,
    PageChanged,
    Redirect,
    RedirectLoop,
    SlugOfPageTaken,
    UnknownPage,
    Version,
    Written,
)
from lotse.domains.content.queries import READS
from lotse.domains.content.rules import check, is_slug, path_of, target_of
from lotse.kernel import audit
from lotse.kernel.db import Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.outbox import emit
from lotse.kernel.refusals import refusing
from lotse.kernel.sql import statements

WRITES = statements("lotse.domains.content", "writes")

# Longer chains are a mistake of years; browsers follow twenty.
MOST_STEPS = 10
# New lost paths are not taken any more when there are so many: robots know no end.
MOST_LOST = 5_000


async def add_page(tx: Transaction, *, shop_id: UUID, slug: str, by: str, at: datetime) -> UUID:
    """Make a page; it is shown once something is published. Refusals: `BadPath`, `SlugOfPageTaken`."""
    if not is_slug(slug):
        raise BadPath(field="slug", rule="small letters, digits and single hyphens")
    id = uuid7()
    with refusing({"pages_address": lambda: SlugOfPageTaken(slug=slug)}):
        await tx.execute(WRITES.add_page, id=id, shop_id=shop_id, slug=slug, by=by, at=at)
    await audit.record(tx, actor=by, subject=f"content.page:{id}", old=None, new={"slug": slug}, at=at)
    return id


async def put_draft(tx: Transaction, *, page_id: UUID, language: str, written: Written, by: str, at: datetime) -> None:
    """Keep what is being written; it may be unfinished. Refusal: `UnknownPage`."""
    await _held(tx, page_id)
    await tx.execute(
        WRITES.put_draft,
        page_id=page_id,
        language=language,
        title=written.title,
        description=written.description,
        blocks=to_builtins(written.blocks),
        by=by,
        at=at,
    )


async def publish(
    tx: Transaction,
    *,
    page_id: UUID,
    language: str,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    by: str,
    at: datetime,
) -> UUID:
    """Show the draft from a moment on (now), perhaps until another; the id of its version.

    Refusals in this order: `UnknownPage`, `BadPeriod`, `BadBlock`.
    """
    page = await _held(tx, page_id)
    draft = await tx.maybe(READS.draft, Draft, page_id=page_id, language=language)
    if draft is None:
        raise UnknownPage(page=f"{page.slug}/{language}")
    begins = _period(valid_from, valid_until, at)
    check(draft.blocks)
    id = uuid7()
    await tx.execute(
        WRITES.add_version,
        id=id,
        page_id=page_id,
        language=language,
        title=draft.title,
        description=draft.description,
        blocks=to_builtins(draft.blocks),
        by=by,
        at=at,
    )
    await _show(tx, page, language, id, begins, valid_until, by, at)
    return id


async def publish_version(
    tx: Transaction,
    *,
    version_id: UUID,
    by: str,
    at: datetime,
) -> None:
    """Roll back (or forth): show a version again from now on. Refusal: `UnknownPage`."""
    version = await tx.maybe(READS.version, Version, version_id=version_id)
    if version is None:
        raise UnknownPage(page=str(version_id))
    page = await _held(tx, version.page_id)
    await _show(tx, page, version.language, version.id, at, None, by, at)


async def take_down(tx: Transaction, *, page_id: UUID, language: str, by: str, at: datetime) -> None:
    """Show nothing any more in a language; what comes with Lotse stands in, if there is something."""
    page = await _held(tx, page_id)
    await _show(tx, page, language, None, at, None, by, at)


async def withdraw_publication(tx: Transaction, *, page_id: UUID, publication_id: UUID, by: str, at: datetime) -> bool:
    """Take back what was planned and has not begun; whether there was such a plan."""
    page = await _held(tx, page_id)
    gone = await tx.execute(WRITES.withdraw_publication, page_id=page_id, publication_id=publication_id, at=at)
    if gone:
        await audit.record(
            tx,
            actor=by,
            subject=f"content.page:{page_id}",
            old={"planned": publication_id},
            new={"planned": None},
            at=at,
        )
        await emit(tx, PageChanged(page.id, page.shop_id, page.slug), at=at)
    return bool(gone)


async def rename(tx: Transaction, *, page_id: UUID, slug: str, by: str, at: datetime) -> None:
    """Give a page another address; the old one leads there. Refusals: `UnknownPage`, `BadPath`, `SlugOfPageTaken`."""
    page = await _held(tx, page_id)
    if page.slug == slug:
        return
    if not is_slug(slug):
        raise BadPath(field="slug", rule="small letters, digits and single hyphens")
    with refusing({"pages_address": lambda: SlugOfPageTaken(slug=slug)}):
        await tx.execute(WRITES.rename, page_id=page_id, slug=slug)
    # Where the page is now nothing leads away from any more.
    await tx.execute(WRITES.remove_redirect, shop_id=page.shop_id, path=f"/info/{slug}")
    await put_redirect(
        tx, shop_id=page.shop_id, path=f"/info/{page.slug}", target=f"/info/{slug}", status=301, by=by, at=at
    )
    await audit.record(
        tx, actor=by, subject=f"content.page:{page_id}", old={"slug": page.slug}, new={"slug": slug}, at=at
    )
    await emit(tx, PageChanged(page.id, page.shop_id, slug), at=at)


async def put_menu(
    tx: Transaction, *, shop_id: UUID, place: str, language: str, items: Sequence[MenuItem], by: str, at: datetime
) -> None:
    """Set the links of head or foot; none: those that come with Lotse."""
    before = await tx.many(READS.menus, Menu, shop_id=shop_id, languages=[language])
    await tx.execute(
        WRITES.put_menu,
        shop_id=shop_id,
        place=place,
        language=language,
        items=[structs.asdict(item) for item in items],
        by=by,
        at=at,
    )
    nothing: list[MenuItem] = []
    old = next((menu.items for menu in before if menu.place == place), nothing)
    await audit.record(
        tx,
        actor=by,
        subject=f"content.menu:{shop_id}:{place}:{language}",
        old=[structs.asdict(item) for item in old],
        new=[structs.asdict(item) for item in items],
        at=at,
    )
    await emit(tx, MenuChanged(shop_id), at=at)


async def put_redirect(
    tx: Transaction, *, shop_id: UUID, path: str, target: str | None, status: int = 301, by: str, at: datetime
) -> UUID:
    """Have a path lead somewhere, or say that it is gone (410, no target). Refusals: `BadPath`, `RedirectLoop`."""
    begin = path_of(path)
    end = None if target is None else target_of(target)
    if (status == 410) != (end is None) or status not in (301, 302, 410):
        raise BadPath(field="target", rule="a target, or gone for good without one")
    if begin == "/":
        raise BadPath(field="path", rule="not the first page")
    await tx.value(WRITES.lock_redirects, shop_id=shop_id)
    if end is not None:
        there = path_of(end) if end.startswith("/") else ""
        way = [
            path_of(step) if step.startswith("/") else step
            for step in await tx.values(READS.way_from, shop_id=shop_id, path=there, most=MOST_STEPS)
        ]
        if begin in (there, *way) or len(way) >= MOST_STEPS:
            raise RedirectLoop(path=begin, target=end)
    before = await tx.maybe(READS.redirect_at, Redirect, shop_id=shop_id, path=begin)
    id = before.id if before else uuid7()
    await tx.execute(WRITES.put_redirect, id=id, shop_id=shop_id, path=begin, target=end, status=status, by=by, at=at)
    await tx.execute(WRITES.settle_lost, shop_id=shop_id, path=begin)
    await audit.record(
        tx,
        actor=by,
        subject=f"content.redirect:{begin}",
        old=None if before is None else {"target": before.target, "status": before.status},
        new={"target": end, "status": status},
        at=at,
    )
    return id


async def remove_redirect(tx: Transaction, *, shop_id: UUID, redirect_id: UUID, by: str, at: datetime) -> None:
    """Let a path lead nowhere again."""
    found = await tx.maybe(READS.redirect, Redirect, redirect_id=redirect_id)
    if found is None or found.shop_id != shop_id:
        return
    await tx.execute(WRITES.remove_redirect, shop_id=shop_id, path=found.path)
    await audit.record(
        tx, actor=by, subject=f"content.redirect:{found.path}", old={"target": found.target}, new=None, at=at
    )


async def note_lost(tx: Transaction, *, shop_id: UUID, asked: Sequence[AskedPath], at: datetime) -> None:
    """Add up what a process counted; new paths only while there is room."""
    rows = sorted(asked, key=lambda one: one.path)  # in one order, so that two processes cannot deadlock
    await tx.execute(
        WRITES.note_lost,
        shop_id=shop_id,
        ids=[uuid7() for _ in rows],
        paths=[one.path for one in rows],
        asked=[one.asked for one in rows],
        hosts=[one.referrer_host for one in rows],
        most=MOST_LOST,
        at=at,
    )


async def ignore_lost(tx: Transaction, *, shop_id: UUID, lost_id: UUID) -> None:
    """Take a path from the work list that does not matter."""
    await tx.execute(WRITES.ignore_lost, shop_id=shop_id, lost_id=lost_id)


async def sweep_lost(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Forget paths that nobody asked for since; how many."""
    return await tx.execute(WRITES.sweep_lost, before=before, limit=limit)


async def _held(tx: Transaction, page_id: UUID) -> Page:
    found = await tx.maybe(READS.hold_page, Page, page_id=page_id)
    if found is None:
        raise UnknownPage(page=str(page_id))
    return found


def _period(valid_from: datetime | None, valid_until: datetime | None, at: datetime) -> datetime:
    begins = max(valid_from, at) if valid_from else at
    if valid_until is not None and valid_until <= begins:
        raise BadPeriod(valid_from=begins, valid_until=valid_until)
    return begins


async def _show(
    tx: Transaction,
    page: Page,
    language: str,
    version_id: UUID | None,
    valid_from: datetime,
    valid_until: datetime | None,
    by: str,
    at: datetime,
) -> None:
    await tx.execute(
        WRITES.publish,
        id=uuid7(),
        page_id=page.id,
        language=language,
        version_id=version_id,
        valid_from=valid_from,
        valid_until=valid_until,
        by=by,
        at=at,
    )
    await audit.record(
        tx,
        actor=by,
        subject=f"content.page:{page.id}",
        old=None,
        new={"language": language, "version": version_id, "from": valid_from, "until": valid_until},
        at=at,
    )
    await emit(tx, PageChanged(page.id, page.shop_id, page.slug), at=at)
