"""What the shop's pages say of it: the one way to pay that it offers."""

from lotse.domains.payments.contracts import Method
from lotse.kernel.pages.i18n import N_

CARD = Method(
    "card_test",
    releases=False,
    days=1,
    provider="simulated",
    title=N_("Card (test)"),
    hint=N_("A payment page to try things with. No money moves."),
)
