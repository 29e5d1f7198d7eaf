"""What the front or a proxy says about the visitor, taken over into the request: address, scheme, host.

Only the pages role does this, and only who can reach its socket can say it. The public port believes no such header
unless its sender is a proxy named in `LOTSE_TRUSTED_PROXIES`.
"""

import ipaddress
from collections.abc import Sequence
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxied:
    """ASGI: `trusted` are the networks whose word counts; None takes everybody's (a private socket)."""

    def __init__(self, app: Any, trusted: Sequence[Network] | None = None) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and self._trusts(scope):
            scope = {**scope, **_told(scope["headers"])}
        await self._app(scope, receive, send)

    def _trusts(self, scope: Any) -> bool:
        if self._trusted is None:
            return True
        client = scope.get("client")
        if not client or not self._trusted:
            return False
        try:
            address = ipaddress.ip_address(client[0])
        except ValueError:
            return False
        return any(address in network for network in self._trusted)


def _told(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, value in headers:
        if name == b"x-forwarded-for":
            # The last entry is the one that the trusted neighbour wrote; those before it are the visitor's own claims.
            told["client"] = (value.decode("latin-1").rsplit(",", 1)[-1].strip(), 0)
        elif name == b"x-forwarded-proto" and value in (b"http", b"https"):
            told["scheme"] = value.decode("ascii")
    return told


def networks(text: str) -> list[Network]:
    """`"10.0.0.0/8, 192.0.2.1"` as networks. `ValueError` names what is none."""
    return [ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip()]
