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
    "text",
    [
        "",
        "1-641.avif",
        "2-640.avif",
        "1-640.jpg",
        "1-1200.webp",
        "2-1200.jpg",
        "1-9999.webp",
        "1-0640.webp",
        "../1-640.webp",
    ],
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


# What is cut of drawings, by the size that they say they have.
DRAWN = {
    "600x400": names.DRAWN_WIDTHS,
    "64x64": names.DRAWN_WIDTHS,
    "12000x12000": names.DRAWN_WIDTHS,
    "160x36": names.DRAWN_WIDTHS,  # a logo: a mail cannot show it otherwise
    "36x160": (160, 320, 480),  # a strip: no higher than two screens
    "1x900": (),
    "63x63": (),  # an icon
    "24x24": (),
}


@pytest.mark.parametrize(("size", "widths"), DRAWN.items())
def test_a_drawing_is_cut_whatever_its_own_size(size: str, widths: tuple[int, ...]):
    drawing = f"{DIGEST}-{size}.svg"
    known = names.parsed(drawing)
    assert known and known.widths == widths
    assert all(known.height_at(width) <= 2560 for width in widths)
    source = names.source(drawing)
    assert source.src == f"/media/{drawing}"  # for browsers that know no other
    assert [srcset.count("w,") + 1 for _, srcset in source.srcsets] == ([len(widths)] * 2 if widths else [])


def test_a_drawing_without_a_size_is_served_as_it_is():
    drawing = f"{DIGEST}.svg"
    assert names.source(drawing) == names.Source(f"/media/{drawing}", (), None, None)
    assert names.address(drawing, 160) == names.shared(drawing) == f"/media/{drawing}"


def test_a_drawing_shown_larger_than_its_renditions_is_itself():
    drawing = f"{DIGEST}-600x400.svg"
    assert names.address(drawing, 300) == f"/media/{drawing}/1-320.webp"
    assert names.address(drawing, 1280) == f"/media/{drawing}/1-1280.webp"
    assert names.address(drawing, 1920) == names.address(drawing) == f"/media/{drawing}"


@pytest.mark.parametrize(
    ("name", "cut"),
    [
        (PICTURE, "1-1200.jpg"), (f"{DIGEST}-600x400.svg", "1-1200.jpg"), (f"{DIGEST}-900x400.png", "1-900.jpg"),
        (f"{DIGEST}-36x160.svg", "1-480.jpg"), (f"{DIGEST}-24x24.svg", None), (f"{DIGEST}.pdf", None),
    ],
)  # fmt: skip
def test_what_other_people_s_pages_show_is_a_jpeg(name: str, cut: str | None):
    known = names.parsed(name)
    assert known
    assert names.shared(name) == (f"/media/{name}/{cut}" if cut else f"/media/{name}")
    if cut:
        found = names.rendition(known, cut)
        assert found and found.media_type == "image/jpeg"
    assert names.rendition(known, "1-640.jpg") is None


def test_an_address_for_one_size_is_the_next_larger_one():
    assert names.address(PICTURE, 200) == f"/media/{PICTURE}/{Rendition(320, 'webp')}"
    assert names.address(PICTURE, 5_000) == f"/media/{PICTURE}/{Rendition(1920, 'webp')}"
    assert names.address(PICTURE) == f"/media/{PICTURE}"
