-- Locations, which of them serve a shop, and what each pool of goods counts. Balances are the pools'.

create schema inventory;

create table inventory.locations (
    id uuid not null,
    code text not null,
    kind text not null,
    name text not null,
    address jsonb not null default '{}',
    country text not null,
    -- "Open until eight" and "today" are decided in the location's own time.
    timezone text not null,
    latitude double precision,
    longitude double precision,
    opening_hours jsonb not null default '{}',
    constraint locations_pkey primary key (id),
    -- Receipts, labels and imports name a location by its code.
    constraint locations_code_unique unique (code),
    constraint locations_code_form check (code ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    constraint locations_kind_known check (kind in ('warehouse', 'store', 'dark_store', 'seller', 'in_transit')),
    constraint locations_name_length check (char_length(name) between 1 and 200),
    constraint locations_country_form check (country ~ '^[A-Z]{2}$'),
    -- WGS 84, both or none.
    constraint locations_place check (
        (latitude is null) = (longitude is null)
        and (latitude is null or (latitude between -90 and 90 and longitude between -180 and 180))
    )
);

create table inventory.shop_locations (
    shop_id uuid not null,
    location_id uuid not null,
    -- Lower first; the same number twice is decided by the location's code, so that the order is always one order.
    priority integer not null,
    constraint shop_locations_pkey primary key (shop_id, location_id),
    constraint shop_locations_shop foreign key (shop_id) references parties.shops (id),
    constraint shop_locations_location foreign key (location_id) references inventory.locations (id)
);
-- The foreign key's own look-up.
create index shop_locations_location_id on inventory.shop_locations (location_id);

create table inventory.stock (
    -- The pool itself is hot and knows no business, so nothing refers to it by foreign key; check_stock_pools looks.
    pool_id bigint not null,
    variant_id uuid not null,
    location_id uuid not null,
    owner_party_id uuid not null,
    condition text not null,
    lot text not null default '',
    constraint stock_pkey primary key (pool_id),
    -- One pool counts one thing, and a thing is counted once; also the way a page finds the stock of a variant.
    constraint stock_once unique (variant_id, location_id, owner_party_id, condition, lot),
    constraint stock_variant foreign key (variant_id) references catalog.variants (id),
    constraint stock_location foreign key (location_id) references inventory.locations (id),
    constraint stock_owner foreign key (owner_party_id) references parties.parties (id),
    constraint stock_condition_known check (condition in ('new', 'used', 'refurbished')),
    constraint stock_lot_length check (char_length(lot) <= 64)
);
-- The stock list of one location in the back office.
create index stock_location_id on inventory.stock (location_id, pool_id);
-- All stock of one seller.
create index stock_owner_party_id on inventory.stock (owner_party_id);

-- What moved goods: a receipt, a count's adjustment, a transfer. Its lines are the pools' movements.
create table inventory.documents (
    id uuid not null,
    kind text not null,
    -- The delivery note, the count list: what the paper says. Empty if there is none.
    reference text not null,
    note text not null,
    actor text not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    constraint documents_pkey primary key (id),
    constraint documents_kind_known check (kind in ('receipt', 'adjustment', 'transfer'))
);

-- Every paper is a change that the log of changes tells of, with who and why. The desk that moves goods writes the entry
-- beside the paper, and says from where; one that was written any other way is entered all the same.
create function inventory.log_document() returns trigger language plpgsql as $$
begin
    if exists (select from kernel.audit where subject = 'inventory.document:' || new.id) then
        return null;
    end if;
    insert into kernel.audit (id, subject, actor, old, new, reason, recorded_at)
    values (
        uuidv7(), 'inventory.document:' || new.id, new.actor, null,
        jsonb_build_object('kind', new.kind, 'reference', new.reference), nullif(new.note, ''), new.recorded_at
    );
    return null;
end
$$;
create trigger documents_are_logged after insert on inventory.documents for each row
    execute function inventory.log_document();

-- The latest count of a pool: a figure of an earlier moment that comes later would undo what the later one found.
create table inventory.counts (
    pool_id bigint not null,
    counted_at timestamptz not null,
    quantity bigint not null,
    recorded_at timestamptz not null,
    recorded_by text not null,
    constraint counts_pkey primary key (pool_id),
    constraint counts_quantity_not_negative check (quantity >= 0)
) with (fillfactor = 80);

-- Where postcodes are, from a file (kind `postcodes`): stores by distance, and the state whose holidays count. Without
-- one, regions of two digits stand in (`rules.region_of`).
create table inventory.postcodes (
    country text not null,
    postcode text not null,
    city text not null,
    -- ISO 3166-2 without the country; empty if the file does not say.
    state text not null,
    latitude double precision not null,
    longitude double precision not null,
    constraint postcodes_pkey primary key (country, postcode),
    constraint postcodes_country_form check (country ~ '^[A-Z]{2}$'),
    constraint postcodes_lengths check (
        char_length(postcode) between 1 and 16 and char_length(city) <= 200 and state ~ '^([A-Z0-9]{1,3})?$'
    ),
    constraint postcodes_place check (latitude between -90 and 90 and longitude between -180 and 180)
);
