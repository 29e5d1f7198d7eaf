-- Who forgot a password. The mail's link is signed and names this row; it works while the row is there, so it works once.
create table customers.resets (
    id uuid not null,
    customer_id uuid not null,
    requested_at timestamptz not null,
    expires_at timestamptz not null,
    constraint resets_pkey primary key (id),
    constraint resets_customer foreign key (customer_id) references customers.logins (customer_id) on delete cascade
);
-- All of an account end with a new password; and the foreign key's own look-up.
create index resets_customer_id on customers.resets (customer_id);
-- What has ended is swept.
create index resets_expires_at on customers.resets (expires_at);
