"""The form of the checkout: what a buyer types, read as a purchase."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from lotse.domains.checkout.contracts import Purchase
from lotse.domains.customers.contracts import Address, CustomerAddress
from lotse.domains.customers.rules import postcode_like
from lotse.domains.orders.contracts import Contact
from lotse.kernel.auth.forms import Draft
from lotse.kernel.pages.forms import Error, Form, FormIncomplete
from lotse.kernel.pages.i18n import N_
from lotse.kernel.refusals import Invalid

WRONG_EMAIL = N_("Please enter an e-mail address like anna@example.org.")
WRONG_POSTCODE = N_("Five digits, please.")
OTHER_POSTCODE = N_("A postcode there looks like %(example)s.")
CHOOSE = N_("Please choose.")
# One @, something before it, a dot after it: as the command asks for it.
_EMAIL = r"^[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+$"
_Line = Annotated[str, Meta(min_length=1, max_length=120)]
_Optional = Annotated[str, Meta(max_length=120)]
_Country = Annotated[str, Meta(pattern="^[A-Z]{2}$")]


class Typed(Struct, frozen=True):
    """The checkout's form but for an address of its own for the bill."""

    email: Annotated[str, Meta(min_length=3, max_length=254, pattern=_EMAIL)]
    name: _Line
    street: _Line
    postcode: Annotated[str, Meta(min_length=1, max_length=16)]
    city: _Line
    country: _Country
    payment: Annotated[str, Meta(min_length=1, max_length=32)]
    phone: Annotated[str, Meta(max_length=40)] = ""
    company: _Optional = ""
    street2: _Optional = ""


class TypedBilling(Struct, frozen=True):
    """An address of its own for the bill."""

    billing_name: _Line
    billing_street: _Line
    billing_postcode: Annotated[str, Meta(min_length=1, max_length=16)]
    billing_city: _Line
    billing_country: _Country
    billing_company: _Optional = ""


def purchase_of(form: Mapping[str, Any]) -> Purchase:
    """The purchase that a form asks for. Refusal: `FormIncomplete`, with every mistake of both addresses."""
    messages = {
        "email": WRONG_EMAIL,
        "payment": CHOOSE,
        "country": CHOOSE,
        "billing_country": CHOOSE,
    }
    typed = Form.read(form, Typed, messages=messages)
    billing = Form.read(form, TypedBilling, messages=messages) if form.get("other_billing") else None
    errors = {**typed.errors, **(billing.errors if billing else {})}
    for prefix in ("", "billing_") if billing else ("",):
        # What posts need there; the command refuses the rest by field, too.
        country, postcode = (str(form.get(prefix + name, "")).strip() for name in ("country", "postcode"))
        example = postcode_like(country, postcode) if postcode else None
        if example is not None:
            wrong = Error(WRONG_POSTCODE) if country == "DE" else Error(OTHER_POSTCODE, {"example": example})
            errors[f"{prefix}postcode"] = wrong
    if errors or typed.content is None:
        raise FormIncomplete(errors=errors)
    told = typed.content
    goods = Address(
        name=told.name,
        company=told.company,
        street=told.street,
        street2=told.street2,
        postcode=told.postcode,
        city=told.city,
        country=told.country,
    )
    bill = goods
    if billing and billing.content:
        other = billing.content
        bill = Address(
            name=other.billing_name,
            company=other.billing_company,
            street=other.billing_street,
            postcode=other.billing_postcode,
            city=other.billing_city,
            country=other.billing_country,
        )
    return Purchase(
        contact=Contact(email=told.email, phone=told.phone, billing=bill, delivery=goods if billing else None),
        method=told.payment,
        total_minor=_whole(form.get("total_minor")),
    )


def drafted(draft: Draft | None) -> Form[Typed]:
    """The form as it came back; a rule that only the command knows stands beside its field as well."""
    form: Form[Typed] = Form.drafted(draft, Typed)
    if draft is not None and str(draft.problem.get("type", "")).endswith(f":{Invalid.code}"):
        field = str(draft.problem.get("field", "")).rpartition(".")[2]
        return form.with_error(field, N_("This does not look right. Please check it."))
    return form


# The fields that an address of the account fills.
_PARTS = ("name", "company", "street", "street2", "postcode", "city", "country")


def parts_of(address: CustomerAddress) -> dict[str, str]:
    """An address of the account as the form has it."""
    return {name: getattr(address, name) for name in _PARTS}


def chosen_of(book: Sequence[CustomerAddress], asked: str, form: Form[Typed]) -> CustomerAddress | None:
    """Which address of the account stands in the form: the one that came back with it, the one asked for, else the
    first; None where another one is typed or wanted."""
    if form.typed:
        typed = {name: form.value(name) for name in _PARTS}
        return next((one for one in book if parts_of(one) == typed), None)
    if asked == "new":
        return None
    return next((one for one in book if str(one.id) == asked), next(iter(book), None))


def _whole(text: Any) -> int:
    # Fifteen digits are more than any basket costs; a number that JSON cannot hold could not come back with the form.
    if not re.fullmatch("[0-9]{1,15}", str(text)):
        raise Invalid(field="total_minor", rule="a whole number")
    return int(str(text))
