"""What is packed while it is sent."""

from io import BytesIO

import pytest
import zstandard
from litestar import MediaType, get
from litestar.config.compression import CompressionConfig
from litestar.testing import create_test_client

from lotse.kernel.pages.packing import MIN_BYTES, Packing, Zstd


def test_each_piece_of_a_stream_can_be_read_when_it_comes() -> None:
    sent, reader = BytesIO(), zstandard.ZstdDecompressor().decompressobj()
    packer = Zstd(sent, Zstd.encoding, None)
    for piece in (b"one", b"", b"two" * 10_000):
        begin = sent.tell()
        packer.write(piece)
        assert reader.decompress(sent.getvalue()[begin:]) == piece
    begin = sent.tell()
    packer.close()
    assert reader.decompress(sent.getvalue()[begin:]) == b"" and reader.eof


@pytest.mark.parametrize(
    ("accept", "packing"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "gzip"),
        ("gzip, zstd;q=0", "gzip"),
        ("zstd;q=0.5, gzip", "gzip"),
        ("gzip;q=0, zstd;q=0", ""),
        ("*", "zstd"),
        ("*;q=0", ""),
        ("br", ""),
        ("identity", ""),
        ("", ""),
    ],
)
def test_a_page_is_packed_with_what_the_client_takes(accept: str, packing: str) -> None:
    @get("/", sync_to_thread=False, media_type=MediaType.TEXT)
    def page() -> str:
        return "page " * MIN_BYTES

    config = CompressionConfig(Zstd.encoding, compression_facade=Zstd, middleware_class=Packing)
    with create_test_client(page, compression_config=config) as client:
        answer = client.get("/", headers={"accept-encoding": accept})
    assert answer.headers.get("content-encoding", "") == packing
    assert answer.text == "page " * MIN_BYTES
