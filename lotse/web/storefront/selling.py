"""Who sells, as search engines read it on the first page (schema.org): the same that the imprint says, and what else
holds for every order."""

from typing import Any

from lotse.domains.parties import queries as parties
from lotse.domains.parties.contracts import LegalEntity, Party, PartyChanged, PostalAddress, Shop
from lotse.kernel.db import Database
from lotse.kernel.media import names as media_names
from lotse.kernel.pages.view import View
from lotse.kernel.tags import tagged

_party_changed = tagged(PartyChanged)


async def described(view: View, database: Database, shop: Shop) -> dict[str, Any]:
    """The shop and its search; what is not known of it is left out."""
    async with database.reading() as connection:
        entity = await parties.legal_entity(connection, legal_entity_id=shop.legal_entity_id)
        party = await parties.party(connection, party_id=entity.party_id) if entity else None
    if party is not None:
        view.shows(_party_changed(party.id))
    return {
        "@context": "https://schema.org",
        "@graph": [
            _store(view, shop, entity, party),
            {
                "@type": "WebSite",
                "name": shop.name,
                "url": view.address("/"),
                "potentialAction": {
                    "@type": "SearchAction",
                    "target": f"{view.address('/search')}?q={{words}}",
                    "query-input": "required name=words",
                },
            },
        ],
    }


def _store(view: View, shop: Shop, entity: LegalEntity | None, party: Party | None) -> dict[str, Any]:
    logo = view.given("logo")
    said: dict[str, Any] = {
        **shop.described(view.base, view.address("/")),
        "logo": view.base + (media_names.shared(logo) if logo else "/icons/512.png"),
        "hasMerchantReturnPolicy": shop.return_policy(view.base, view.address("/withdrawal")),
    }
    if entity is not None:
        said |= {"legalName": entity.name, "vatID": entity.vat_id, "address": _address(entity.address, entity.country)}
    if party is not None:
        said |= {"email": party.email, "telephone": party.phone}
        if party.email or party.phone:
            point = {"@type": "ContactPoint", "contactType": "customer service"}
            said["contactPoint"] = _filled({**point, "email": party.email, "telephone": party.phone})
    return _filled(said)


def _address(address: PostalAddress, country: str) -> dict[str, Any]:
    return _filled(
        {
            "@type": "PostalAddress",
            "streetAddress": address.street,
            "postalCode": address.postcode,
            "addressLocality": address.city,
            "addressRegion": address.region,
            "addressCountry": address.country or country,
        }
    )


def _filled(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value}
