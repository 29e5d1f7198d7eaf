"""What the page about delivery and payment says of this shop: where it delivers, at what cost, and how to pay."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from lotse.domains.checkout import queries
from lotse.domains.checkout.contracts import ShippingRate
from lotse.domains.checkout.pages.basket import THRESHOLD
from lotse.domains.checkout.pages.checkout import METHODS
from lotse.domains.checkout.rules import varied
from lotse.domains.payments.contracts import Method
from lotse.domains.payments.queries import methods
from lotse.kernel.db import Connection
from lotse.kernel.pages.deciding import decide
from lotse.kernel.pages.slots import Answerer, Ask


class Way(Struct, frozen=True):
    """A way to pay in the words of the checkout (message ids)."""

    title: str
    hint: str
    days: int


async def _costs(connection: Connection, ask: Ask) -> Mapping[UUID, Sequence[ShippingRate]]:
    variation = decide(THRESHOLD)
    return {
        id: varied(await queries.shipping_rates(connection, shop_id=id, at=ask.at), variation, ask.currency)
        for id in ask.ids
    }


async def _ways(connection: Connection, ask: Ask) -> Mapping[UUID, list[Way]]:
    ways = [_way(method) for method in methods()]
    return dict.fromkeys(ask.ids, ways)


def _way(method: Method) -> Way:
    title, hint = METHODS.get(method.name, (method.title, method.hint))
    return Way(title, hint, method.days)


# The law wants both on this page (art. 246a EGBGB): they are better late.
slots = (
    Answerer("delivery.costs", "checkout", "checkout/delivery_costs.html", 3_000, _costs),
    Answerer("delivery.payment", "checkout", "checkout/delivery_payment.html", 3_000, _ways),
)
