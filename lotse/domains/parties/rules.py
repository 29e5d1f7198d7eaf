"""What makes a VAT id, a country, a language and a time zone valid. Pure."""

from functools import cache
from zoneinfo import available_timezones

from babel.localedata import exists as locale_exists
from stdnum import bic as bics
from stdnum import iban as ibans
from stdnum.exceptions import InvalidChecksum, InvalidFormat, InvalidLength, ValidationError
from stdnum.util import get_cc_module

from lotse.domains.parties.contracts import BankAccount, InvalidIban, InvalidVatId
from lotse.kernel.refusals import Invalid

# ISO 3166-1 alpha-2 is checked by form: new countries and user-assigned codes (ZZ, XI) are not for a program to refuse.
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def checked_vat_id(vat_id: str, country: str) -> str:
    """A VAT id in its compact form (`DE136695976`), checked by its country's own rules where python-stdnum knows them.

    Empty stays empty. Refusal: `InvalidVatId`.
    """
    if not vat_id.strip():
        return ""
    module = get_cc_module(country.lower(), "vat")
    if module is None:
        return vat_id.strip()
    try:
        compact: str = module.validate(vat_id)
    except ValidationError as error:
        raise InvalidVatId(vat_id=vat_id, country=country, rule=_rule(error)) from None
    return compact if compact.startswith(country) else country + compact


def checked_account(account: BankAccount) -> BankAccount:
    """An account with its IBAN in compact form; one without an IBAN is none. Refusals: `Invalid`, `InvalidIban`."""
    check_text(account.holder, "bank_account.holder", at_most=200)
    if not account.iban.strip():
        return BankAccount()
    try:
        iban: str = ibans.validate(account.iban)
    except ValidationError as error:
        raise InvalidIban(iban=account.iban, rule=_rule(error)) from None
    if account.bic and not bics.is_valid(account.bic):
        raise Invalid(field="bank_account.bic", rule="8 or 11 letters and digits (ISO 9362)")
    return BankAccount(account.holder, iban, bics.compact(account.bic))


def check_text(text: str, field: str, *, at_least: int = 0, at_most: int) -> None:
    """PostgreSQL's text has no NUL. Refusal: `Invalid`."""
    if not at_least <= len(text) <= at_most or "\0" in text:
        raise Invalid(field=field, rule=f"{at_least} to {at_most} characters, none of them NUL")


def check_name(name: str, field: str) -> None:
    """Refusal: `Invalid`."""
    check_text(name, field, at_least=1, at_most=200)


def check_country(country: str, field: str) -> None:
    """Refusal: `Invalid`."""
    if len(country) != 2 or not _LETTERS.issuperset(country):
        raise Invalid(field=field, rule="two capital letters (ISO 3166-1 alpha-2)")


def check_timezone(name: str, field: str) -> None:
    """Refusal: `Invalid`."""
    if name not in _timezones():
        raise Invalid(field=field, rule="a time zone of the IANA database, e.g. Europe/Berlin")


def check_language(language: str, field: str) -> None:
    """Refusal: `Invalid`."""
    if not locale_exists(language.replace("-", "_")):
        raise Invalid(field=field, rule="a language that CLDR knows (BCP 47), e.g. de or en-GB")


def _rule(error: ValidationError) -> str:
    if isinstance(error, InvalidLength):
        return "the number of characters"
    if isinstance(error, InvalidChecksum):
        return "the check digit"
    if isinstance(error, InvalidFormat):
        return "letters and digits of this country's form"
    return "a part that this country does not issue"


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())
