"""A name says everything that a page needs, and nothing that a visitor writes into an address is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotse.kernel.media import names
from lotse.kernel.media.names import Name, Rendition

DIGEST = "ab" * 32
PICTURE = f"{DIGEST}-2400x1600.jpg"
made = st.builds(
    Name,
    st.text("0123456789abcdef", min_size=64, max_size=64),
    st.integers(1, 16_000),
    st.integers(1, 16_000),
    st.sampled_from(["jpg", "png", "webp", "avif"]),
)


@given(made)
def test_a_name_is_read_as_it_was_written(name: Name):
    assert names.parsed(str(name)) == name


@given(made)
def test_renditions_are_never_larger_than_their_picture_and_keep_its_shape(name: Name):
    assert name.width and name.height
    assert name.widths == tuple(sorted(set(name.widths)))
    for cut in names.renditions(name):
        assert cut.width <= name.width
        assert abs(name.height_at(cut.width) - name.height * cut.width / name.width) <= 1
        assert names.rendition(name, str(cut)) == cut
    assert 1 <= len(name.widths) <= len(names.WIDTHS) + 1


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "..", "../../etc/passwd", f"{DIGEST}.exe", f"{DIGEST.upper()}.jpg", f"{DIGEST}-0x10.jpg",
        f"{DIGEST}-10x.jpg", f"{DIGEST}-100000x1.jpg", f"{DIGEST}.jpg\n", f"{DIGEST}.jpg/..", f"{DIGEST[:-1]}.jpg",
    ],
)  # fmt: skip
def test_what_is_no_name_is_none(text: str):
    assert names.parsed(text) is None


@pytest.mark.parametrize(
    "text", ["", "1-641.avif", "2-640.avif", "1-640.jpg", "1-9999.webp", "1-0640.webp", "../1-640.webp"]
)
def test_nobody_has_widths_made_that_there_are_not(text: str):
    name = names.parsed(PICTURE)
    assert name and names.rendition(name, text) is None


def test_a_page_has_all_it_needs_from_the_name():
    source = names.source(PICTURE)
    assert (source.width, source.height) == (2400, 1600)
    assert source.src == f"/media/{PICTURE}/1-640.webp"
    types, sets = zip(*source.srcsets, strict=True)
    assert types == ("image/avif", "image/webp")
    assert sets[0].split(", ")[0] == f"/media/{PICTURE}/1-160.avif 160w"
    assert sets[0].count("w,") == len(names.WIDTHS) - 1


def test_a_drawing_is_one_for_all_sizes():
    drawing = f"{DIGEST}-600x400.svg"
    assert names.source(drawing) == names.Source(f"/media/{drawing}", (), 600, 400)
    assert names.address(drawing, 160) == f"/media/{drawing}"


def test_an_address_for_one_size_is_the_next_larger_one():
    assert names.address(PICTURE, 200) == f"/media/{PICTURE}/{Rendition(320, 'webp')}"
    assert names.address(PICTURE, 5_000) == f"/media/{PICTURE}/{Rendition(1920, 'webp')}"
    assert names.address(PICTURE) == f"/media/{PICTURE}"
