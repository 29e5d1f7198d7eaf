-- Who agreed to mail but did not follow the confirming mail's link yet. The link is signed and names this row; it works
-- while the row is there, so it works once. Following it is what proves that the mailbox's owner agreed (s. 7 (2) UWG).
create table customers.consent_requests (
    id uuid not null,
    customer_id uuid not null,
    purpose text not null,
    -- Where the mail goes, and so whose consent it becomes.
    email text not null,
    asked_at timestamptz not null,
    expires_at timestamptz not null,
    constraint consent_requests_pkey primary key (id),
    constraint consent_requests_customer foreign key (customer_id) references customers.logins (customer_id)
        on delete cascade,
    constraint consent_requests_purpose_form check (purpose ~ '^[a-z][a-z_]{0,31}$')
);
comment on column customers.consent_requests.email is 'retention: contact';
-- What an account waits for; and the foreign key's own look-up.
create index consent_requests_customer_id on customers.consent_requests (customer_id);
-- What has ended is swept.
create index consent_requests_expires_at on customers.consent_requests (expires_at);

-- The proof: which mail address confirmed it, and when it had been asked. Empty of what was agreed to before mails
-- confirmed it, which therefore does not hold, and of what was taken back.
alter table customers.consents add column email text not null default '';
alter table customers.consents add column asked_at timestamptz;
comment on column customers.consents.email is 'retention: contact';
