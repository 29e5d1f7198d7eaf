"""What the live page is made of, without a server: the map, the bound of a watcher, the supervisor's file."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lotse.kernel import standing
from lotse.kernel.settings import Settings
from lotse.plugins.demo_sports.stores import STORES
from lotse.web.live.demo import NotTheDemo, buyers, known_buyers
from lotse.web.live.hub import MOST_WAITING, Watcher
from lotse.web.live.outline import HEIGHT, WIDTH, at, path

pytestmark = pytest.mark.anyio


def inside(x: float, y: float) -> bool:
    """Whether a point lies in the outline: a ray from it crosses the border an odd number of times."""
    points = [tuple(map(float, pair.split())) for pair in path()[1:-1].split("L")]
    crossings = 0
    for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1], strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            crossings += 1
    return crossings % 2 == 1


def test_every_store_lies_in_the_country_that_is_drawn() -> None:
    for store in STORES:
        x, y = at(store.longitude, store.latitude)
        assert 0 < x < WIDTH and 0 < y < HEIGHT
        # Two lie on the border itself, which is drawn with a hundred points.
        assert inside(x, y) or store.code in ("konstanz", "aachen"), store.city
    assert not inside(*at(2.35, 48.86)) and not inside(*at(16.37, 48.21))


async def test_a_watcher_who_does_not_take_what_is_told_is_let_go() -> None:
    watcher = Watcher()
    for number in range(MOST_WAITING):
        watcher.tell(b"%d" % number)
    assert not watcher.gone
    watcher.tell(b"one more")
    assert watcher.gone
    assert await watcher.next() == b"0"


def test_the_supervisors_file_is_read_as_it_was_written_and_none_is_no_process(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert standing.read(settings) == []
    found = [standing.Process("desk", 4711, True, 1, datetime(2026, 11, 22, tzinfo=UTC))]
    standing.write(tmp_path / "run", found)
    assert standing.read(settings) == found


def test_without_buyers_there_are_no_buttons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOTSE_LIVE_URL", raising=False)
    assert buyers() is None
    with pytest.raises(NotTheDemo):
        known_buyers()
