"""What is packed while it is sent."""

from io import BytesIO

import zstandard

from lotse.kernel.pages.packing import Zstd


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
