-- What customers sign in with. Who orders as a guest has none.
create table customers.logins (
    customer_id uuid not null,
    -- As it was typed; found whatever its case.
    email text not null,
    -- argon2id in PHC format.
    password text not null,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    constraint logins_pkey primary key (customer_id),
    constraint logins_customer foreign key (customer_id) references customers.customers (id) on delete cascade,
    constraint logins_email_length check (octet_length(email) between 3 and 254)
);
comment on column customers.logins.email is 'retention: contact';
comment on column customers.logins.password is 'retention: contact';
-- One mail address is one account.
create unique index logins_email on customers.logins (lower(email));

-- The token itself is in the browser's cookie only.
create table customers.sessions (
    token_hash bytea not null,
    customer_id uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint sessions_pkey primary key (token_hash),
    constraint sessions_customer foreign key (customer_id) references customers.logins (customer_id) on delete cascade
);
-- All of an account end when its password changes; and the foreign key's own look-up.
create index sessions_customer_id on customers.sessions (customer_id);
-- What has ended is swept.
create index sessions_expires_at on customers.sessions (expires_at);

-- A guest's list belongs to whoever has its id in a cookie; at sign-in it joins the customer's.
create table customers.wish_lists (
    id uuid not null,
    customer_id uuid,
    changed_at timestamptz not null,
    constraint wish_lists_pkey primary key (id),
    -- A customer has one.
    constraint wish_lists_customer_unique unique (customer_id),
    constraint wish_lists_customer foreign key (customer_id) references customers.customers (id) on delete cascade
);
-- Guests' lists that nobody touched are swept.
create index wish_lists_old on customers.wish_lists (changed_at) where customer_id is null;

create table customers.wishes (
    list_id uuid not null,
    product_id uuid not null,
    added_at timestamptz not null,
    constraint wishes_pkey primary key (list_id, product_id),
    constraint wishes_list foreign key (list_id) references customers.wish_lists (id) on delete cascade,
    constraint wishes_product foreign key (product_id) references catalog.products (id) on delete cascade
);
-- The foreign key's own look-up.
create index wishes_product_id on customers.wishes (product_id);

-- What somebody agreed to and took back, each time: the newest of a purpose holds (art. 7 (1) GDPR wants the proof).
create table customers.consents (
    customer_id uuid not null,
    purpose text not null,
    decided_at timestamptz not null,
    given boolean not null,
    constraint consents_pkey primary key (customer_id, purpose, decided_at),
    constraint consents_customer foreign key (customer_id) references customers.customers (id) on delete cascade,
    constraint consents_purpose_form check (purpose ~ '^[a-z][a-z_]{0,31}$')
);
