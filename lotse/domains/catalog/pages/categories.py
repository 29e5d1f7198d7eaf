"""Categories in the back office."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from msgspec import Meta, Struct

from lotse.domains.catalog import commands, queries
from lotse.domains.catalog.contracts import CategorySlugTaken, CategoryText, EditedCategory, PutCategory
from lotse.domains.catalog.pages.article import REFUSED, WRITES, beside, wrong_address
from lotse.domains.parties.contracts import Shop
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Database
from lotse.kernel.pages.forms import Form, checked, refused
from lotse.kernel.pages.view import View

_BESIDE = {"category-slug-taken": REFUSED["category-slug-taken"]}


class NewCategory(Struct, frozen=True):
    """What is typed to make a category, or to change that of `category_id`. `parent` is a slug; empty: a department."""

    slug: Annotated[str, Meta(min_length=1, max_length=120)]
    parent: Annotated[str, Meta(max_length=120)]
    position: Annotated[int, Meta(ge=0, le=10_000)] = 0
    category_id: UUID | None = None


@get("/office/categories", guards=[needs("catalog.read", "common")])
async def office_categories(
    view: View, database: Database, shop: Shop, principal: Principal, draft: Draft | None
) -> Response[str]:
    """The tree of categories."""
    async with database.reading() as connection:
        found = await queries.categories_for_edit(connection)
    below: dict[str, list[EditedCategory]] = {}
    for one in found:
        below.setdefault(one.parent or "", []).append(one)
    return view.show(
        "catalog/office_categories.html",
        below=below,
        flat=_in_tree_order(below),
        languages_of=list(shop.languages),
        called=partial(_called, language=view.language),
        typed=draft.typed if draft else {},
        form=Form.drafted(draft, NewCategory),
        refused=refused(view, draft, REFUSED),
        may_write=principal.may("catalog.write"),
    )


def _in_tree_order(below: Mapping[str, Sequence[EditedCategory]], parent: str = "") -> list[EditedCategory]:
    return [part for one in below.get(parent, ()) for part in (one, *_in_tree_order(below, one.slug))]


def _called(category: EditedCategory, language: str) -> str:
    named = {text.language: text.name for text in category.texts}
    return named.get(language) or named.get("en") or next(iter(named.values()), category.slug)


@post("/office/categories", guards=[WRITES], opt={"form": "/office/categories"}, status_code=303)
async def save_category(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime
) -> Response[Any]:
    """Make a category, or change its address, names, parent and place."""
    posted = await request.form()
    wanted = checked(posted, NewCategory, checks={"slug": wrong_address})
    async with database.transaction() as tx:
        by_slug = {one.slug: one for one in await queries.categories_for_edit(tx)}
        with beside("slug", _BESIDE):
            if wanted.category_id:
                await commands.rename_category(
                    tx, category_id=wanted.category_id, slug=wanted.slug, by=str(principal), at=at
                )
            elif wanted.slug in by_slug:
                raise CategorySlugTaken(slug=wanted.slug)
        there = next((one for one in by_slug.values() if one.id == wanted.category_id), None)
        descriptions = {text.language: text.description for text in there.texts} if there else {}
        texts = tuple(
            CategoryText(
                code,
                str(posted.get(f"name.{code}", "")).strip(),
                str(posted.get(f"description.{code}", descriptions.get(code, ""))).strip(),
            )
            for code in sorted({field[5:] for field in posted if field.startswith("name.")})
            if str(posted.get(f"name.{code}", "")).strip()
        )
        put = PutCategory(slug=wanted.slug, parent=wanted.parent or None, position=wanted.position, texts=texts)
        await commands.put_categories(tx, [put], by=str(principal), at=at)
    return Response("", status_code=303, headers={"Location": "/office/categories?done=categories"})
