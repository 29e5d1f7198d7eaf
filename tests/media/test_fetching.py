"""What is fetched from the net, and what never is. The servers are real ones on this machine, which counts as private:
so tests that want to reach them allow their network by name, as an operator would."""

import ipaddress
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from lotse.kernel import clock
from lotse.kernel.db import Database
from lotse.kernel.media import commands, queries, tending
from lotse.kernel.media.commands import FetchList, check_url
from lotse.kernel.media.contracts import FetchFailed, SourceNotAllowed
from lotse.kernel.media.fetching import Fetcher, allowed_networks, is_allowed
from lotse.kernel.media.library import Library
from lotse.kernel.settings import Settings, SettingsError
from tests.media import pictures

LOCAL = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),  # a cloud's metadata
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),  # 10.0.0.1 behind NAT64
        ("2002:7f00:1::", False),  # 127.0.0.1 in 6to4
        ("not an address", False),
    ],
)
def test_only_public_addresses_are_asked(address: str, public: bool):
    assert is_allowed(address, ()) is public


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/a.jpg",
        "file:///etc/passwd",
        "gopher://example.com/",
        "https://",
        "//example.com/a.jpg",
        "a.jpg",
        "https://user:password@example.com/a.jpg",
        "https://example.com:22/a.jpg",
        "https://example.com:99999/a.jpg",
        "https://example.com/a b.jpg",
        "https://example.com/" + "a" * 2_001,
    ],
)
def test_an_address_that_nobody_should_ask_is_refused_at_once(url: str):
    with pytest.raises(SourceNotAllowed):
        check_url(url)


def test_networks_are_named_by_the_operator(settings: Settings):
    import msgspec

    allowed = msgspec.structs.replace(settings, media_fetch_networks="10.1.0.0/16, fd00::/8")
    assert is_allowed("10.1.2.3", allowed_networks(allowed))
    assert not is_allowed("10.2.0.1", allowed_networks(allowed))
    with pytest.raises(SettingsError, match="LOTSE_MEDIA_FETCH_NETWORKS"):
        allowed_networks(msgspec.structs.replace(settings, media_fetch_networks="everything"))


class Supplier:
    """A server with pictures, redirects and moods."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.asked: list[str] = []
        self.moods = 1

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        self.asked.append(path)
        if path == "/shoe.jpg":
            return web.Response(body=pictures.jpeg(self.seed), content_type="text/plain")
        if path == "/again.jpg":
            raise web.HTTPFound("/shoe.jpg")
        if path == "/round":
            raise web.HTTPFound("/round")
        if path == "/inside":
            raise web.HTTPFound("http://169.254.169.254/latest/meta-data/")
        if path == "/moody.jpg":
            self.moods -= 1
            return web.Response(status=503) if self.moods >= 0 else web.Response(body=pictures.jpeg(self.seed + 1))
        if path == "/page.jpg":
            return web.Response(body=b"<!doctype html><html>no picture", content_type="image/jpeg")
        if path == "/endless.jpg":
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(pictures.jpeg(self.seed + 2))
            for _ in range(2_000):
                await response.write(b"\0" * 65_536)
            return response
        if path == "/cut.jpg":
            response = web.StreamResponse(headers={"Content-Length": "100000"})
            await response.prepare(request)
            await response.write(pictures.jpeg(self.seed)[:500])
            if request.transport:
                request.transport.close()
            return response
        return web.Response(status=404)


@pytest.fixture
async def supplier(seed: int) -> AsyncIterator[tuple[Supplier, str]]:
    own = Supplier(seed)
    app = web.Application()
    app.router.add_get("/{path:.*}", own.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield own, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def fetched(fetcher: Fetcher, url: str) -> bytes:
    async with fetcher, fetcher.fetched(url) as found:
        return b"".join([piece async for piece in found.pieces()])


async def test_a_picture_is_fetched_over_a_redirect(supplier: tuple[Supplier, str], seed: int):
    _, address = supplier
    assert await fetched(Fetcher(LOCAL), f"{address}/again.jpg") == pictures.jpeg(seed)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1"])
async def test_nothing_on_this_machine_is_asked(supplier: tuple[Supplier, str], host: str):
    own, address = supplier
    port = address.rpartition(":")[2]
    with pytest.raises((SourceNotAllowed, FetchFailed)):
        await fetched(Fetcher(), f"http://{host}:{port}/shoe.jpg")
    assert own.asked == []


async def test_a_redirect_inside_is_not_followed(supplier: tuple[Supplier, str]):
    own, address = supplier
    with pytest.raises(SourceNotAllowed):
        await fetched(Fetcher(LOCAL), f"{address}/inside")
    assert own.asked == ["/inside"]


async def test_redirects_in_a_circle_end(supplier: tuple[Supplier, str]):
    own, address = supplier
    with pytest.raises(FetchFailed, match="redirects"):
        await fetched(Fetcher(LOCAL), f"{address}/round")
    assert len(own.asked) == 5


async def test_a_list_is_worked_off_and_says_what_became_of_each(
    supplier: tuple[Supplier, str], library: Library, db: Database
):
    own, address = supplier
    paths = ["/shoe.jpg", "/missing.jpg", "/moody.jpg", "/page.jpg", "/endless.jpg", "/cut.jpg", "/shoe.jpg"]
    at = clock.now()
    async with db.transaction() as tx:
        batch_id = await commands.fetch_list(tx, urls=[address + path for path in paths], by="test", at=at)
    came = await tending.fetch_wanted(db, library, Fetcher(LOCAL), FetchList(batch_id), at=at)
    async with db.reading() as conn:
        found = {one.url.removeprefix(address): one for one in await queries.fetches(conn, batch_id=batch_id)}
    assert came == 2
    assert {path: one.state for path, one in found.items()} == {
        "/shoe.jpg": "done",
        "/missing.jpg": "failed",
        "/moody.jpg": "done",  # it was in trouble, and asked again at the end
        "/page.jpg": "failed",
        "/endless.jpg": "failed",
        "/cut.jpg": "failed",
    }
    assert "404" in (found["/missing.jpg"].problem or "")
    assert "a web page" in (found["/page.jpg"].problem or "")
    assert "too large" in (found["/endless.jpg"].problem or "")
    # Once more asks nobody: what is done stays done.
    asked = len(own.asked)
    assert await tending.fetch_wanted(db, library, Fetcher(LOCAL), FetchList(batch_id), at=at) == 0
    assert len(own.asked) == asked


async def test_a_list_that_was_interrupted_goes_on_where_it_stopped(
    supplier: tuple[Supplier, str], library: Library, db: Database, monkeypatch: pytest.MonkeyPatch
):
    own, address = supplier
    async with db.transaction() as tx:
        urls = [f"{address}/shoe.jpg", f"{address}/missing.jpg"]
        batch_id = await commands.fetch_list(tx, urls=urls, by="test", at=clock.now())
    monkeypatch.setattr(tending, "_RUN_SECONDS", -1.0)
    assert await tending.fetch_wanted(db, library, Fetcher(LOCAL), FetchList(batch_id), at=clock.now()) == 0
    monkeypatch.undo()
    assert await tending.fetch_wanted(db, library, Fetcher(LOCAL), FetchList(batch_id), at=clock.now()) == 1
    assert own.asked == ["/shoe.jpg", "/missing.jpg"]
