"""How bytes leave: whole, in part, not at all; never as something that a browser would run."""

import gzip
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lotse.kernel.media.library import Library
from lotse.kernel.media.store import PIECE_BYTES, Opened
from lotse.web.media.serving import Served

CONTENT = bytes(range(256)) * 4_000  # a megabyte: several pieces


async def asked(
    library: Library, path: Path, media_type: str, **headers: str
) -> tuple[int, dict[str, str], list[bytes]]:
    """The answer to a request with these headers: status, headers, pieces."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]}
    opened = Opened("key", path.stat().st_size, path)  # noqa: ASYNC240 - a test's own file
    served = Served(library, opened, media_type, "name")
    await served.to_asgi_response(None, SimpleNamespace(scope=scope))(scope, None, send)  # type: ignore[arg-type]
    start, *bodies = sent
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    assert not bodies[-1]["more_body"]
    return start["status"], found, [body["body"] for body in bodies]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.jpg"
    path.write_bytes(CONTENT)
    return path


async def test_a_picture_goes_out_in_pieces_for_ever(library: Library, picture: Path):
    status, headers, pieces = await asked(library, picture, "image/jpeg")
    assert (status, b"".join(pieces)) == (200, CONTENT)
    assert max(map(len, pieces)) <= PIECE_BYTES
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (headers["etag"], headers["content-length"]) == ('"name"', str(len(CONTENT)))
    assert "sandbox" in headers["content-security-policy"] and "script" not in headers["content-security-policy"]


@pytest.mark.parametrize(
    ("span", "expected", "said"),
    [
        ("bytes=0-9", CONTENT[:10], "bytes 0-9/1024000"),
        ("bytes=1000000-", CONTENT[1_000_000:], "bytes 1000000-1023999/1024000"),
        ("bytes=-5", CONTENT[-5:], "bytes 1023995-1023999/1024000"),
        ("bytes=1023999-9999999", CONTENT[-1:], "bytes 1023999-1023999/1024000"),
    ],
)
async def test_a_part(library: Library, picture: Path, span: str, expected: bytes, said: str):
    status, headers, pieces = await asked(library, picture, "image/jpeg", range=span)
    assert (status, b"".join(pieces), headers["content-range"]) == (206, expected, said)
    assert headers["content-length"] == str(len(expected))


@pytest.mark.parametrize("span", ["bytes=1024000-", "bytes=5-2", "bytes=-0"])
async def test_a_part_that_is_not_there(library: Library, picture: Path, span: str):
    status, headers, pieces = await asked(library, picture, "image/jpeg", range=span)
    assert (status, headers["content-range"], b"".join(pieces)) == (416, "bytes */1024000", b"")


@pytest.mark.parametrize("span", ["bytes=0-1,5-9", "pages=1-2", "bytes=a-b", "bytes=-"])
async def test_what_is_no_single_range_is_answered_whole(library: Library, picture: Path, span: str):
    status, _, pieces = await asked(library, picture, "image/jpeg", range=span)
    assert (status, b"".join(pieces)) == (200, CONTENT)


async def test_a_part_of_another_version_is_answered_whole(library: Library, picture: Path):
    status, *_ = await asked(library, picture, "image/jpeg", range="bytes=0-9", if_range='"another"')
    assert status == 200
    status, *_ = await asked(library, picture, "image/jpeg", range="bytes=0-9", if_range='"name"')
    assert status == 206


@pytest.mark.parametrize("tags", ['"name"', 'W/"name"', '"a", "name"', "*"])
async def test_who_has_it_gets_nothing(library: Library, picture: Path, tags: str):
    status, _, pieces = await asked(library, picture, "image/jpeg", if_none_match=tags)
    assert (status, b"".join(pieces)) == (304, b"")


async def test_a_drawing_is_packed_and_runs_nothing(library: Library, tmp_path: Path):
    path = tmp_path / "drawing.svg"
    path.write_bytes(b"<svg>" + b"<g/>" * 500 + b"</svg>")
    status, headers, pieces = await asked(library, path, "image/svg+xml", accept_encoding="gzip, br")
    assert (status, gzip.decompress(b"".join(pieces))) == (200, path.read_bytes())
    assert headers["content-encoding"] == "gzip" and headers["vary"] == "Accept-Encoding"
    assert headers["content-security-policy"].startswith("default-src 'none'")
