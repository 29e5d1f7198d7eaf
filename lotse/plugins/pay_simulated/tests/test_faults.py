"""What faults are said as, and that the same seed fails the same way."""

import pytest

from lotse.plugins.pay_simulated.book import Book
from lotse.plugins.pay_simulated.faults import Dice, Faults, FaultsUnreadable, asked_for, parsed


def test_faults_are_read_by_name():
    assert parsed("") == Faults()
    assert parsed("decline=0.25, lost, slow_seconds=3") == Faults(decline=0.25, lost=1.0, slow_seconds=3.0)


@pytest.mark.parametrize("text", ["declined=0.1", "decline=x", "decline=1.1", "lost=-0.1", "slow_seconds=-1"])
def test_what_is_no_fault_is_named(text):
    with pytest.raises(FaultsUnreadable, match=r"decline|lost|slow"):
        parsed(text)


def test_the_same_seed_decides_the_same():
    def drawn(seed: int) -> list[bool]:
        dice = Dice(Faults(decline=0.5), seed)
        return [dice.rolls("decline", frozenset()) for _ in range(50)]

    assert drawn(7) == drawn(7) != drawn(8)


def test_a_request_may_ask_for_faults():
    assert asked_for("slow, lost, nonsense, slow_seconds") == {"slow", "lost"}
    assert Dice(Faults(), 1).rolls("lost", frozenset({"lost"}))


def test_the_books_outlive_their_process(tmp_path):
    book = Book(tmp_path / "psp.sqlite")
    with book.changing():
        book.bury("never seen")
    # Nothing is closed: the process is gone.
    again = Book(tmp_path / "psp.sqlite").charge("never seen")
    assert again and (again.status, again.authorised_minor) == ("voided", 0)
