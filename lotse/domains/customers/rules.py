"""What a customer and an address must look like. Pure."""

import re

from lotse.domains.customers.contracts import Address, Customer, EditCustomer, PutCustomer
from lotse.domains.parties.rules import check_country
from lotse.kernel.refusals import Invalid

# One @, something on both sides, no blanks: everything stricter refuses addresses that exist. Whether it works only a
# mail to it can tell.
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_GROUP = re.compile(r"([a-z0-9][a-z0-9_-]{0,31})?")
# How postcodes look in Europe (Universal Postal Union, addressing by country): a pattern and an example. Of other
# countries nothing is asked.
_POSTCODES = {
    "AT": ("[1-9][0-9]{3}", "1010"),
    "BE": ("[1-9][0-9]{3}", "1000"),
    "BG": ("[1-9][0-9]{3}", "1000"),
    "CH": ("[1-9][0-9]{3}", "8001"),
    "CY": ("[1-9][0-9]{3}", "1010"),
    "CZ": ("[1-7][0-9]{2} ?[0-9]{2}", "110 00"),
    "DE": ("[0-9]{5}", "20457"),
    "DK": ("[0-9]{4}", "1050"),
    "EE": ("[0-9]{5}", "10111"),
    "ES": ("[0-9]{5}", "28001"),
    "FI": ("[0-9]{5}", "00100"),
    "FR": ("[0-9]{5}", "75001"),
    "GB": ("(GIR|[A-Za-z]{1,2}[0-9][A-Za-z0-9]?) ?[0-9][A-Za-z]{2}", "SW1A 1AA"),
    "GR": ("[1-8][0-9]{2} ?[0-9]{2}", "105 58"),
    "HR": ("[1-5][0-9]{4}", "10000"),
    "HU": ("[1-9][0-9]{3}", "1011"),
    "IE": ("[A-Za-z][0-9][0-9Ww] ?[0-9A-Za-z]{4}", "D02 AF30"),
    "IT": ("[0-9]{5}", "00118"),
    "LI": ("94[89][0-9]", "9490"),
    "LT": ("(LT-)?[0-9]{5}", "LT-01100"),
    "LU": ("(L-)?[1-9][0-9]{3}", "1009"),
    "LV": ("(LV-)?[0-9]{4}", "LV-1010"),
    "MT": ("[A-Za-z]{3} ?[0-9]{2,4}", "VLT 1010"),
    "NL": ("[1-9][0-9]{3} ?[A-Za-z]{2}", "1011 AB"),
    "NO": ("[0-9]{4}", "0150"),
    "PL": ("[0-9]{2}-?[0-9]{3}", "00-001"),
    "PT": ("[1-9][0-9]{3}-?[0-9]{3}", "1000-001"),
    "RO": ("[0-9]{6}", "010011"),
    "SE": ("[1-9][0-9]{2} ?[0-9]{2}", "111 20"),
    "SI": ("(SI-)?[1-9][0-9]{3}", "1000"),
    "SK": ("[089][0-9]{2} ?[0-9]{2}", "811 01"),
}
# Labels and forms end there.
_LENGTHS = {"name": 200, "company": 200, "street": 200, "street2": 200, "postcode": 20, "city": 100, "region": 100}


def check_customer(customer: PutCustomer, where: str) -> None:
    """Refusal: `Invalid`, by field."""
    number = customer.number
    if number is not None and (not 1 <= len(number) <= 40 or number != number.strip() or "\0" in number):
        raise Invalid(field=f"{where}.number", rule="1 to 40 characters without blanks at the ends")
    if not _GROUP.fullmatch(customer.customer_group):
        raise Invalid(field=f"{where}.customer_group", rule="at most 32 small letters, digits, hyphens, underscores")
    check_email(customer.email, f"{where}.email")
    for j, (_, address) in enumerate(customer.addresses):
        check_address(address, f"{where}.addresses[{j}]")


def check_email(email: str, field: str) -> None:
    """Empty is allowed. Refusal: `Invalid`."""
    if email and not is_email(email):
        raise Invalid(field=field, rule="a mail address, at most 254 bytes")


def is_email(email: str) -> bool:
    """Whether a mail could be sent to it, as far as its form goes."""
    return len(email.encode()) <= 254 and bool(_EMAIL.fullmatch(email)) and "\0" not in email


def check_address(address: Address, where: str) -> None:
    """Refusal: `Invalid`, by field."""
    if not address.name.strip():
        raise Invalid(field=f"{where}.name", rule="somebody must be named")
    for name, longest in _LENGTHS.items():
        value: str = getattr(address, name)
        if len(value) > longest or "\0" in value:
            raise Invalid(field=f"{where}.{name}", rule=f"at most {longest} characters, none of them NUL")
    check_country(address.country, f"{where}.country")


def postcode_like(country: str, postcode: str) -> str | None:
    """None if a postcode looks like one of its country, else an example of one that does."""
    pattern, example = _POSTCODES.get(country, (".+", ""))
    return None if re.fullmatch(pattern, postcode.strip()) else example


def edit_of(customer: Customer) -> EditCustomer:
    """What of a customer can be changed by hand, as it is."""
    return EditCustomer(customer.name, customer.email, customer.phone, customer.customer_group)
