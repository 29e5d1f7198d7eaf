"""The Varnish configuration of deploy/, tried with Debian's Varnish before kept pages."""

import asyncio
import re
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lotse.web.server import listen_tcp, serve
from tests.pages.test_kept import Shop

VCL = Path(__file__).parents[2] / "deploy" / "varnish.vcl"
VARNISHD = shutil.which("varnishd") or shutil.which("/usr/sbin/varnishd")
MODULES = any(Path("/usr/lib").glob("*/varnish/vmods/libvmod_xkey.so"))

pytestmark = pytest.mark.skipif(
    not VARNISHD or not MODULES, reason="Debian's packages varnish and varnish-modules are not installed"
)


class Behind:
    """Kept pages of an invented shop, and what stands beside them."""

    def __init__(self) -> None:
        self.shop = Shop()
        self.shop.more = b" and more" * 200
        self.shop.headers.append((b"vary", b"HX-Request, Cookie, Accept-Language"))
        self.asked: list[tuple[str, dict[bytes, bytes]]] = []
        self.answered: list[int] = []
        self.well = True

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/ready":
            await send({"type": "http.response.start", "status": 200 if self.well else 503, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        self.asked.append((scope["path"], dict(scope["headers"])))

        async def heard(message: Any) -> None:
            if "status" in message:
                self.answered.append(message["status"])
            await send(message)

        if not self.well:
            await heard({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        scope["path"] = "/mine" if scope["path"].startswith("/basket") else scope["path"]
        await self.shop.kept({**scope, "state": {}}, receive, heard)


@pytest.fixture
async def behind(tmp_path: Path) -> AsyncIterator[tuple[Behind, httpx.AsyncClient]]:
    made = Behind()
    listener = listen_tcp("127.0.0.1", 0)
    port = listener.getsockname()[1]
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(made, listener, stop))
    vcl = tmp_path / "lotse.vcl"
    text = VCL.read_text("utf-8").replace('"8000"', f'"{port}"')
    # The page stays for as long as the test needs, where it does not wait for its end.
    vcl.write_text(re.sub(r"interval = 1s", "interval = 50ms", text), "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        front = free.getsockname()[1]
    varnish = await asyncio.create_subprocess_exec(
        *(str(VARNISHD), "-F", "-j", "none", "-n", str(tmp_path / "v"), "-f", str(vcl), "-a", f"127.0.0.1:{front}"),
        *("-s", "malloc,16m", "-p", "http_gzip_support=off", "-p", "vsl_space=1m"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{front}", timeout=10) as client:
            await _up(client, varnish)
            yield made, client
    finally:
        varnish.terminate()
        await varnish.wait()
        stop.set()
        await serving


async def _up(client: httpx.AsyncClient, varnish: "asyncio.subprocess.Process") -> None:
    """Until it listens: it compiles its configuration first, which takes a second or two."""
    for _ in range(300):
        assert varnish.returncode is None, "varnishd ended; is its configuration right?"
        try:
            if (await client.get("/basket")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)  # another process compiles: there is no event to wait for
    raise AssertionError("varnishd does not answer")


async def test_varnish_before_kept_pages(behind: tuple[Behind, httpx.AsyncClient]) -> None:
    shop, client = behind
    browser = {"accept-encoding": "gzip", "accept-language": "de-DE,de;q=0.9", "cookie": "lotse_basket=1; x=2"}

    # Kept: one question for many looks, without the visitor's cookies and without what Varnish alone shall know.
    shop.asked.clear()
    first = await client.get("/p/kite", headers=browser)
    again = await client.get("/p/kite", headers={**browser, "cookie": "lotse_basket=2"})
    assert (first.headers["x-cache"], again.headers["x-cache"]) == ("miss", "hit")
    assert first.text == again.text
    assert again.headers["content-encoding"] == "gzip"
    assert again.headers["cache-control"] == "private, no-cache"
    assert "surrogate-key" not in again.headers
    assert "set-cookie" not in again.headers
    [(_, told)] = shop.asked
    assert b"cookie" not in told
    assert told[b"accept-language"] == b"de"

    # Another language, another packing: another page.
    other = await client.get("/p/kite", headers={**browser, "accept-language": "en"})
    plain = await client.get("/p/kite", headers={**browser, "accept-encoding": "identity"})
    assert (other.headers["x-cache"], plain.headers["x-cache"]) == ("miss", "miss")
    assert "content-encoding" not in plain.headers
    # Who refused to be measured has no number, and is shown what all are shown.
    refused = await client.get("/p/kite", headers={**browser, "cookie": "lotse_consent=2026-11.00"})
    assert refused.headers["x-cache"] == "hit"
    led = await client.get("/de/p/kite", headers=browser)
    assert led.headers["set-cookie"].startswith("lotse_language=de;")

    # Passed on: posts, the basket, pieces, staff, visitors who are known.
    for method, path, more in (
        ("POST", "/p/kite", {}),
        ("GET", "/basket", {}),
        ("GET", "/p/kite", {"hx-request": "true"}),
        ("GET", "/p/kite", {"cookie": "lotse_staff=1"}),
        ("GET", "/p/kite", {"cookie": "lotse_consent=2026-11.10; lotse_visitor=1"}),
    ):
        shop.asked.clear()
        answer = await client.request(method, path, headers={**browser, **more})
        assert answer.headers["x-cache"] == "miss"
        assert len(shop.asked) == 1

    # After its second it is asked for again, and hears that it is still the same.
    shop.answered.clear()
    while not shop.answered:
        same = await client.get("/p/kite", headers=browser)
        assert same.text == first.text
    assert shop.answered == [304]

    # What has changed is there then; thrown away by its tag at once.
    shop.shop.tags.drop(["price:1"])
    purged = await client.request("PURGE", "/", headers={"surrogate-key": "price:1"})
    assert purged.status_code == 200
    fresh = await client.get("/p/kite", headers=browser)
    assert fresh.headers["x-cache"] == "miss"
    assert fresh.text != first.text
    assert fresh.headers["content-encoding"] == "gzip"

    # While nobody answers, what was seen last is shown.
    shop.well = False
    while (await client.get("/basket")).status_code == 200:
        pass
    stale = await client.get("/p/kite", headers=browser)
    assert (stale.status_code, stale.text) == (200, fresh.text)
