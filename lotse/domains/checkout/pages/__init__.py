"""Basket, checkout and payment as pages."""

from lotse.domains.checkout.pages.basket import (
    add_line,
    added,
    basket_count,
    basket_page,
    remove_line,
    set_quantity,
)
from lotse.domains.checkout.pages.basket import slots as basket_slots
from lotse.domains.checkout.pages.checkout import checkout_page, checkout_sum, place
from lotse.domains.checkout.pages.delivery import slots as delivery_slots
from lotse.domains.checkout.pages.payment import office_charge, pay_again, pay_go, pay_page, pay_state

__all__ = ["routes", "slots"]
routes = (
    basket_page,
    basket_count,
    added,
    add_line,
    set_quantity,
    remove_line,
    checkout_page,
    checkout_sum,
    place,
    pay_go,
    pay_page,
    pay_state,
    pay_again,
    office_charge,
)
slots = (*basket_slots, *delivery_slots)
