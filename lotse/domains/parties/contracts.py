"""Who is who, as other domains see it: parties, legal entities, shops, their refusals and events."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from msgspec import Struct

from lotse.kernel.refusals import Refusal

Kind = Literal["person", "organisation"]
Role = Literal["customer", "seller", "supplier", "partner", "staff", "provider"]
Channel = Literal["web", "till", "marketplace", "agent", "desk", "api"]


# s. 355 (2) BGB.
_WITHDRAWAL_DAYS = 14


class PostalAddress(Struct, frozen=True, omit_defaults=True):
    """Where something stands. `country` is ISO 3166-1 alpha-2."""

    street: str = ""
    postcode: str = ""
    city: str = ""
    region: str = ""
    country: str = ""


class Party(Struct, frozen=True):
    """A person or organisation with what may be erased; an erased party has an empty name."""

    id: UUID
    kind: Kind
    name: str
    legal_name: str
    email: str
    phone: str
    roles: list[Role]
    created_at: datetime


class PutParty(Struct, frozen=True, kw_only=True):
    """A party to make, or to overwrite if `id` is one that exists. Roles are added, never taken away."""

    id: UUID | None = None
    kind: Kind = "person"
    name: str
    legal_name: str = ""
    email: str = ""
    phone: str = ""
    roles: tuple[Role, ...] = ()


class BankAccount(Struct, frozen=True, omit_defaults=True):
    """Where money is transferred to; the IBAN in its compact form. Empty: transfers are not taken."""

    holder: str = ""
    iban: str = ""
    bic: str = ""


class LegalEntity(Struct, frozen=True):
    """Who owes the tax and keeps the books. `timezone` decides which day a sale falls on."""

    id: UUID
    party_id: UUID
    code: str
    name: str
    country: str
    currency: str
    vat_id: str
    address: PostalAddress
    timezone: str
    bank_account: BankAccount


class Shop(Struct, frozen=True):
    """A place to sell. `language` is the first of `languages`; `gross`: its prices include tax."""

    id: UUID
    code: str
    name: str
    channel: Channel
    legal_entity_id: UUID
    owner_party_id: UUID
    language: str
    languages: list[str]
    currency: str
    country: str
    gross: bool
    timezone: str

    def described(self, base: str, home: str) -> dict[str, Any]:
        """Who sells, for machines (schema.org). Wherever more is said of it, it is by the same `@id`."""
        return {"@type": "OnlineStore", "@id": f"{base}/#shop", "name": self.name, "url": home}

    def return_policy(self, base: str, link: str) -> dict[str, Any]:
        """The right of withdrawal, for machines (schema.org); `link` leads to what the page says of it.

        Who has not told buyers that they bear the cost of sending goods back bears it (s. 357 (5) BGB), and the page
        about withdrawal says so.
        """
        return {
            "@type": "MerchantReturnPolicy",
            "@id": f"{base}/#returns",
            "applicableCountry": self.country,
            "returnPolicyCategory": "https://schema.org/MerchantReturnFiniteReturnWindow",
            "merchantReturnDays": _WITHDRAWAL_DAYS,
            "returnMethod": "https://schema.org/ReturnByMail",
            "returnFees": "https://schema.org/FreeReturn",
            "refundType": "https://schema.org/FullRefund",
            "merchantReturnLink": link,
        }


class ShopListing(Struct, frozen=True):
    """A shop in the back office's table."""

    id: UUID
    code: str
    name: str
    channel: Channel
    legal_entity_id: UUID
    legal_entity: str
    owner_party_id: UUID
    languages: str
    currency: str
    country: str
    gross: bool
    timezone: str


class PartyChanged(Struct, frozen=True, tag="parties.PartyChanged"):
    """Name, contact or roles of a party changed; read it anew, the event carries no personal data."""

    party_id: UUID
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.party_id)


class ShopChanged(Struct, frozen=True, tag="parties.ShopChanged"):
    """A shop was made or changed."""

    shop_id: UUID
    code: str
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.shop_id)


class UnknownParty(Refusal, status=404, title="There is no such party"):
    """No party has this id."""

    party_id: UUID


class UnknownLegalEntity(Refusal, status=404, title="There is no such legal entity"):
    """No legal entity has this id or code."""

    legal_entity: str


class UnknownShop(Refusal, status=404, title="There is no such shop"):
    """No shop has this id or code."""

    shop: str


class InvalidIban(Refusal, status=422, title="Not an IBAN"):
    """`rule` says what is wrong: length, form or check digits (ISO 13616, python-stdnum)."""

    iban: str
    rule: str


class InvalidVatId(Refusal, status=422, title="Not a VAT id of this country"):
    """`rule` says what is wrong: length, form or check digit (python-stdnum)."""

    vat_id: str
    country: str
    rule: str
