"""The clients: what they ask, how they repeat it, when they give up. Each is a person, a program or a till of its own.

A client repeats a request under the same key as long as it does not know what came of it, as the API asks of clients;
some give up early, and some die in the midst. What they did stands in their histories.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import msgspec
from msgspec import Struct

from lotse.bench.faults.history import Answered, Asked, Case, History, Op
from lotse.bench.faults.scene import Article, Scene
from lotse.domains.inventory.contracts import Moved, MoveRequest, StockChange
from lotse.domains.pools.contracts import Cause, ClaimRequest, Held, HoldRequest, ReleaseRequest, Want
from lotse.kernel import clock
from lotse.kernel.desk.desk import DeskBusy, OutcomeUnknown
from lotse.kernel.desk.socket import DeskClient
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.refusals import Refusal

API = "/api/v1"
MAIL = "faults.example"
PAID_METHOD = "card_test"
# How long a buyer looks at the page that waits for the payment.
WATCHES_SECONDS = 5.0
# Answers after which nobody knows whether it was done, or which say to come again.
UNKNOWN_STATUSES = frozenset({429, 502, 503, 504})
# A real client's patience: after so many tries it tells its user that something is wrong.
TRIES = 8
# Some users close the page at the first error.
GIVES_UP_AT_ONCE = 0.08
# How long holds last: short enough that many end by themselves within a round.
HOLD_SECONDS = (1.5, 5.0)
PAGES = ("/", "/search?q=fault", "/p/fault-01", "/p/fault-02", "/p/fault-hot", "/basket", "/health", f"{API}/products")

# What the desk is asked directly, by kind: the request and its answer.
DESK_KINDS: dict[str, tuple[Any, Any]] = {
    "hold": (HoldRequest, Held),
    "claim": (ClaimRequest, Held),
    "release": (ReleaseRequest, Held),
    "receive": (MoveRequest, Moved),
    "adjust": (MoveRequest, Moved),
    "transfer": (MoveRequest, Moved),
}


class Line(Struct):
    """The way to Lotse, which may be cut: an HTTP session and a connection to the desk."""

    http: aiohttp.ClientSession
    desk: DeskClient
    token: str


class Counts(Struct):
    """What is not in the histories: pages looked at, and answers that nobody should get."""

    pages: int = 0
    unexpected: list[str] = []


def contact(id: str) -> dict[str, Any]:
    """A buyer whose mail address names the request, so that its order is found."""
    address = {"name": "Ada Lovelace", "street": "Ring 1", "postcode": "20457", "city": "Hamburg", "country": "DE"}
    return {"email": f"{id}@{MAIL}", "billing": address}


async def send(line: Line, asked: Asked, tries: int, patience: Callable[[], float]) -> Answered:
    """Ask until it is known what came of it, `tries` times at most."""
    found = Answered(id=asked.id, outcome="unknown", refusal="never sent")
    began = asyncio.get_running_loop().time()
    for number in range(1, tries + 1):
        if number > 1:
            await asyncio.sleep(min(1.5, 0.05 * 2**number))
        try:
            async with asyncio.timeout(patience()):
                found = await (_desk if asked.address.startswith("desk ") else _http)(line, asked)
        except (aiohttp.ClientError, OSError) as error:  # a time-out is an OSError, too
            found = Answered(id=asked.id, outcome="unknown", refusal=type(error).__name__)
        seconds = round(asyncio.get_running_loop().time() - began, 3)
        found = msgspec.structs.replace(found, tries=number, seconds=seconds)
        if found.outcome != "unknown":
            break
    return found


async def _http(line: Line, asked: Asked) -> Answered:
    method, _, path = asked.address.partition(" ")
    headers = {"Idempotency-Key": asked.key}
    body = None
    if asked.body is not None:
        headers["Content-Type"] = "application/json"
        body = msgspec.json.encode(asked.body)
    if asked.by_token:
        headers["Authorization"] = f"Bearer {line.token}"
    async with line.http.request(method, path, data=body, headers=headers) as response:
        raw = await response.read()
    said = _decoded(raw)
    status = response.status
    if 200 <= status < 300:
        return Answered(id=asked.id, outcome="acknowledged", status=status, answer=said)
    kind = str(said.get("type", "")) if isinstance(said, dict) else ""
    name = kind.removeprefix("urn:lotse:refusal:") or raw[:200].decode(errors="replace")
    if status in UNKNOWN_STATUSES or status >= 500:
        return Answered(id=asked.id, outcome="unknown", status=status, answer=said, refusal=name)
    return Answered(id=asked.id, outcome="refused", status=status, answer=said, refusal=name)


async def _desk(line: Line, asked: Asked) -> Answered:
    kind = asked.address.removeprefix("desk ")
    request_type, answer_type = DESK_KINDS[kind]
    request = msgspec.convert(asked.body, request_type, strict=False)
    key = key_for(f"bench:{asked.id.split('-')[1]}", asked.key, request)
    try:
        answer = await line.desk.submit(kind, request, answer_type, key=key, at=clock.now())
    except (OutcomeUnknown, DeskBusy) as unknown:
        return Answered(id=asked.id, outcome="unknown", status=503, refusal=unknown.code)
    except Refusal as refusal:
        return Answered(
            id=asked.id, outcome="refused", status=refusal.status, refusal=refusal.code, answer=refusal.facts()
        )
    except RuntimeError as bug:  # what the desk's client makes of an error that is no refusal
        return Answered(id=asked.id, outcome="unknown", status=500, refusal=str(bug))
    return Answered(id=asked.id, outcome="acknowledged", status=200, answer=msgspec.to_builtins(answer))


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return None


class Client:
    """One of those who ask. `name` has no hyphen: it is a part of the ids of its requests."""

    def __init__(self, name: str, round_name: str, line: Line, scene: Scene, folder: Path, seed: str) -> None:
        self.history = History(folder / f"{round_name}-{name}.jsonl")
        self.counts = Counts()
        self._name = name
        self._round = round_name
        self._line = line
        self._scene = scene
        self._random = Random(seed)
        self._number = 0
        self._orders: list[tuple[str, str]] = []  # id and link of what can be cancelled

    async def run(self, stop: asyncio.Event) -> None:
        """Ask one thing after the other until told to stop."""
        doings: dict[Callable[[], Awaitable[None]], int] = {
            self._buy: 34,
            self._buy_hot: 16,
            self._buy_a_basket: 8,
            self._pay_for_a_basket: 14,
            self._hold: 16,
            self._receive: 5,
            self._adjust: 4,
            self._transfer: 4,
            self._cancel: 8,
            self._sell: 8,
            self._look: 6,
        }
        while not stop.is_set():
            [do] = self._random.choices(list(doings), list(doings.values()))
            await do()
            await asyncio.sleep(self._random.expovariate(1 / 0.03))

    # -- what they do

    async def _buy(self) -> None:
        articles = self._random.sample(self._scene.articles, self._random.randint(1, 3))
        await self._order({str(article.offer_id): self._random.randint(1, 2) for article in articles})

    async def _buy_hot(self) -> None:
        await self._order({str(self._scene.hot.offer_id): 1})

    async def _order(self, wants: dict[str, int]) -> None:
        lines = [{"offer_id": offer, "quantity": pieces} for offer, pieces in wants.items()]
        total = self._scene.total(wants)
        await self._place(f"POST {API}/orders", {"lines": lines}, wants, total)

    async def _buy_a_basket(self) -> None:
        basket, wants = await self._fill_a_basket()
        if wants:
            total = self._scene.total(wants)
            await self._place(f"POST {API}/baskets/{basket}/order", {}, wants, total, subject=basket)

    async def _pay_for_a_basket(self) -> None:
        """Through the provider. Some buyers wait until it is done, some do not."""
        basket, wants = await self._fill_a_basket()
        if not wants:
            return
        id, total = self._next(), self._scene.total(wants)
        body = {"contact": contact(id), "method": PAID_METHOD, "total_minor": total}
        address = f"POST {API}/baskets/{basket}/payments"
        case = await self._ask("pay", address, body, id=id, wants=wants, total=total, subject=basket)
        if not case.acknowledged or case.final is None or self._random.random() < 0.3:
            return
        told, loop = case.final.answer, asyncio.get_running_loop()
        until = loop.time() + WATCHES_SECONDS
        while told["state"] in ("pending", "redirect") and loop.time() < until:
            await asyncio.sleep(0.5)  # as the page does
            told = await self._looked(f"{API}/baskets/{basket}/payments/{told['charge_id']}") or told
        self.history.answer(case, Answered(id=id, outcome="seen", answer=told))
        if told["state"] == "ordered":
            self._orders.append((told["order_id"], told["link"]))

    async def _looked(self, path: str) -> Any:
        """What a reading request is answered; None if it is not."""
        try:
            async with asyncio.timeout(self._patience()), self._line.http.get(path) as response:
                said = _decoded(await response.read())
        except (aiohttp.ClientError, OSError):
            return None
        if response.status >= 500 and response.status not in UNKNOWN_STATUSES:
            self.counts.unexpected.append(f"GET {path}: {response.status}")
        return said if response.status == 200 else None

    async def _fill_a_basket(self) -> tuple[str, dict[str, int]]:
        """As in a browser: what goes wrong on the way is left behind. The basket and what is in it; nothing if so."""
        made = await self._ask("basket", f"POST {API}/baskets", None)
        if not made.acknowledged or made.final is None:
            return "", {}
        basket = made.final.answer["id"]
        wants: dict[str, int] = {}
        for article in self._random.sample(self._scene.articles, self._random.randint(1, 3)):
            offer, pieces = str(article.offer_id), self._random.randint(1, 2)
            address = f"PUT {API}/baskets/{basket}/lines/{offer}"
            put = await self._ask("line", address, {"quantity": pieces}, wants={offer: pieces}, subject=basket)
            if not put.acknowledged:
                return "", {}
            wants[offer] = pieces
        return basket, wants

    async def _place(
        self, address: str, body: dict[str, Any], wants: dict[str, int], total: int, subject: str = ""
    ) -> None:
        id = self._next()
        body |= {
            "contact": contact(id),
            "method": self._random.choice(("invoice", "invoice", "prepayment")),
            "total_minor": total,
        }
        placed = await self._ask("order", address, body, id=id, wants=wants, total=total, subject=subject)
        if placed.acknowledged and placed.final:
            self._orders.append((placed.final.answer["order"]["order_id"], placed.final.answer["link"]))

    async def _cancel(self) -> None:
        if not self._orders:
            return
        order, link = self._orders.pop(self._random.randrange(len(self._orders)))
        by_token = self._random.random() < 0.5
        address = f"POST {API}/orders/{order}/cancel" if by_token else f"POST {API}/order-links/{link}/cancel"
        id = self._next()
        await self._ask("cancel", address, {"reason": id}, id=id, subject=order, by_token=by_token)

    async def _hold(self) -> None:
        """Hold, and then what becomes of holds: claimed in time, given back, claimed too late, or forgotten."""
        id = uuid7()
        lasts = self._random.uniform(*HOLD_SECONDS)
        wanted = {a: self._random.randint(1, 2) for a in self._random.sample(self._scene.articles, 2)}
        if self._random.random() < 0.3:
            wanted = {self._scene.hot: 1}
        request = HoldRequest(
            hold_id=id,
            holder=f"bench:{self._name}",
            wants=tuple(Want(pieces, article.pools) for article, pieces in wanted.items()),
            expires_at=clock.now() + timedelta(seconds=lasts),
        )
        held = await self._ask_desk("hold", "hold", request, subject=id)
        if not held.acknowledged:
            return
        becomes = self._random.random()
        if becomes < 0.15:
            return  # its holder died: the quantity comes back when the time is over
        if becomes < 0.3:
            await asyncio.sleep(lasts)
        if becomes < 0.7:
            cause = Cause("sold", "claim", id, f"bench:{self._name}", clock.now())
            await self._ask_desk("claim", "claim", ClaimRequest(hold_id=id, cause=cause), subject=id)
        else:
            await self._ask_desk("release", "release", ReleaseRequest(hold_id=id), subject=id)

    async def _receive(self) -> None:
        article = self._random.choice(self._scene.articles)
        pieces = self._random.randint(1, 20)
        id = self._next()
        body = {
            "location": self._scene.locations[0],
            "lines": [{"sku": article.sku, "quantity": pieces}],
            "reference": id,
        }
        wants = {str(article.pools[0]): pieces}
        await self._ask("move", f"POST {API}/stock/receipts", body, id=id, wants=wants, by_token=True)

    async def _sell(self) -> None:
        """At a till, which has sold already: it sends until it is told that the sale is recorded."""
        id = self._next()
        lines = [
            {"sku": article.sku, "quantity": self._random.randint(1, 2), "gross_minor": article.price_minor}
            for article in self._random.sample((*self._scene.articles, self._scene.hot), self._random.randint(1, 2))
        ]
        body = {
            "till": self._name,
            "receipt": id,
            "location": self._random.choice(self._scene.locations),
            "lines": lines,
            "occurred_at": clock.now(),
        }
        wants = {line["sku"]: line["quantity"] for line in lines}
        await self._ask("sell", f"POST {API}/sales", body, id=id, wants=wants, by_token=True)

    async def _adjust(self) -> None:
        article = self._random.choice(self._scene.articles)
        await self._move("adjustment", "adjust", {article.pools[0]: self._random.choice((-3, -2, -1, 1, 2))})

    async def _transfer(self) -> None:
        article: Article = self._random.choice(self._scene.articles)
        pieces = self._random.randint(1, 4)
        await self._move("transfer", "transfer", {article.pools[0]: -pieces, article.pools[1]: pieces})

    async def _move(self, kind: Any, desk_kind: str, changes: dict[int, int]) -> None:
        id = self._next()
        request = MoveRequest(
            document_id=uuid7(),
            kind=kind,
            changes=tuple(StockChange(pool, delta) for pool, delta in changes.items()),
            reference=id,
            actor=f"bench:{self._name}",
            occurred_at=clock.now(),
        )
        wants = {str(pool): delta for pool, delta in changes.items()}
        await self._ask_desk("move", desk_kind, request, id=id, wants=wants, subject=request.document_id)

    async def _look(self) -> None:
        """Pages change nothing, so all that can be wrong with one is an answer that is a bug."""
        path = self._random.choice(PAGES)
        try:
            async with asyncio.timeout(self._patience()), self._line.http.get(path) as response:
                await response.read()
        except (aiohttp.ClientError, OSError):
            return
        self.counts.pages += 1
        if response.status >= 500 and response.status not in UNKNOWN_STATUSES:
            self.counts.unexpected.append(f"GET {path}: {response.status}")

    # -- how they ask

    async def _ask(
        self,
        op: Op,
        address: str,
        body: Any,
        *,
        id: str = "",
        wants: dict[str, int] | None = None,
        subject: str = "",
        total: int = 0,
        by_token: bool = False,
    ) -> Case:
        asked = Asked(
            id=id or self._next(),
            op=op,
            address=address,
            body=body,
            key=str(uuid4()),
            wants=wants or {},
            subject=subject,
            total_minor=total,
            by_token=by_token,
        )
        case = self.history.ask(asked)
        tries = 1 if self._random.random() < GIVES_UP_AT_ONCE else TRIES
        self.history.answer(case, await send(self._line, asked, tries, self._patience))
        return case

    async def _ask_desk(
        self, op: Op, kind: str, request: Struct, *, subject: UUID, id: str = "", wants: dict[str, int] | None = None
    ) -> Case:
        body = msgspec.to_builtins(request)
        return await self._ask(op, f"desk {kind}", body, id=id, wants=wants, subject=str(subject))

    def _next(self) -> str:
        self._number += 1
        return f"{self._round}-{self._name}-{self._number:04}"

    def _patience(self) -> float:
        """Seconds until a client hangs up and asks again; some are hasty."""
        return self._random.choice((0.5, 2.0, 6.0, 12.0))
