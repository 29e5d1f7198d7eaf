"""Pictures from addresses on the net: bounded in time, size and redirects, and never from inside our own network.

Whoever may name an address would else read what only this machine can reach (server-side request forgery, CWE-918):
the database's neighbour, a cloud's metadata. So a host's name is resolved here, every address that it has must be a
public one, and the connection goes to exactly those: a name that says something else the next moment (DNS rebinding)
gains nothing. Each redirect is judged anew.
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from lotse.kernel.media.commands import check_url
from lotse.kernel.media.contracts import FetchFailed, SourceNotAllowed
from lotse.kernel.settings import Settings, SettingsError

CONNECT_SECONDS: Final = 10.0
# A pause between two pieces; the whole may take longer.
READ_SECONDS: Final = 20.0
TOTAL_SECONDS: Final = 120.0
MAX_REDIRECTS: Final = 4
_PIECE: Final = 256 * 1024
# What may be otherwise in a minute: too many requests, or a server in trouble.
_PASSING: Final = frozenset((408, 425, 429))

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class NotPublic(OSError):
    """A host has an address that is not public."""


class PublicResolver(AbstractResolver):
    """Resolves names as the system does and gives out an answer only if all of it may be asked."""

    def __init__(self, allowed: tuple[Network, ...] = ()) -> None:
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        addresses = [(family, str(address[0])) for family, _, _, _, address in found]
        for _, address in addresses:
            if not is_allowed(address, self._allowed):
                raise NotPublic(f"{host} is {address}")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
            for family, address in addresses
        ]

    async def close(self) -> None:
        """Holds nothing."""


def is_allowed(address: str, allowed: tuple[Network, ...]) -> bool:
    """Whether an address may be asked: a public one, or one of these networks."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    # IPv4 in IPv6's clothes is judged as what it is: mapped, and translated by NAT64 (RFC 6052) or 6to4.
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour
        if inner is None and parsed in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            return is_allowed(str(inner), allowed)
    if any(parsed.version == network.version and parsed in network for network in allowed):
        return True
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def allowed_networks(settings: Settings) -> tuple[Network, ...]:
    """`LOTSE_MEDIA_FETCH_NETWORKS`. `SettingsError` for what is no network."""
    try:
        return tuple(
            ipaddress.ip_network(part.strip()) for part in settings.media_fetch_networks.split(",") if part.strip()
        )
    except ValueError as error:
        raise SettingsError(f"LOTSE_MEDIA_FETCH_NETWORKS: {error}") from None


class Fetcher:
    """Asks addresses on the net. Use as a context."""

    def __init__(self, allowed: tuple[Network, ...] = ()) -> None:
        self._allowed = allowed
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Fetcher":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=PublicResolver(self._allowed), use_dns_cache=False, limit=4),
            timeout=aiohttp.ClientTimeout(total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS),
            # Cookies of one supplier are no other's business; and a proxy of the environment would resolve for us.
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            headers={"User-Agent": "Lotse (fetches product pictures)", "Accept": "image/*,application/pdf"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def fetched(self, url: str) -> AsyncGenerator["Found"]:
        """The file at an address, for the block. Refusals: `SourceNotAllowed`, `FetchFailed`."""
        if self._session is None:
            raise TypeError("use the fetcher as a context")
        asked = url
        for _ in range(MAX_REDIRECTS + 1):
            self._check(url, asked)
            try:
                answer = await self._session.get(url, allow_redirects=False)
            except Exception as error:
                raise _refused(asked, error) from error
            async with answer:
                if answer.status in (301, 302, 303, 307, 308) and "location" in answer.headers:
                    url = urljoin(url, answer.headers["location"])
                    continue
                if answer.status != 200:
                    lasting = answer.status < 500 and answer.status not in _PASSING
                    raise FetchFailed(url=asked, reason=f"the server answers {answer.status}", lasting=lasting)
                yield Found(asked, answer)
                return
        raise FetchFailed(url=asked, reason=f"more than {MAX_REDIRECTS} redirects", lasting=True)

    def _check(self, url: str, asked: str) -> None:
        try:
            check_url(url)
        except SourceNotAllowed as refusal:
            raise SourceNotAllowed(url=asked, rule=refusal.rule) from None
        # A number in place of a name is never resolved, so it is judged here.
        host = (urlsplit(url).hostname or "").strip("[]")
        if _is_number(host) and not is_allowed(host, self._allowed):
            raise SourceNotAllowed(url=asked, rule="an address on the public net")


class Found:
    """A file that is being fetched."""

    def __init__(self, url: str, answer: aiohttp.ClientResponse) -> None:
        self._url = url
        self._answer = answer
        self.title = unquote(urlsplit(url).path.rpartition("/")[2])

    async def pieces(self) -> AsyncIterator[bytes]:
        """Its bytes as they come. Refusal: `FetchFailed`."""
        try:
            async for piece in self._answer.content.iter_chunked(_PIECE):
                yield piece
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _refused(self._url, error) from error


def _is_number(host: str) -> bool:
    """Whether it is an address as it stands. What only the C library takes for one (`2130706433`, `0x7f.1`) goes to the
    resolver like a name."""
    try:
        ipaddress.ip_address(host)
        return True
    except ValueError:
        return False


def _refused(url: str, error: BaseException) -> SourceNotAllowed | FetchFailed:
    cause: Any = error
    while cause is not None:
        if isinstance(cause, NotPublic):
            return SourceNotAllowed(url=url, rule="an address on the public net")
        cause = getattr(cause, "os_error", None) or cause.__cause__
    if isinstance(error, TimeoutError):
        return FetchFailed(url=url, reason="the server takes too long", lasting=False)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return FetchFailed(url=url, reason="there is no such host", lasting=False)
    if isinstance(error, aiohttp.ClientConnectorError):
        return FetchFailed(url=url, reason="the server cannot be reached", lasting=False)
    return FetchFailed(url=url, reason=f"the answer cannot be read: {type(error).__name__}", lasting=False)
