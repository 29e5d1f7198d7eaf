"""News of an order on the device that shows its page: the button there, and what its script asks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, post
from msgspec import Meta, Struct

from lotse.domains.customers.contracts import SESSION_COOKIE
from lotse.domains.customers.queries import signed_in
from lotse.domains.messages import commands
from lotse.domains.messages.rules import subjects_of
from lotse.domains.orders.contracts import ORDER_LINK, OrderUnknown
from lotse.domains.orders.queries import Addressee, addressee
from lotse.domains.parties.contracts import Shop
from lotse.kernel.auth.links import Links
from lotse.kernel.auth.rights import public
from lotse.kernel.db import Connection, Database
from lotse.kernel.pages.forms import checked
from lotse.kernel.pages.slots import Answerer, Ask
from lotse.kernel.push import post as devices
from lotse.kernel.push.contracts import Keys, Subscription
from lotse.kernel.push.rules import MOST_ENDPOINT
from lotse.kernel.push.sender import signer_of
from lotse.kernel.settings import Settings

_NO_STORE = {"Cache-Control": "private, no-store"}
_Endpoint = Annotated[str, Meta(min_length=1, max_length=MOST_ENDPOINT)]


class Asked(Struct, frozen=True):
    """Which device asks; nothing while it has no subscription."""

    endpoint: Annotated[str, Meta(max_length=MOST_ENDPOINT)] = ""


class Subscribed(Struct, frozen=True):
    """A subscription, and the language of the page."""

    endpoint: _Endpoint
    p256dh: Annotated[str, Meta(max_length=200)]
    auth: Annotated[str, Meta(max_length=100)]
    language: Annotated[str, Meta(max_length=10)] = ""

    def subscription(self) -> Subscription:
        return Subscription(self.endpoint, Keys(self.p256dh, self.auth))


class Renewed(Struct, frozen=True):
    """A subscription that takes the place of another one."""

    former: _Endpoint
    endpoint: _Endpoint
    p256dh: Annotated[str, Meta(max_length=200)]
    auth: Annotated[str, Meta(max_length=100)]


class Standing(Struct, frozen=True):
    """What the button needs: the public key of who sends, whether this device is told, and of what it would be."""

    key: str
    told: bool
    covers: str


@post("/order/{token:str}/device", guards=[public], opt={"waits": False}, status_code=200)
async def device_standing(
    request: Request[Any, Any, Any], database: Database, settings: Settings, links: Links, at: datetime, token: str
) -> Response[Standing]:
    """How things stand with a device. Refusals: `LinkInvalid`, `OrderUnknown`, `FormIncomplete`."""
    typed = checked(await request.form(), Asked)
    async with database.reading() as conn:
        found = await _existing(conn, links.read(ORDER_LINK, token))
        buyer = await _buyer(request, conn, found, at)
        subjects = subjects_of(found.id, found.customer_id)
        told = bool(typed.endpoint) and await devices.is_told(conn, endpoint=typed.endpoint, about=subjects)
    signer = await signer_of(database, settings)
    return Response(Standing(signer.public, told, "customer" if buyer else "order"), headers=_NO_STORE)


@post("/order/{token:str}/device/on", guards=[public], opt={"waits": False}, status_code=204)
async def device_on(
    request: Request[Any, Any, Any], database: Database, links: Links, shop: Shop, at: datetime, token: str
) -> None:
    """Tell this device. Refusals: `LinkInvalid`, `FormIncomplete`, then those of `tell_device`."""
    order_id = links.read(ORDER_LINK, token)
    typed = checked(await request.form(), Subscribed)
    async with database.transaction() as tx:
        found = await _existing(tx, order_id)
        await commands.tell_device(
            tx,
            typed.subscription(),
            order_id=order_id,
            customer_id=await _buyer(request, tx, found, at),
            language=typed.language if typed.language in shop.languages else found.language,
            at=at,
        )


@post("/order/{token:str}/device/off", guards=[public], opt={"waits": False}, status_code=200)
async def device_off(
    request: Request[Any, Any, Any], database: Database, links: Links, token: str
) -> Response[dict[str, int]]:
    """Tell this device nothing more; how many things it still wants to hear of. Refusals: `LinkInvalid`,
    `OrderUnknown`, `FormIncomplete`."""
    order_id = links.read(ORDER_LINK, token)
    typed = checked(await request.form(), Asked)
    async with database.transaction() as tx:
        found = await _existing(tx, order_id)
        # Of the customer as well: whoever says "no more" on a device means the device.
        left = await devices.unsubscribe(tx, endpoint=typed.endpoint, about=subjects_of(order_id, found.customer_id))
    return Response({"left": left}, headers=_NO_STORE)


@post("/device/renew", guards=[public], opt={"waits": False}, status_code=204)
async def device_renewed(request: Request[Any, Any, Any], database: Database, at: datetime) -> None:
    """The browser changed its subscription (Push API, `pushsubscriptionchange`). Refusals: `FormIncomplete`,
    `SubscriptionInvalid`."""
    typed = checked(await request.form(), Renewed)
    subscription = Subscription(typed.endpoint, Keys(typed.p256dh, typed.auth))
    async with database.transaction() as tx:
        await devices.renew(tx, former=typed.former, subscription=subscription, at=at)


async def _existing(conn: Connection, order_id: UUID) -> Addressee:
    found = await addressee(conn, order_id=order_id)
    if found is None:
        raise OrderUnknown(order=str(order_id))
    return found


async def _buyer(request: Request[Any, Any, Any], conn: Connection, found: Addressee, at: datetime) -> UUID | None:
    """The order's customer, if it is they who are signed in here: a link may have been handed on."""
    customer_id = await signed_in(conn, token=request.cookies.get(SESSION_COOKIE), at=at)
    return customer_id if customer_id is not None and customer_id == found.customer_id else None


async def _of_orders(connection: Connection, ask: Ask) -> Mapping[UUID, bool]:
    """Every order can be told of; whether this browser can be, its script finds out."""
    return dict.fromkeys(ask.ids, True)


routes = (device_standing, device_on, device_off, device_renewed)
slots = (Answerer("order.below", "messages", "messages/device.html", 300, _of_orders),)
