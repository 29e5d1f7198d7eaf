"""The shop as an app: what a phone needs to put it beside its other apps, and what it shows without a network.

A browser offers to install a site that has a manifest, icons and a service worker (W3C Web App Manifest, Service
Workers). The worker keeps the style sheets and one page that says that the network is away; it never keeps a page of
the shop, because prices, baskets and accounts must not come from yesterday.
"""

import asyncio
import base64
from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec
import resvg_py
from litestar import Request, Response, get

from lotse.domains.parties.contracts import Shop
from lotse.kernel.auth.rights import public
from lotse.kernel.pages.static import StaticFile, StaticFiles
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.web.storefront.frame import offered_languages

# Android asks for these two, iOS for the third; other sizes are cut from them by the phone.
SIZES = (192, 512, 180)
# What the page of the missing network is made of.
_SHELL = (
    *("css/shop.css", "theme/tokens.css", "theme/theme.css", "js/offline.js"),
    *("icons.svg", "icon.svg", "theme/icon.svg", "vendor/archivo-latin.woff2", "vendor/archivo-latin-wide.woff2"),
)
_INK = "#101a26"
_DAY = {"Cache-Control": "public, max-age=86400"}


@get("/manifest.webmanifest", guards=[public])
async def manifest(view: View, shop: Shop) -> Response[bytes]:
    """What a phone writes below the icon, and what it opens."""
    icons = [
        {"src": f"/icons/{size}.png", "sizes": f"{size}x{size}", "type": "image/png", "purpose": "any"}
        for size in SIZES[:2]
    ]
    icons.append({"src": "/icons/maskable.png", "sizes": "512x512", "type": "image/png", "purpose": "maskable"})
    told = {
        "id": "/",
        "name": shop.name,
        "short_name": shop.name if len(shop.name) <= 12 else shop.name.split()[0],
        "lang": view.language,
        "dir": "ltr",
        "start_url": view.href("/"),
        "scope": "/",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": _INK,
        "categories": ["shopping"],
        "icons": icons,
        "shortcuts": [
            {"name": view.text("Basket"), "url": view.href("/basket")},
            {"name": view.text("Stores"), "url": view.href("/stores")},
        ],
    }
    return Response(msgspec.json.encode(told), media_type="application/manifest+json", headers=_DAY)


@get("/offline", guards=[public], opt={"waits": False})
async def offline(view: View) -> Response[str]:
    """What the service worker shows for a page that it cannot fetch."""
    return view.show("storefront/offline.html", headers={"Cache-Control": "no-cache"})


@get("/worker.js", guards=[public])
async def worker(request: Request[Any, Any, Any], shop: Shop) -> Response[bytes]:
    """The service worker. It is another one as soon as one of its files is, so that a release reaches phones."""
    static: StaticFiles = request.app.state.static
    files = [static.url(name) for name in _SHELL if static.has(name)]
    languages = offered_languages(shop)
    source = static.find("js/worker.js")
    if source is None:
        raise NotFound(what="file", id="js/worker.js")
    # The sheets' addresses carry their versions. What the page says is fetched anew with each of them.
    shell = {"files": files, "offline": {language: f"/{language}/offline" for language in languages}}
    name = sha256(msgspec.json.encode(shell) + source.content).hexdigest()[:12]
    told = msgspec.json.encode({"name": f"lotse-{name}", **shell})
    # Never from a cache: this is how a browser learns of a new one.
    return Response(
        b"const SHELL = " + told + b";\n" + source.content,
        media_type="text/javascript",
        headers={"Cache-Control": "no-cache"},
    )


@get("/icons/{name:str}", guards=[public])
async def icon(request: Request[Any, Any, Any], name: str) -> Response[bytes]:
    """The shop's icon as a picture: `192.png`, `512.png`, `180.png` (iOS), and `maskable.png` with room around it."""
    sizes = {f"{size}.png": (size, False) for size in SIZES} | {"maskable.png": (512, True)}
    if name not in sizes:
        raise NotFound(what="icon", id=name)
    static: StaticFiles = request.app.state.static
    drawn = static.find("theme/icon.svg") or static.find("icon.svg")
    if drawn is None:
        raise NotFound(what="icon", id=name)
    size, is_maskable = sizes[name]
    content = await asyncio.to_thread(_picture, drawn, size, is_maskable)
    return Response(content, media_type="image/png", headers=_DAY)


@lru_cache(maxsize=16)  # four sizes of one drawing, and the one before it after a release
def _picture(drawing: StaticFile, size: int, is_maskable: bool) -> bytes:
    """A drawing as PNG. Maskable: all that counts lies within the middle 80 per cent (W3C Web App Manifest, 1.9.3)."""
    inside, edge = (80, 10) if is_maskable else (100, 0)
    data = base64.b64encode(drawing.content).decode()
    ground = f'<rect width="100" height="100" fill="{_INK}"/>' if is_maskable else ""
    whole = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">{ground}'
        f'<image x="{edge}" y="{edge}" width="{inside}" height="{inside}"'
        f' href="data:image/svg+xml;base64,{data}"/></svg>'
    )
    return bytes(resvg_py.svg_to_bytes(svg_string=whole, width=size, height=size, skip_system_fonts=True))


routes = (manifest, offline, worker, icon)
