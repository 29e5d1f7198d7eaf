"""Customers, as other domains see them; the address is also what checkout and orders speak."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from msgspec import Meta, Struct

from lotse.domains.parties.contracts import Kind as PartyKind
from lotse.kernel.refusals import Refusal

AddressKind = Literal["billing", "delivery"]


class Address(Struct, frozen=True, kw_only=True):
    """Where bills or parcels go. `country` is ISO 3166-1 alpha-2; `ZZ` where a source does not say."""

    name: str
    company: str = ""
    street: str = ""
    street2: str = ""
    postcode: str = ""
    city: str = ""
    region: str = ""
    country: str


class Customer(Struct, frozen=True):
    """A party that buys. `number` is what people call it by; `customer_group` picks prices, empty for everybody."""

    id: UUID
    party_id: UUID
    number: str
    shop_id: UUID
    customer_group: str
    name: str
    email: str
    phone: str
    created_at: datetime


class CustomerAddress(Struct, frozen=True):
    """An address of a customer. The newest of a kind is the one in use."""

    id: UUID
    customer_id: UUID
    kind: AddressKind
    name: str
    company: str
    street: str
    street2: str
    postcode: str
    city: str
    region: str
    country: str


class CustomerRow(Struct, frozen=True):
    """A customer in the back office's table. What a party is called is added per page, and empty once erased."""

    id: UUID
    party_id: UUID
    number: str
    shop_id: UUID
    customer_group: str
    created_at: datetime
    name: str = ""
    email: str = ""
    phone: str = ""


class FoundCustomer(Struct, frozen=True):
    """A customer that the command palette found."""

    id: UUID
    party_id: UUID
    number: str


class Named(Struct, frozen=True):
    """How a party is called and reached."""

    party_id: UUID
    kind: PartyKind
    name: str
    email: str
    phone: str


class PutCustomer(Struct, frozen=True, kw_only=True):
    """A customer to make or to overwrite. `number` names it; without one a number is drawn and the customer is new."""

    number: str | None = None
    shop_id: UUID
    kind: PartyKind = "person"
    name: str
    email: str = ""
    phone: str = ""
    customer_group: str = ""
    addresses: tuple[tuple[AddressKind, Address], ...] = ()


class EditCustomer(Struct, frozen=True):
    """What staff may change of a customer by hand."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    email: Annotated[str, Meta(max_length=254)] = ""
    phone: Annotated[str, Meta(max_length=50)] = ""
    customer_group: Annotated[str, Meta(pattern="^([a-z0-9][a-z0-9_-]{0,31})?$")] = ""


class StoredCustomer(Struct, frozen=True):
    """Where a customer ended up."""

    id: UUID
    party_id: UUID
    number: str


# The cookie of a signed-in customer, and the one of a guest's wish list.
SESSION_COOKIE = "lotse_customer"
WISHES_COOKIE = "lotse_wishes"
# What the links of forgotten passwords are signed for.
RESET_LINK = "customers.reset"
# And those of mails that ask whether a consent is meant.
CONSENT_LINK = "customers.consent"
# And those of mails that ask whether an address is to be the account's.
EMAIL_LINK = "customers.email"
# What can be agreed to in the account.
PURPOSES = ("news_mail",)


class Consent(Struct, frozen=True):
    """What somebody decided last about a purpose. If it is given: the mail address that confirmed it, which alone may
    be written to, and when it had been asked."""

    purpose: str
    given: bool
    decided_at: datetime
    email: str = ""
    asked_at: datetime | None = None


class ConsentRequest(Struct, frozen=True):
    """A consent that waits for its mail's link to be followed."""

    id: UUID
    customer_id: UUID
    purpose: str
    email: str
    asked_at: datetime
    expires_at: datetime


class EmailChange(Struct, frozen=True):
    """Another mail address to sign in with. It is the account's once its mail's link was followed: `former` is what it
    was until `changed_at`."""

    id: UUID
    customer_id: UUID
    email: str
    requested_at: datetime
    expires_at: datetime
    former: str | None = None
    changed_at: datetime | None = None


class Wish(Struct, frozen=True):
    """A product on somebody's list, in the colour and size that they chose; None if they chose none."""

    product_id: UUID
    added_at: datetime
    variant_id: UUID | None = None


class Exported(Struct, frozen=True):
    """What is kept about a person as a customer, for their export."""

    customers: list[Customer]
    addresses: list[CustomerAddress]
    consents: list[Consent] = []
    wishes: list[Wish] = []
    consent_requests: list[ConsentRequest] = []
    email_changes: list[EmailChange] = []


class CustomerChanged(Struct, frozen=True, tag="customers.CustomerChanged"):
    """A customer was made or changed; read it anew, the event carries no personal data."""

    customer_id: UUID
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.customer_id)


class AccountMade(Struct, frozen=True, tag="customers.AccountMade"):
    """Somebody has an account now. `language`: what they read; empty for the shop's."""

    customer_id: UUID
    language: str = ""
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.customer_id)


class PasswordForgotten(Struct, frozen=True, tag="customers.PasswordForgotten"):
    """Somebody asked for a new password at an account. Who holds only the id cannot set one: the link is signed."""

    customer_id: UUID
    reset_id: UUID
    language: str = ""
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.customer_id)


class PasswordChanged(Struct, frozen=True, tag="customers.PasswordChanged"):
    """An account has another password, and its other sessions have ended."""

    customer_id: UUID
    language: str = ""
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.customer_id)


class ConsentAsked(Struct, frozen=True, tag="customers.ConsentAsked"):
    """Somebody agreed to mail and is asked by one whether they mean it. Who holds only the id cannot confirm it: the
    link is signed."""

    customer_id: UUID
    request_id: UUID
    language: str = ""
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.customer_id)


class EmailChangeAsked(Struct, frozen=True, tag="customers.EmailChangeAsked"):
    """Somebody wants another mail address for their account, and its mailbox is asked by a mail. Who holds only the id
    cannot change it: the link is signed."""

    customer_id: UUID
    change_id: UUID
    language: str = ""
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.customer_id)


class EmailChanged(Struct, frozen=True, tag="customers.EmailChanged"):
    """An account has another mail address, and its other sessions have ended."""

    customer_id: UUID
    change_id: UUID
    language: str = ""
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.customer_id)


class NotSignedInHere(Refusal, status=401, title="Please sign in"):
    """It is for customers who are signed in."""


class AccountTaken(Refusal, status=409, title="There is an account with this mail address"):
    """Sign in with it."""


class SignInFailed(Refusal, status=422, title="Mail address and password do not fit together"):
    """It is not said which of them is wrong."""


class ResetOver(Refusal, status=410, title="This link is used up or too old"):
    """Ask for another one."""


class ConsentOver(Refusal, status=410, title="This link is used up or too old"):
    """What holds stands in the account, where another one can be sent."""


class EmailChangeOver(Refusal, status=410, title="This link is used up or too old"):
    """The account has the address that it has; another change can be asked for there."""


class AddressUnknown(Refusal, status=404, title="There is no such address"):
    """It is gone, or somebody else's."""


class UnknownCustomer(Refusal, status=404, title="There is no such customer"):
    """No customer has this id or number."""

    customer: str
