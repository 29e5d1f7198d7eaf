-- Offers: who sells which variant in which shop, and in which condition.

create schema offers;

create table offers.offers (
    id uuid not null,
    shop_id uuid not null,
    variant_id uuid not null,
    seller_party_id uuid not null,
    condition text not null,
    state text not null,
    created_at timestamptz not null,
    constraint offers_pkey primary key (id),
    -- One seller offers the same thing once; also the way a shop's page finds the offers of a variant.
    constraint offers_once unique (shop_id, variant_id, seller_party_id, condition),
    constraint offers_shop foreign key (shop_id) references parties.shops (id),
    constraint offers_variant foreign key (variant_id) references catalog.variants (id),
    constraint offers_seller foreign key (seller_party_id) references parties.parties (id),
    constraint offers_condition_known check (condition in ('new', 'used', 'refurbished')),
    constraint offers_state_known check (state in ('active', 'paused'))
);
-- All shops that offer a variant: its page in the back office, and the foreign key's own look-up.
create index offers_variant_id on offers.offers (variant_id);
-- The back office's table of a shop, the newest first.
create index offers_shop_id on offers.offers (shop_id, id);
-- All offers of a seller: blocking one pauses them.
create index offers_seller_party_id on offers.offers (seller_party_id);
