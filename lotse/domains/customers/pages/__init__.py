"""Pages of customers: the wish list and one's own account; in the back office who buys."""

from lotse.domains.customers.pages.account import (
    account,
    add_address,
    address_page,
    ask_email,
    change_email,
    change_password,
    confirm_consent,
    consent,
    consent_asked,
    edit_address,
    edit_details,
    email_asked,
    forget_password,
    forgotten,
    new_password,
    own_erasure,
    own_export,
    register,
    remove_address,
    reset_password,
    sign_in,
    sign_out,
)
from lotse.domains.customers.pages.office import CUSTOMERS, edit, erase, export, finders, office_customer
from lotse.domains.customers.pages.wishes import slots, unwish, wish, wishes
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.places import Place

__all__ = ["finders", "places", "routes", "slots", "tables"]
routes = (
    *table_routes(CUSTOMERS),
    office_customer,
    edit,
    export,
    erase,
    account,
    sign_in,
    register,
    sign_out,
    change_password,
    ask_email,
    email_asked,
    change_email,
    forgotten,
    forget_password,
    new_password,
    reset_password,
    edit_details,
    add_address,
    address_page,
    edit_address,
    remove_address,
    consent,
    consent_asked,
    confirm_consent,
    own_export,
    own_erasure,
    wishes,
    wish,
    unwish,
)
tables = (CUSTOMERS,)
places = (Place("/office/customers", N_("Customers"), "people", "c", "customers.read", "customers", 10),)
