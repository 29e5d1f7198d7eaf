"""The back office's pages about mails: what a list says of those that were erased, and which words are not saved."""

from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar

from lotse.domains.customers import commands as accounts
from lotse.domains.messages.contracts import AboutOrder
from lotse.domains.messages.queries import ORDER_PLACED, PASSWORD_CHANGED
from lotse.kernel import clock
from lotse.kernel.auth import tokens
from lotse.kernel.db import Database
from lotse.kernel.mail import post, texts
from lotse.kernel.mail.contracts import To
from lotse.testing import Fresh
from tests.scene import open_shop
from tests.web.conftest import ORIGIN, at_origin


@pytest.fixture
async def pages(whole_pages: Litestar, db: Database, fresh: Fresh) -> AsyncIterator[httpx.AsyncClient]:
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
        scopes = ["mail.read", "mail.write"]
        made = await tokens.make(tx, name="test", scopes=scopes, days=1, actor="system", at=clock.now())
    whole_pages.state.shop = (float("inf"), place.shop)
    async with at_origin(whole_pages) as client:
        client.headers.update({"Authorization": f"Bearer {made.secret}", "Origin": ORIGIN, "Accept-Language": "en"})
        yield client


async def test_a_mail_that_was_erased_is_not_called_unwritten(
    pages: httpx.AsyncClient, db: Database, fresh: Fresh
) -> None:
    party = fresh.id()
    async with db.transaction() as tx:
        to = To(address=f"{fresh.text('anna')}@example.org", language="en", party_id=party)
        id = await post.enqueue(tx, ORDER_PLACED, AboutOrder(fresh.id()), to=to, event_id=fresh.id(), at=clock.now())

    async def row() -> str:
        answer = await pages.get("/office/mails")
        assert answer.status_code == 200, answer.text[:3_000]
        return answer.text.partition(f'data-row="{id}"')[2].partition("</tr>")[0]

    assert "not written yet" in await row()
    async with db.transaction() as tx:
        await post.erase_party(tx, party_id=party)
    assert "not written yet" not in await row() and (await row()).count("erased") == 2


async def test_words_without_what_a_mail_must_hold_are_not_saved(
    pages: httpx.AsyncClient, whole_api: Litestar, db: Database, fresh: Fresh
) -> None:
    email, now = f"{fresh.text('anna')}@example.org", clock.now()
    async with db.transaction() as tx:
        shop_id = (await open_shop(tx, fresh)).shop.id
    await accounts.register(
        db, shop_id=shop_id, name="Anna", email=email, password="three wet otters sing", guesser=email, at=now
    )
    typed = {"subject": "Hallo", "preview": "", "body": "Hallo", "key": str(fresh.id())}
    path, query = f"/office/mail-texts/{PASSWORD_CHANGED.name}", f"?in=de&of={shop_id}"
    seen = await pages.post(f"{path}/preview{query}", data=typed)
    assert "This mail must also show: {{ when }}, {{ forgotten_link }}." in seen.text
    async with at_origin(whole_api) as client:
        client.headers.update(pages.headers)
        answer = await client.post(path + query, data=typed)
        assert answer.status_code == 303 and "done=" not in answer.headers["location"], answer.text[:3_000]
        async with db.reading() as conn:
            chosen = await texts.current(conn, PASSWORD_CHANGED, shop_id=shop_id, language="de")
        assert chosen.edited is None
        typed["body"] = "{{ when }} [hier]({{ forgotten_link }})"
        answer = await client.post(path + query, data=typed)
        assert "done=mail_text" in answer.headers["location"]
