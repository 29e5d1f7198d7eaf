"""A push service over HTTP as browsers' makers run them (RFC 8030), whose faults a test chooses, and browsers there.

It takes what a real one takes: a token for its own origin that the announced key has signed (RFC 8292), TTL, at most
4,096 bytes; and it reads the message with the browser's private key, as no real one could.
"""

import base64
import json
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import http_ece  # pyright: ignore[reportMissingTypeStubs]
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey
from msgspec import Struct

from lotse.kernel.push.contracts import Keys, Subscription

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """A browser's half of a subscription: the keys never leave it."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.auth = secrets.token_bytes(16)
        self.name = secrets.token_urlsafe(32)

    @property
    def point(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    def subscription(self, service: str) -> Subscription:
        return Subscription(f"{service}/push/{self.name}", Keys(b64(self.point), b64(self.auth)))

    def read(self, body: bytes) -> dict[str, Any]:
        said: Any = http_ece.decrypt(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            body, private_key=self.private, auth_secret=self.auth, version="aes128gcm"
        )
        return json.loads(bytes(said))


class Arrived(Struct, frozen=True):
    """What the service took."""

    browser: Browser
    news: dict[str, Any]
    headers: dict[str, str]
    claims: dict[str, Any]
    size: int


class PushService:
    """Knows its browsers; `faults` are answered first, one per message."""

    def __init__(self) -> None:
        self.url = ""
        self.browsers: dict[str, Browser] = {}
        self.arrived: list[Arrived] = []
        self.asked = 0
        self.faults: list[web.Response] = []

    def new(self) -> Browser:
        browser = Browser()
        self.browsers[browser.name] = browser
        return browser

    async def take(self, request: web.Request) -> web.Response:
        self.asked += 1
        body = await request.read()
        if self.faults:
            return self.faults.pop(0)
        browser = self.browsers.get(request.match_info["name"])
        if browser is None:
            return web.Response(status=410)
        if len(body) > 4_096:
            return web.Response(status=413)
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers.get("content-encoding") != "aes128gcm" or not headers.get("ttl", "").isdigit():
            return web.Response(status=400)
        try:
            claims = self._claims(headers["authorization"])
        except (KeyError, ValueError) as error:
            return web.Response(status=403, text=str(error))
        self.arrived.append(Arrived(browser, browser.read(body), headers, claims, len(body)))
        return web.Response(status=201, headers={"Location": f"{self.url}/message/1"})

    def _claims(self, authorization: str) -> dict[str, Any]:
        kind, _, rest = authorization.partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        point = raw(parts["k"])
        if kind != "vapid" or len(point) != 65:
            raise ValueError("no vapid")
        key = ECKey.import_key({"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])})
        token = jwt.decode(parts["t"], key, algorithms=["ES256"])
        claims = dict(token.claims)
        if claims["aud"] != self.url or not str(claims["sub"]).startswith(("mailto:", "https:")):
            raise ValueError(f"not for us: {claims}")
        # Services refuse more than a day; the tests live at AT.
        if not 0 < int(claims["exp"]) - AT.timestamp() <= 5 * 86_400:
            raise ValueError("too long")
        return claims


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    made = PushService()
    app = web.Application()
    app.router.add_post("/push/{name}", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    made.url = f"http://{host}:{port}"
    yield made
    await runner.cleanup()
