"""The purchase as a program makes it: nothing but what the API itself says. docs/guides/api.md tells the same story."""

from decimal import Decimal
from uuid import uuid4

import httpx

from tests.journeys.conftest import Open

BUYER = {
    "email": "ada@example.org",
    "billing": {"name": "Ada Lovelace", "street": "Ring 1", "postcode": "20457", "city": "Hamburg", "country": "DE"},
}


def key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


def test_browse_buy_look_and_cancel(shop: Open) -> None:
    with httpx.Client(base_url=f"{shop.url}/api/v1", timeout=30) as api:
        [product] = api.get("/products", params={"text": "running shoe", "limit": 1, "language": "en"}).json()["items"]
        variants = {"variant": product["variant_ids"]}
        available = {one["variant_id"]: one["available"] for one in api.get("/availability", params=variants).json()}
        offers = api.get("/offers", params=variants).json()
        offer = next(offer for offer in offers if available[offer["variant_id"]] > 0)

        created = key()
        basket = api.post("/baskets", headers=created).json()["id"]
        assert api.post("/baskets", headers=created).json()["id"] == basket, "the same key is the same basket"
        line = f"/baskets/{basket}/lines/{offer['id']}"
        shown = api.put(line, json={"quantity": 1}, headers=key()).json()
        [price] = api.get("/prices", params={"variant": offer["variant_id"]}).json()
        assert Decimal(price["unit_price"]) * 100 == shown["goods_minor"]

        purchase = {"contact": BUYER, "method": "invoice", "total_minor": shown["total_minor"] - 1}
        refused = api.post(f"/baskets/{basket}/order", json=purchase, headers=key())
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:lotse:refusal:price-changed")
        purchase["total_minor"] = refused.json()["total_minor"]
        ordering = key()
        placed = api.post(f"/baskets/{basket}/order", json=purchase, headers=ordering)
        assert placed.status_code == 201, placed.text
        assert api.post(f"/baskets/{basket}/order", json=purchase, headers=ordering).json() == placed.json()

        link = placed.json()["link"]
        found = api.get(f"/order-links/{link}").json()
        assert found["order"]["number"] == placed.json()["order"]["number"]
        assert found["payment"]["amount_minor"] == shown["total_minor"]
        cancelled = api.post(f"/order-links/{link}/cancel", json={"reason": "too small"}, headers=key())
        assert cancelled.json()["gross_minor"] == shown["total_minor"]
        again = {one["variant_id"]: one["available"] for one in api.get("/availability", params=variants).json()}
        assert again == available, "the piece is back"
