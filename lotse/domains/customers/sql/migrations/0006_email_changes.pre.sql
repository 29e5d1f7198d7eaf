-- Who wants to sign in with another mail address. The link of the mail to it is signed and names this row; it works until
-- it was followed, so it works once. What was followed stays: by the former address is found what came under it, when a
-- person's data are exported or erased.
create table customers.email_changes (
    id uuid not null,
    customer_id uuid not null,
    -- Where the mail goes, and what the address becomes.
    email text not null,
    requested_at timestamptz not null,
    expires_at timestamptz not null,
    -- What it was, and until when; null until the link was followed.
    former text,
    changed_at timestamptz,
    constraint email_changes_pkey primary key (id),
    constraint email_changes_customer foreign key (customer_id) references customers.logins (customer_id)
        on delete cascade,
    constraint email_changes_email_length check (octet_length(email) between 3 and 254),
    constraint email_changes_whole check ((former is null) = (changed_at is null))
);
comment on column customers.email_changes.email is 'retention: contact';
comment on column customers.email_changes.former is 'retention: contact';
-- What an account waits for, and what it was called; and the foreign key's own look-up.
create index email_changes_customer_id on customers.email_changes (customer_id);
-- What nobody followed is swept.
create index email_changes_expires_at on customers.email_changes (expires_at) where changed_at is null;
