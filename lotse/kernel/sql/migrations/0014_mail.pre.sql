-- ---------------------------------------------------------------------------------------------------------------------
-- Mail: what is to be sent, what became of it, the words that staff edited
-- ---------------------------------------------------------------------------------------------------------------------
create table kernel.mails (
    -- Also its Message-ID, which every try carries.
    id uuid not null primary key,
    -- The kind: domain and template.
    mail text not null,
    -- The event that it tells of; its own id for one that a person sent.
    event_id uuid not null,
    -- Of whom it is for, so that it stays unique when the address is erased.
    recipient_mark bytea not null,
    shop_id uuid,
    language text not null,
    -- What it is about, as the audit calls things.
    about text not null default '',
    party_id uuid,
    -- Ids only: what it says is read when it is sent.
    payload jsonb not null,
    -- Null: erased.
    address text,
    name text not null default '',
    subject text not null default '',
    -- Words that are tried out and were never saved.
    wording jsonb,
    is_trial boolean not null default false,
    state text not null default 'waiting',
    tries integer not null default 0,
    due_at timestamptz,
    -- When a worker took it: one that died is found by this.
    claimed_at timestamptz,
    error text not null default '',
    sent_at timestamptz,
    bounced_at timestamptz,
    again_of uuid,
    created_at timestamptz not null,
    -- A replayed event sends nothing twice.
    constraint mails_once unique (event_id, mail, recipient_mark),
    constraint mails_state_known check (
        state in ('waiting', 'sending', 'handing', 'sent', 'failed', 'bounced', 'unsure', 'cancelled')
    ),
    -- What waits has a time, nothing else has.
    constraint mails_due_while_waiting check ((state = 'waiting') = (due_at is not null)),
    constraint mails_error_length check (char_length(error) <= 2000)
);
-- What the sender looks for every second.
create index mails_due on kernel.mails (due_at, id) where state = 'waiting';
-- Workers that died are found by what they held; a handful of rows.
create index mails_held on kernel.mails (claimed_at) where state in ('sending', 'handing');
-- What a person has to look at.
create index mails_trouble on kernel.mails (state, id desc) where state in ('failed', 'bounced', 'unsure');
-- "Did you write to me?": by address, and by what it was about.
create index mails_address on kernel.mails (lower(address) text_pattern_ops) where address is not null;
create index mails_about on kernel.mails (about, id desc) where about <> '';
create index mails_party on kernel.mails (party_id) where party_id is not null;
comment on column kernel.mails.address is 'retention: mail';
comment on column kernel.mails.name is 'retention: mail';
comment on column kernel.mails.subject is 'retention: mail';

-- What was sent, byte for byte: a retry sends the same, and staff can look at what somebody got.
create table kernel.mail_copies (
    mail_id uuid not null primary key references kernel.mails (id) on delete cascade,
    message bytea not null
);
comment on column kernel.mail_copies.message is 'retention: mail';

-- The words of a mail as staff wrote them; the newest of a mail, shop and language holds.
create table kernel.mail_texts (
    id uuid not null primary key,
    mail text not null,
    -- Null: of every shop that has none of its own.
    shop_id uuid,
    language text not null,
    -- Null: the file's words again.
    wording jsonb,
    created_by text not null,
    created_at timestamptz not null,
    -- Why it could not be used when a mail needed it.
    problem text not null default ''
);
-- The newest version, and the list of all.
create index mail_texts_of on kernel.mail_texts (mail, language, shop_id, id desc);
