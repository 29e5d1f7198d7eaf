"""What payments bring to the desk: the lock of charges, for the kinds of higher domains that make orders of them."""

from lotse.domains.payments.commands import CHARGES

locks = (CHARGES,)
