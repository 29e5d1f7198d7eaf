"""When stock counts as low, and how pools that could serve a sale are ordered. Pure."""

from lotse.domains.inventory.contracts import State

# At most so many units: a page may say "only 3 left". A state and not the number, because pages are cached and a number
# would change with every sale.
LOW = 5

# The largest number that a page says of stock; what is more is "more than", so that pages of what sells well last.
MOST_SHOWN = 10


def stock_state(available: int) -> State:
    """What a shop says about a quantity that it can sell."""
    if available <= 0:
        return "out"
    return "low" if available <= LOW else "in_stock"


def difference(figure: int, on_hand_then: int) -> int:
    """What to book for a figure of a moment: its difference to the books *of that moment*, whatever moved since.

    Booked as of then, the balance now is the figure and all that moved later; and the same figure finds nothing again.
    """
    return figure - on_hand_then
