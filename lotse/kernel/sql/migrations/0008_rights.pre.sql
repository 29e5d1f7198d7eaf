-- Grants of rights in a shop, at a location, for a party; roles that bundle them; who holds which.

-- Named bundles of grants.
create table kernel.roles (
    id uuid not null primary key,
    name text not null,
    description text not null default '',
    -- As Lotse ships it, under this name: kept up to date with Lotse until somebody edits it.
    ready text,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    -- People choose a role by its name.
    constraint roles_name_unique unique (name),
    constraint roles_name_length check (char_length(name) between 1 and 100 and char_length(description) <= 1000),
    -- Shipped once.
    constraint roles_ready_unique unique (ready)
);

-- What a role gives. Shops, locations and parties are ids of domains that the kernel does not know; null: all.
create table kernel.role_grants (
    role_id uuid not null references kernel.roles (id) on delete cascade,
    right_name text not null,
    shop_id uuid,
    location_id uuid,
    party_id uuid,
    -- The most that may be decided at once, in minor units; null: any amount.
    limit_minor bigint,
    currency text,
    -- Of two limits for the same thing nobody would know which counts.
    constraint role_grants_once unique nulls not distinct (role_id, right_name, shop_id, location_id, party_id),
    constraint role_grants_form check (right_name = '*' or right_name ~ '^[a-z][a-z_]*[.][a-z][a-z_]*$'),
    constraint role_grants_limit check (
        (limit_minor is null) = (currency is null) and limit_minor >= 0 and currency ~ '^[A-Z]{3}$'
    )
);

-- What staff and tokens hold: a role, or a single right; where, null being everywhere.
create table kernel.holdings (
    id uuid not null primary key,
    staff_id uuid references kernel.staff (id) on delete cascade,
    token_id uuid references kernel.tokens (id) on delete cascade,
    role_id uuid references kernel.roles (id),
    right_name text,
    shop_id uuid,
    location_id uuid,
    party_id uuid,
    limit_minor bigint,
    currency text,
    since timestamptz not null,
    constraint holdings_one_holder check (num_nonnulls(staff_id, token_id) = 1),
    constraint holdings_role_or_right check (num_nonnulls(role_id, right_name) = 1),
    -- Held once; of two limits for the same thing nobody would know which counts.
    constraint holdings_once unique nulls not distinct
        (staff_id, token_id, role_id, right_name, shop_id, location_id, party_id),
    constraint holdings_form check (right_name = '*' or right_name ~ '^[a-z][a-z_]*[.][a-z][a-z_]*$'),
    constraint holdings_limit check (
        (limit_minor is null) = (currency is null) and limit_minor >= 0 and currency ~ '^[A-Z]{3}$'
    ),
    -- A role brings its own limits.
    constraint holdings_limit_of_right check (limit_minor is null or right_name is not null)
);
-- What a token holds; staff are found by the constraint.
create index holdings_token on kernel.holdings (token_id) where token_id is not null;
-- Who holds a role, and the foreign key.
create index holdings_role on kernel.holdings (role_id) where role_id is not null;

-- What each holder may do: a role's grants, narrowed to where the role is held.
create view kernel.granted as
    select staff_id, token_id, right_name, shop_id, location_id, party_id, limit_minor, currency
    from kernel.holdings
    where right_name is not null
    union all
    select h.staff_id, h.token_id, g.right_name, coalesce(h.shop_id, g.shop_id),
        coalesce(h.location_id, g.location_id), coalesce(h.party_id, g.party_id), g.limit_minor, g.currency
    from kernel.holdings as h
    join kernel.role_grants as g on g.role_id = h.role_id
    where (h.shop_id is null or g.shop_id is null or h.shop_id = g.shop_id)
        and (h.location_id is null or g.location_id is null or h.location_id = g.location_id)
        and (h.party_id is null or g.party_id is null or h.party_id = g.party_id);

-- What was held as a list of names.
insert into kernel.holdings (id, staff_id, right_name, since)
select uuidv7(), staff.id, named.right_name, staff.changed_at
from kernel.staff
cross join lateral (
    select replace(scope, ':', '.') as right_name from unnest(staff.scopes) as scope
    -- Refunds have a right of their own now.
    union
    select 'orders.refund' where staff.scopes && array['payments.write', 'payments:write']
) as named
on conflict do nothing;
insert into kernel.holdings (id, token_id, right_name, since)
select uuidv7(), tokens.id, named.right_name, tokens.created_at
from kernel.tokens
cross join lateral (
    select replace(scope, ':', '.') as right_name from unnest(tokens.scopes) as scope
    union
    select 'orders.refund' where tokens.scopes && array['payments.write', 'payments:write']
) as named
on conflict do nothing;
-- The new code does not write them any more.
alter table kernel.staff alter column scopes set default '{}';
alter table kernel.tokens alter column scopes set default '{}';
