"""Paying through a provider, over HTTP against the simulated one: every way it can go ends in one order or in no money.

Tables of what goes wrong where; what two tabs, two clicks and two messages at once do; and who dies when.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import pytest

from lotse.domains.checkout import commands, jobs, queries
from lotse.domains.checkout.commands import paying
from lotse.domains.checkout.contracts import BasketOrdered, Paying
from lotse.domains.checkout.queries import Assortment
from lotse.domains.checkout.reactions import on_amended, on_received
from lotse.domains.orders import commands as orders
from lotse.domains.orders.contracts import OrderAmended
from lotse.domains.orders.queries import order as read_order
from lotse.domains.payments import commands as payments
from lotse.domains.payments import jobs as payment_jobs
from lotse.domains.payments.contracts import (
    Charge,
    ChargeNotReady,
    ChargeUnderWay,
    MethodNeedsCharge,
    MethodUnknown,
    Notice,
    Received,
    Report,
    WebhookForged,
    providers,
)
from lotse.domains.payments.queries import charge as read_charge
from lotse.domains.payments.queries import money_of, refunds_of, trail
from lotse.domains.payments.queries import payment as read_payment
from lotse.domains.pools.queries import balance
from lotse.domains.pools.queries import hold as read_hold
from lotse.kernel import check, clock
from lotse.kernel.idempotency import KeyReused, key_for
from lotse.kernel.settings import Settings
from lotse.plugins.pay_simulated.faults import Faults
from lotse.plugins.pay_simulated.provider import Simulated
from lotse.plugins.pay_simulated.server import serve
from lotse.plugins.pay_simulated.wire import signature
from tests.scene import AT

SECRET = "a secret of both sides"
# The provider lives by the clock, the shop's prices begin at AT: whichever is later is now. Hours ahead, because this
# is read when the tests are collected, and the provider must not close its pages before the last of them is run.
NOW = max(clock.now() + timedelta(hours=6), datetime(2026, 11, 21, 13, tzinfo=AT.tzinfo))
MINUTE = timedelta(minutes=1)


class Psp:
    """The other side, with its books in a folder of the test."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._path = folder / "psp.sqlite"
        self._settings = settings
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {SECRET}"})
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._stop = asyncio.Event()
        options = {"secret": SECRET, "data": self._path}
        self._running = asyncio.create_task(serve(listener, self._stop, settings=self._settings, options=options))
        while True:  # it listens already; this waits for it to answer
            async with self._session.get(self.url + "/health") as response:
                if response.status == 200:
                    return

    async def stop(self) -> None:
        self._stop.set()
        if self._running:
            await self._running

    async def close(self) -> None:
        await self.stop()
        await self._session.close()

    async def faults(self, **given: float) -> None:
        body = msgspec.json.encode(Faults(**given))
        async with self._session.post(self.url + "/faults", data=body) as response:
            assert response.status == 200, await response.text()

    async def ask(self, path: str, body: object = None) -> Any:
        """As the shop would, from beside it."""
        async with self._session.post(self.url + path, data=msgspec.json.encode(body or {})) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def truth(self, charge_id: UUID) -> dict[str, Any] | None:
        async with self._session.get(f"{self.url}/charges/{charge_id}") as response:
            return await response.json() if response.status == 200 else None

    async def buyer(self, url: str, action: str, **typed: str) -> None:
        """What the buyer does on the page."""
        async with self._session.post(url, data={"action": action, **typed}, allow_redirects=False) as response:
            assert response.status in (200, 303), await response.text()


@pytest.fixture
async def psp(tmp_path, settings, monkeypatch) -> AsyncIterator[Psp]:
    made = Psp(tmp_path, settings)
    await made.start()
    monkeypatch.setenv("LOTSE_PAY_SIMULATED_URL", made.url)
    monkeypatch.setenv("LOTSE_PAY_SIMULATED_SECRET", SECRET)
    yield made
    await made.close()


class Buyer:
    """Somebody with a basket of one ball for 11.90 and 4.95 of delivery."""

    TOTAL = 1685

    def __init__(self, store, basket_id: UUID, ball) -> None:
        self.store, self.basket_id, self.ball = store, basket_id, ball

    async def pay(self, *, key: str = "", method: str = "card_test", total: int = TOTAL, at: datetime = NOW) -> Paying:
        purchase = self.store.purchase(total, method=method)
        return await commands.pay(
            self.store.desk,
            self.store.db,
            self.store.assortment,
            shop=self.store.shop,
            basket_id=self.basket_id,
            purchase=purchase,
            language="en",
            channel="web",
            origin="",
            return_url=lambda id: f"http://shop.example/pay/{id}",
            webhook_url="",
            key=key_for("test", key or f"pay {self.basket_id}", purchase),
            actor="guest",
            at=at,
        )

    async def settle(self, charge_id: UUID, at: datetime = NOW) -> Paying:
        return await commands.settle(self.store.desk, self.store.db, charge_id=charge_id, at=at, eager=True)

    async def charge(self, charge_id: UUID) -> Charge:
        async with self.store.db.reading() as conn:
            found = await read_charge(conn, charge_id=charge_id)
        assert found
        return found

    async def said(self, charge_id: UUID) -> list[str]:
        async with self.store.db.reading() as conn:
            return [f"{one.what} {one.outcome}".strip() for one in await trail(conn, charge_id=charge_id)]

    async def stock(self) -> tuple[int, int]:
        async with self.store.db.reading() as conn:
            found = await balance(conn, pool_id=self.ball.pools[0])
        assert found
        return found.on_hand, found.held


@pytest.fixture
async def buyer(store, psp) -> Buyer:
    ball = await store.article(3)
    return Buyer(store, await store.basket((ball, 1)), ball)


async def differences(store, *charges: UUID) -> list[Any]:
    """What `lotse check` says of payments, orders and baskets that concerns these charges."""
    found = await check.run(store.db)
    return [one for one in found if any(str(id) in f"{one.subject}{one.expected}{one.found}" for id in charges)]


async def test_from_the_payment_page_to_the_order(buyer, psp):
    begun = await buyer.pay()
    assert (begun.state, begun.redirect_url.startswith(psp.url + "/pay/")) == ("redirect", True)
    assert await buyer.stock() == (3, 1)
    assert (await buyer.settle(begun.charge_id)).state == "redirect"  # looked at too early
    await psp.buyer(begun.redirect_url, "approve")
    done = await buyer.settle(begun.charge_id)
    assert (done.state, await buyer.stock()) == ("ordered", (2, 0))
    charge = await buyer.charge(begun.charge_id)
    assert (charge.state, charge.captured_minor, charge.look_at) == ("captured", buyer.TOTAL, None)
    assert await buyer.said(charge.id) == [
        "begun", "authorise", "authorise redirect", "status authorised", "order", "capture captured"
    ]  # fmt: skip
    async with buyer.store.db.reading() as conn:
        order = await read_order(conn, order_id=done.order_id)
        assert order
        payment = await read_payment(conn, payment_id=order.payment_id)
        assert payment and (payment.state, payment.method) == ("paid", "card_test")
        assert [one.reference for one in await money_of(conn, payment_id=payment.id)] == [f"simulated:{charge.id}"]
        found = await queries.attempt(conn, charge_id=charge.id)
        assert found and (found.order, found.closed_at) == (None, NOW)
        hold = await read_hold(conn, hold_id=found.hold_id)
        assert hold and hold.state == "claimed"
    assert (await psp.truth(charge.id) or {})["captured_minor"] == buyer.TOTAL
    assert await differences(buyer.store, charge.id, order.id) == []


# What the provider does to each of our questions, and how it ends after the buyer has approved.
FAULTS = [
    pytest.param({}, "ordered", id="nothing"),
    pytest.param({"direct": 1}, "ordered", id="no page needed"),
    pytest.param({"challenge": 1}, "ordered", id="3-D Secure"),
    pytest.param({"decline": 1}, "failed", id="declined at once"),
    pytest.param({"lost": 0.4}, "ordered", id="answers lost after acting"),
    pytest.param({"unavailable": 0.4}, "ordered", id="503"),
    pytest.param({"down": 0.4}, "ordered", id="connections cut"),
    pytest.param({"capture_declined": 1}, "failed", id="capture declined"),
]


@pytest.mark.parametrize(("faults", "state"), FAULTS)
@pytest.mark.parametrize("capture", ["at_once", "order"])
async def test_whatever_the_provider_does_it_ends_in_one_order_or_no_money(
    buyer, psp, monkeypatch, faults, state, capture
):
    monkeypatch.setenv("LOTSE_PAY_SIMULATED_CAPTURE", capture)
    monkeypatch.setattr("lotse.plugins.pay_simulated.provider.PAUSES_SECONDS", (0.0,) * 5)
    if capture == "at_once" and "capture_declined" in faults:
        state = "ordered"  # nothing is captured later
    await psp.faults(**faults)
    ended = await buyer.pay()
    for minute in range(1, 15):
        if ended.state in ("ordered", "failed") and not (await buyer.charge(ended.charge_id)).is_open:
            break
        if ended.state == "redirect":
            await approve(psp, ended.redirect_url)
        ended = await buyer.settle(ended.charge_id, NOW + minute * MINUTE)
    charge = await buyer.charge(ended.charge_id)
    truth = await psp.truth(charge.id) or {}
    assert (ended.state, charge.is_open) == (state, False), await buyer.said(charge.id)
    kept = truth["captured_minor"] - truth["refunded_minor"]
    reserved = truth["authorised_minor"] - truth["captured_minor"] - truth["voided_minor"]
    assert (kept, reserved) == ((buyer.TOTAL, 0) if state == "ordered" else (0, 0))
    assert await buyer.stock() == ((2, 0) if state == "ordered" else (3, 0))
    assert await differences(buyer.store, charge.id) == []


async def test_a_refused_capture_that_is_told_twice_cancels_the_order(buyer, psp, monkeypatch):
    """The message about it is faster than the answer: the second of the two must not end the charge as it stands."""
    asked = Simulated.capture

    async def told_before(self: Simulated, reference: str, *, amount_minor: int, currency: str) -> Report:
        report = await asked(self, reference, amount_minor=amount_minor, currency=currency)
        async with buyer.store.db.transaction() as tx:
            await payments.report_charge(tx, charge_id=UUID(reference), report=report, what="webhook", at=NOW)
        return report

    monkeypatch.setattr(Simulated, "capture", told_before)
    await psp.faults(capture_declined=1)
    begun = await buyer.pay()
    await psp.buyer(begun.redirect_url, "approve")
    done = await buyer.settle(begun.charge_id)
    charge = await buyer.charge(begun.charge_id)
    assert (done.state, charge.state, await buyer.stock()) == ("failed", "voided", (3, 0)), await buyer.said(charge.id)
    async with buyer.store.db.reading() as conn:
        order = await read_order(conn, order_id=done.order_id)
    assert order and order.cancelled
    assert await differences(buyer.store, charge.id, order.id) == []


async def approve(psp: Psp, url: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        page = await response.text()
    code = page.partition("<code>")[2].partition("</code>")[0]
    await psp.buyer(url, "approve", code=code)


async def test_a_wrong_code_thrice_is_a_decline(buyer, psp):
    await psp.faults(challenge=1)
    begun = await buyer.pay()
    for _ in range(3):
        await psp.buyer(begun.redirect_url, "approve", code="wrong")
    assert (await buyer.settle(begun.charge_id)).reason == "challenge-failed"
    assert await buyer.stock() == (3, 0)


async def test_a_decline_keeps_the_basket_and_another_try_may_succeed(buyer, psp):
    begun = await buyer.pay()
    await psp.buyer(begun.redirect_url, "decline")
    failed = await buyer.settle(begun.charge_id)
    assert (failed.state, failed.reason, failed.order_id) == ("failed", "declined-by-buyer", None)
    assert await buyer.stock() == (3, 0)
    assert (await buyer.pay()).charge_id == begun.charge_id  # the same key is the same attempt
    again = await buyer.pay(key=f"again {buyer.basket_id}")
    await psp.buyer(again.redirect_url, "approve")
    assert (await buyer.settle(again.charge_id)).state == "ordered"
    assert await differences(buyer.store, begun.charge_id, again.charge_id) == []


# -- what stands in the way of the order once the money is there


async def basket_changed(buyer: Buyer) -> str:
    await commands.add_line(
        buyer.store.db, buyer.store.assortment, shop=buyer.store.shop, basket_id=buyer.basket_id,
        offer_id=buyer.ball.offer_id, quantity=1, at=NOW,
    )  # fmt: skip
    return "basket-changed"


async def basket_ordered(buyer: Buyer) -> str:
    async with buyer.store.db.transaction() as tx:
        await tx.raw.execute("update checkout.baskets set order_id = id where id = $1", buyer.basket_id)
    return "basket-ordered"


async def stock_gone(buyer: Buyer) -> str:
    """The hold has expired, and others were faster."""
    async with buyer.store.db.transaction() as tx:
        await tx.raw.execute("update pools.hold_lines set expires_at = now() - interval '1 hour' where pool_id = $1",
                             buyer.ball.pools[0])  # fmt: skip
    store = buyer.store
    basket_id = await store.basket((buyer.ball, 3))
    await commands.place(
        store.desk, store.db, store.assortment, shop=store.shop, basket_id=basket_id,
        purchase=store.purchase(3 * 1190 + 495), language="en", channel="web", key=store.key(), actor="guest", at=NOW,
    )  # fmt: skip
    return "out-of-stock"


async def price_changed_after_the_hold(buyer: Buyer) -> str:
    async with buyer.store.db.transaction() as tx:
        await buyer.store.price(tx, buyer.ball.variant_id, "12.90", at=NOW)
    return "price-changed"


@pytest.mark.parametrize("capture", ["at_once", "order"])
@pytest.mark.parametrize("happens", [basket_changed, basket_ordered, stock_gone, price_changed_after_the_hold])
async def test_money_goes_back_when_the_order_cannot_be_placed(buyer, psp, monkeypatch, happens, capture):
    monkeypatch.setenv("LOTSE_PAY_SIMULATED_CAPTURE", capture)
    begun = await buyer.pay()
    await psp.buyer(begun.redirect_url, "approve")
    reason = await happens(buyer)
    # Only the hold's end makes the price the shop's again.
    at = NOW + 21 * MINUTE if happens is price_changed_after_the_hold else NOW
    failed = await buyer.settle(begun.charge_id, at)
    charge = await buyer.charge(begun.charge_id)
    assert (failed.state, failed.reason) == ("failed", reason)
    assert charge.state == ("refunded" if capture == "at_once" else "voided")
    truth = await psp.truth(charge.id) or {}
    assert truth["captured_minor"] == truth["refunded_minor"]
    assert truth["authorised_minor"] == truth["captured_minor"] + truth["voided_minor"]
    assert charge.unplaced_minor == charge.captured_minor
    if happens is not basket_ordered:
        assert await differences(buyer.store, charge.id) == []


async def test_a_price_that_changed_is_the_buyers_as_long_as_the_hold(buyer, psp):
    begun = await buyer.pay()
    await price_changed_after_the_hold(buyer)
    await psp.buyer(begun.redirect_url, "approve")
    assert (await buyer.settle(begun.charge_id, NOW + MINUTE)).state == "ordered"


async def test_a_late_payment_takes_again_what_is_still_there(buyer, psp):
    begun = await buyer.pay()
    await psp.buyer(begun.redirect_url, "approve")
    async with buyer.store.db.transaction() as tx:
        await tx.raw.execute("update pools.hold_lines set expires_at = now() - interval '1 hour' where pool_id = $1",
                             buyer.ball.pools[0])  # fmt: skip
    assert (await buyer.settle(begun.charge_id, NOW + 30 * MINUTE)).state == "ordered"
    assert await buyer.stock() == (2, 0)


@pytest.mark.parametrize(("variation", "pieces", "total"), [("lower", 4, 4760), ("higher", 5, 6445)])
async def test_a_late_payment_goes_by_the_free_delivery_that_was_told(store, psp, variation, pieces, total):
    ball = await store.article(6)
    store.assortment = Assortment(store.db, store.tags, free_from=variation)
    buyer = Buyer(store, await store.basket((ball, pieces)), ball)
    begun = await buyer.pay(total=total)
    await psp.buyer(begun.redirect_url, "approve")
    async with store.db.transaction() as tx:
        await tx.raw.execute("update pools.hold_lines set expires_at = now() - interval '1 hour' where pool_id = $1",
                             ball.pools[0])  # fmt: skip
    assert (await buyer.settle(begun.charge_id, NOW + 30 * MINUTE)).state == "ordered"


# -- two of everything


async def test_a_double_click_is_one_attempt(buyer, psp):
    both = await asyncio.gather(buyer.pay(), buyer.pay())
    assert both[0].charge_id == both[1].charge_id
    with pytest.raises(KeyReused):
        await buyer.pay(total=buyer.TOTAL - 1)


async def test_the_second_tab_takes_the_place_of_the_first(buyer, psp):
    """Also its hold: with all three pieces in the basket nobody stands in their own way."""
    first = await buyer.pay()
    second = await buyer.pay(key=f"second {buyer.basket_id}")
    assert await buyer.stock() == (3, 1)
    await psp.buyer(first.redirect_url, "approve")
    await psp.buyer(second.redirect_url, "approve")
    ended = [await buyer.settle(one.charge_id) for one in (first, second)]
    assert [(one.state, one.reason) for one in ended] == [("failed", "superseded"), ("ordered", "")]
    truth = await psp.truth(first.charge_id) or {}
    assert (truth["status"], truth["voided_minor"]) == ("voided", buyer.TOTAL)
    assert await buyer.stock() == (2, 0)
    assert await differences(buyer.store, first.charge_id, second.charge_id) == []


async def test_two_tabs_at_once_are_one_order(buyer, psp):
    await psp.faults(direct=1)
    ended = await asyncio.gather(
        *(buyer.pay(key=f"{tab} {buyer.basket_id}") for tab in range(4)), return_exceptions=True
    )
    paid = [one for one in ended if isinstance(one, Paying)]
    refused = [one for one in ended if not isinstance(one, Paying)]
    assert all(isinstance(one, ChargeUnderWay | BasketOrdered) for one in refused), refused
    states = [(await buyer.settle(one.charge_id)).state for one in paid]
    assert states.count("ordered") == 1, states
    assert await buyer.stock() == (2, 0)
    assert await differences(buyer.store, *(one.charge_id for one in paid)) == []


async def test_an_attempt_with_money_is_not_begun_anew(buyer, psp):
    begun = await buyer.pay()
    await psp.buyer(begun.redirect_url, "approve")
    async with buyer.store.db.transaction() as tx:
        report = await providers["simulated"].status(str(begun.charge_id))
        await payments.report_charge(tx, charge_id=begun.charge_id, report=report, what="webhook", at=NOW)
    for other in (buyer.pay(key=f"second {buyer.basket_id}"), place_by_invoice(buyer)):
        with pytest.raises(ChargeUnderWay) as refused:
            await other
        assert refused.value.charge_id == begun.charge_id
    assert (await buyer.settle(begun.charge_id)).state == "ordered"


async def place_by_invoice(buyer: Buyer):
    store = buyer.store
    return await commands.place(
        store.desk, store.db, store.assortment, shop=store.shop, basket_id=buyer.basket_id,
        purchase=store.purchase(buyer.TOTAL), language="en", channel="web", key=store.key(), actor="guest", at=NOW,
    )  # fmt: skip


async def test_who_goes_back_and_takes_another_way_gets_the_last_piece(store, psp):
    ball = await store.article(1)
    buyer = Buyer(store, await store.basket((ball, 1)), ball)
    begun = await buyer.pay()
    placed = await place_by_invoice(buyer)
    assert placed.gross_minor == buyer.TOTAL
    await psp.buyer(begun.redirect_url, "approve")  # in the tab that was left open
    failed = await buyer.settle(begun.charge_id)
    assert (failed.state, failed.reason) == ("failed", "superseded")
    assert (await psp.truth(begun.charge_id) or {})["status"] == "voided"
    assert await buyer.stock() == (0, 0)


async def test_everybody_at_once(buyer, psp):
    """The page that waits, two messages and two jobs: one order, one capture."""
    begun = await buyer.pay()
    await psp.buyer(begun.redirect_url, "approve")
    ended = await asyncio.gather(*(buyer.settle(begun.charge_id) for _ in range(6)))
    assert {one.state for one in ended} <= {"ordered", "pending", "redirect"}
    assert (await buyer.settle(begun.charge_id)).state == "ordered"
    assert await buyer.stock() == (2, 0)
    assert await differences(buyer.store, begun.charge_id) == []


# -- whoever dies, somebody else goes on


class Died(Exception):
    """The process ended here."""


# After which of our writes or questions it dies: the submit to the desk, or the provider's answer, is lost with it.
DEATHS = ["hold_for_payment", "authorise", "paid_order", "capture", "release", "void", "refund"]


@pytest.mark.parametrize("capture", ["at_once", "order"])
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("place", DEATHS)
@pytest.mark.parametrize("fails", [False, True], ids=["goes well", "basket changes"])
async def test_a_process_that_dies_anywhere_is_replaced(buyer, psp, monkeypatch, place, before, capture, fails):
    monkeypatch.setenv("LOTSE_PAY_SIMULATED_CAPTURE", capture)
    died = dying(monkeypatch, buyer, place, before=before)
    await psp.faults(direct=1)
    key = f"dies {buyer.basket_id}"

    async def begin() -> Paying | None:
        try:
            return await buyer.pay(key=key)
        except Died:
            return None

    if fails:
        submit = buyer.store.desk.submit

        async def change_then_submit(kind: str, *args: Any, **named: Any) -> Any:
            if kind == "paid_order":
                monkeypatch.setattr(buyer.store.desk, "submit", submit)
                await basket_changed(buyer)
            return await submit(kind, *args, **named)

        monkeypatch.setattr(buyer.store.desk, "submit", change_then_submit)
    await begin()
    async with buyer.store.db.reading() as conn:
        charge_id = await conn.raw.fetchval("select id from payments.charges where purpose_id = $1", buyer.basket_id)
    for minute in range(1, 30):
        if not (await buyer.charge(charge_id)).is_open:
            break
        try:
            await jobs.settle_due(buyer.store.desk, buyer.store.db, at=NOW + minute * MINUTE)
            await payment_jobs.send_refunds(buyer.store.db, at=NOW + minute * MINUTE)
        except Died:
            continue
    charge = await buyer.charge(charge_id)
    truth = await psp.truth(charge_id)
    assert not charge.is_open, (died, await buyer.said(charge_id))
    kept = truth["captured_minor"] - truth["refunded_minor"] if truth else 0
    reserved = truth["authorised_minor"] - truth["captured_minor"] - truth["voided_minor"] if truth else 0
    assert (kept, reserved) == ((buyer.TOTAL, 0) if charge.state == "captured" else (0, 0))
    assert (await buyer.stock())[0] == (2 if charge.state == "captured" else 3)
    assert await differences(buyer.store, charge_id) == []


def dying(monkeypatch: pytest.MonkeyPatch, buyer: Buyer, place: str, *, before: bool) -> list[str]:
    """Die once, before or after what goes out at `place`."""
    died: list[str] = []

    def once(name: str, run: Any) -> Any:
        async def mortal(*args: Any, **named: Any) -> Any:
            here = (args[0] if name == "submit" else name) == place and not died
            if here and before:
                died.append(place)
                raise Died
            answer = await run(*args, **named)
            if here and not died:
                died.append(place)
                raise Died
            return answer

        return mortal

    desk = buyer.store.desk
    monkeypatch.setattr(desk, "submit", once("submit", desk.submit))
    provider = providers["simulated"]
    for verb in ("authorise", "capture", "void", "refund"):
        monkeypatch.setattr(provider, verb, once(verb, getattr(provider, verb)))
    return died


async def test_a_provider_that_was_away_is_asked_when_it_is_back(buyer, psp, monkeypatch):
    monkeypatch.setattr("lotse.plugins.pay_simulated.provider.PAUSES_SECONDS", ())
    begun = await buyer.pay()
    await psp.buyer(begun.redirect_url, "approve")
    await psp.stop()
    assert (await buyer.settle(begun.charge_id)).state == "redirect"
    await psp.start()  # with the books that it had
    assert (await buyer.settle(begun.charge_id)).state == "ordered"


async def test_a_question_that_never_arrived_is_looked_up_and_ended(buyer, psp, monkeypatch):
    monkeypatch.setattr("lotse.plugins.pay_simulated.provider.PAUSES_SECONDS", ())
    await psp.faults(down=1)
    begun = await buyer.pay()
    assert begun.state == "pending"
    await psp.faults()
    assert (await buyer.settle(begun.charge_id, NOW + timedelta(seconds=5))).state == "pending"
    ended = await buyer.settle(begun.charge_id, NOW + MINUTE)
    assert (ended.state, ended.reason) == ("failed", "no-answer")
    assert (await buyer.charge(begun.charge_id)).state == "voided"
    # Should the question arrive after all, it reserves nothing.
    late = await psp.ask("/charges", {
        "reference": str(begun.charge_id), "amount_minor": 1685, "currency": "EUR", "capture": False, "description": "",
        "language": "en", "return_url": "", "webhook_url": "", "expires_at": NOW + 15 * MINUTE,
    })  # fmt: skip
    assert late["status"] == "voided"


async def test_a_page_that_nobody_finishes_is_over_in_time(buyer, psp):
    begun = await buyer.pay()
    assert (await buyer.settle(begun.charge_id, NOW + 14 * MINUTE)).state == "redirect"
    ended = await buyer.settle(begun.charge_id, NOW + 16 * MINUTE)
    assert (ended.state, ended.reason) == ("failed", "expired")
    assert await buyer.stock() == (3, 0)


async def test_names_are_forgotten_when_nothing_came_of_it(buyer, psp):
    begun = await buyer.pay()
    await psp.buyer(begun.redirect_url, "decline")
    await buyer.settle(begun.charge_id)
    async with buyer.store.db.transaction() as tx:
        await commands.forget_attempts(tx, at=NOW + 59 * MINUTE)
        found = await queries.attempt(tx, charge_id=begun.charge_id)
        assert found and found.order is not None
        await commands.forget_attempts(tx, at=NOW + 61 * MINUTE)
        found = await queries.attempt(tx, charge_id=begun.charge_id)
        assert found and found.order is None


async def test_ways_to_pay_do_not_mix(buyer, psp):
    with pytest.raises(MethodUnknown):
        await buyer.pay(method="invoice")
    store = buyer.store
    with pytest.raises(MethodNeedsCharge):
        await commands.place(
            store.desk, store.db, store.assortment, shop=store.shop, basket_id=buyer.basket_id,
            purchase=store.purchase(buyer.TOTAL, method="card_test"), language="en", channel="web", key=store.key(),
            actor="guest", at=NOW,
        )  # fmt: skip


async def test_without_stock_nobody_is_asked_for_money(store, psp):
    ball = await store.article(1)
    one, two = [Buyer(store, await store.basket((ball, 1)), ball) for _ in range(2)]
    first, second = await one.pay(), await two.pay()
    assert (first.state, second.state, second.reason) == ("redirect", "failed", "not-enough")
    assert (await two.charge(second.charge_id)).state == "dropped"
    assert await psp.truth(second.charge_id) is None


# -- messages of the provider


async def told(buyer: Buyer, report: Report, event_id: str, *, at: datetime = NOW) -> Charge | None:
    """As the endpoint does: stored, then handled."""
    notice = Notice(event_id, report)
    async with buyer.store.db.transaction() as tx:
        await payments.keep_webhook(tx, provider="simulated", notice=notice, body="{}", at=at)
    async with buyer.store.db.transaction() as tx:
        return await payments.handle_webhook(tx, provider="simulated", notice=notice, at=at)


async def events(buyer: Buyer) -> list[str]:
    async with buyer.store.db.reading() as conn:
        rows = await conn.raw.fetch(
            "select payload ->> 'state' as state from kernel.outbox where key = $1 and type = 'payments.ChargeReported'"
            " order by id", str(buyer.basket_id)
        )  # fmt: skip
    return [row["state"] for row in rows]


def authorised(charge_id: UUID) -> Report:
    return Report(outcome="authorised", reference=str(charge_id), authorised_minor=Buyer.TOTAL)


async def test_a_message_is_handled_once(buyer, psp):
    begun = await buyer.pay()
    event_id = f"evt {begun.charge_id}"
    both = await asyncio.gather(*(told(buyer, authorised(begun.charge_id), event_id) for _ in range(3)))
    assert [charge.state for charge in both if charge] == ["authorised"] * 3
    assert (await buyer.said(begun.charge_id)).count("webhook authorised") == 1
    assert await events(buyer) == ["authorised"]


async def test_messages_come_in_any_order(buyer, psp):
    """Captured, then the older ones: nothing goes backwards."""
    begun = await buyer.pay()
    reference, total = str(begun.charge_id), Buyer.TOTAL
    reports = [
        Report(outcome="captured", reference=reference, authorised_minor=total, captured_minor=total),
        authorised(begun.charge_id),
        Report(outcome="redirect", reference=reference, redirect_url="https://elsewhere.example/"),
    ]
    for number, report in enumerate(reports):
        charge = await told(buyer, report, f"evt {number} {reference}")
        assert charge and (charge.state, charge.captured_minor) == ("taken", total)


async def test_a_message_may_come_before_the_answer_to_our_own_question(buyer, psp, monkeypatch):
    ask = Simulated.authorise

    async def told_before(self: Simulated, asked: Any) -> Report:
        report = await ask(self, asked)
        await told(buyer, authorised(UUID(asked.reference)), f"evt {asked.reference}")
        return report  # which still says that the buyer has to go to the page

    monkeypatch.setattr(Simulated, "authorise", told_before)
    done = await buyer.pay()
    # The message said that it is authorised; the provider's books say that it is not, and nothing is captured.
    assert done.state == "ordered"
    assert (await buyer.charge(done.charge_id)).state == "ordered"


async def test_a_message_of_an_unknown_charge_is_kept_and_tried_again(buyer, psp, monkeypatch, fresh):
    charge_id = fresh.id()
    assert await told(buyer, authorised(charge_id), f"evt {charge_id}") is None
    assert await told(buyer, Report(outcome="captured", reference="no id of ours"), fresh.text("evt")) is None
    monkeypatch.setattr(paying, "uuid7", iter([charge_id, fresh.id()]).__next__)
    begun = await buyer.pay()
    assert begun.charge_id == charge_id
    async with buyer.store.db.transaction() as tx:
        assert await payments.retry_webhooks(tx, at=NOW + MINUTE, limit=1_000) >= 1
    assert (await buyer.charge(charge_id)).state == "authorised"


async def test_an_end_that_a_message_brought_is_closed_by_the_job(buyer, psp):
    begun = await buyer.pay()
    declined = Report(outcome="declined", reference=str(begun.charge_id), reason="insufficient-funds")
    charge = await told(buyer, declined, f"evt {begun.charge_id}")
    assert charge and (charge.state, charge.is_open) == ("declined", False)
    assert await buyer.stock() == (3, 1)
    await jobs.settle_due(buyer.store.desk, buyer.store.db, at=NOW)
    assert await buyer.stock() == (3, 0)


async def test_money_that_turns_up_after_the_end_goes_back(buyer, psp):
    """A message late by days: the charge was over for us, and the provider has the buyer's money all the same."""
    begun = await buyer.pay()
    declined = Report(outcome="declined", reference=str(begun.charge_id))
    await told(buyer, declined, f"evt 1 {begun.charge_id}")
    await psp.buyer(begun.redirect_url, "approve")
    charge = await told(buyer, authorised(begun.charge_id), f"evt 2 {begun.charge_id}", at=NOW + timedelta(days=3))
    assert charge and charge.state == "giving_up"
    ended = await buyer.settle(begun.charge_id, NOW + timedelta(days=3))
    assert (ended.state, (await psp.truth(begun.charge_id) or {})["status"]) == ("failed", "voided")


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("", b"{}"),
        ("t=1,v1=00", b"{}"),
        ("t=x,v1=00", b"{}"),
        (signature(SECRET, b"{}", NOW - timedelta(minutes=6)), b"{}"),
        (signature("another", b"{}", NOW), b"{}"),
        (signature(SECRET, b"{}", NOW), b"{} "),
        (signature(SECRET, b"{}", NOW), b"{}"),
        (signature(SECRET, b"\xff", NOW), b"\xff"),
    ],
    ids=["none", "wrong", "no time", "too old", "another secret", "another body", "no event", "no JSON"],
)
async def test_what_the_provider_did_not_sign_is_refused(psp, header, body):
    with pytest.raises(WebhookForged):
        providers["simulated"].webhook({"simulated-signature": header}, body, at=NOW)


# -- what goes back of an order


async def paid(buyer: Buyer, psp: Psp) -> tuple[Charge, UUID, UUID]:
    """A charge that was captured, its payment and its order."""
    await psp.faults(direct=1)
    done = await buyer.pay()
    assert done.state == "ordered" and done.order_id
    charge = await buyer.charge(done.charge_id)
    assert charge.payment_id
    return charge, charge.payment_id, done.order_id


async def cancelled(buyer: Buyer, order_id: UUID) -> OrderAmended:
    async with buyer.store.db.reading() as conn:
        done = await orders.cancel(
            buyer.store.desk, conn, order_id=order_id, reason="", actor="test", key=buyer.store.key(), at=NOW
        )
    return OrderAmended(done.amendment_id, "cancellation", order_id, "EUR", done.gross_minor, {})


@pytest.mark.parametrize("faults", [{}, {"lost": 1}], ids=["answers", "answers lost"])
async def test_what_is_taken_back_goes_back_through_the_provider_once(buyer, psp, monkeypatch, faults):
    monkeypatch.setattr("lotse.plugins.pay_simulated.provider.PAUSES_SECONDS", ())
    charge, payment_id, order_id = await paid(buyer, psp)
    event = await cancelled(buyer, order_id)
    for _ in range(2):  # an event may come twice
        async with buyer.store.db.transaction() as tx:
            await on_amended(tx, event, at=NOW)
    await psp.faults(**faults)
    at = max(NOW, clock.now()) + MINUTE
    await payment_jobs.send_refunds(buyer.store.db, at=at)
    await psp.faults()
    await payment_jobs.send_refunds(buyer.store.db, at=at + 2 * MINUTE)
    async with buyer.store.db.reading() as conn:
        [refund] = await refunds_of(conn, charge_id=charge.id)
        payment = await read_payment(conn, payment_id=payment_id)
    assert (refund.state, refund.amount_minor, refund.id) == ("done", buyer.TOTAL, event.amendment_id)
    assert payment and payment.state == "refunded"
    assert (await psp.truth(charge.id) or {})["refunded_minor"] == buyer.TOTAL
    assert await differences(buyer.store, charge.id, payment.id) == []


async def test_an_order_cancelled_before_its_capture_is_voided(buyer, psp, monkeypatch):
    monkeypatch.setattr("lotse.plugins.pay_simulated.provider.PAUSES_SECONDS", ())
    await psp.faults(direct=1)
    with monkeypatch.context() as patch:
        provider = providers["simulated"]

        async def away(reference: str, **named: Any) -> Any:
            raise Died

        patch.setattr(provider, "capture", away)
        with pytest.raises(Died):
            await buyer.pay()
    async with buyer.store.db.reading() as conn:
        charge_id = await conn.raw.fetchval("select id from payments.charges where purpose_id = $1", buyer.basket_id)
    charge = await buyer.charge(charge_id)
    assert charge.state == "ordered" and charge.payment_id
    async with buyer.store.db.reading() as conn:
        payment = await read_payment(conn, payment_id=charge.payment_id)
    assert payment
    event = await cancelled(buyer, payment.purpose_id)
    async with buyer.store.db.transaction() as tx:
        await on_amended(tx, event, at=NOW)
    await buyer.settle(charge_id)
    assert (await buyer.charge(charge_id)).state == "voided"
    assert await buyer.stock() == (3, 0)
    assert await differences(buyer.store, charge_id, payment.id) == []


async def test_money_taken_for_what_was_taken_back_before_goes_back(buyer, psp):
    """The order was cancelled while its capture was under way."""
    charge, payment_id, order_id = await paid(buyer, psp)
    await cancelled(buyer, order_id)
    event = Received(payment_id, "order", order_id, buyer.TOTAL, "EUR", -buyer.TOTAL)
    for _ in range(2):
        async with buyer.store.db.transaction() as tx:
            await on_received(tx, event, at=NOW)
    await payment_jobs.send_refunds(buyer.store.db, at=max(NOW, clock.now()) + MINUTE)
    async with buyer.store.db.reading() as conn:
        assert [one.state for one in await refunds_of(conn, charge_id=charge.id)] == ["done"]


async def test_staff_void_what_is_reserved_and_not_what_is_taken(buyer, psp):
    charge, _, _ = await paid(buyer, psp)
    with pytest.raises(ChargeNotReady):
        await commands.void(
            buyer.store.desk, buyer.store.db, charge_id=charge.id, reason="staff", actor="staff:1", at=NOW
        )


async def test_a_refund_made_at_the_provider_is_recorded(buyer, psp):
    charge, payment_id, order_id = await paid(buyer, psp)
    await cancelled(buyer, order_id)
    await psp.ask(f"/charges/{charge.id}/refund", {"refund_reference": "by hand", "amount_minor": 500})
    report = await providers["simulated"].status(str(charge.id))
    async with buyer.store.db.transaction() as tx:
        await payments.report_charge(tx, charge_id=charge.id, report=report, what="webhook", at=NOW)
    async with buyer.store.db.reading() as conn:
        [refund] = await refunds_of(conn, charge_id=charge.id)
        payment = await read_payment(conn, payment_id=payment_id)
    assert (refund.amount_minor, refund.state, refund.actor) == (500, "done", "provider")
    assert payment and payment.refunded_minor == 500
    assert await differences(buyer.store, charge.id, payment.id) == []
