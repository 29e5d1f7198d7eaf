"""Verbs of the checkout: fill a basket, place an order of it, or pay for it and place the order then."""

from lotse.domains.checkout.commands.attempts import PURPOSE, erase_party, forget_attempts
from lotse.domains.checkout.commands.baskets import (
    add_first_line,
    add_line,
    create_basket,
    delete_old,
    put_shipping,
    set_quantity,
)
from lotse.domains.checkout.commands.paying import capture, pay, settle, void
from lotse.domains.checkout.commands.placing import buy, place

__all__ = [
    "PURPOSE",
    "add_first_line",
    "add_line",
    "buy",
    "capture",
    "create_basket",
    "delete_old",
    "erase_party",
    "forget_attempts",
    "pay",
    "place",
    "put_shipping",
    "set_quantity",
    "settle",
    "void",
]
