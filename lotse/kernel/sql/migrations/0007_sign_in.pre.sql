-- Who signs in through a provider alone has no password.
alter table kernel.staff alter column password drop not null;

-- Sessions are listed and ended one by one, so they have a name that is not their secret, and say whose browser it is.
alter table kernel.sessions add column id uuid not null default gen_random_uuid();
alter table kernel.sessions add constraint sessions_id_unique unique (id);
alter table kernel.sessions add column method text not null default 'password';
alter table kernel.sessions add column device_id uuid;
alter table kernel.sessions add column address text not null default '';
alter table kernel.sessions add column agent text not null default '';
alter table kernel.sessions add column sign_out bytea;
comment on column kernel.sessions.address is 'retention: sign-in';
comment on column kernel.sessions.agent is 'retention: sign-in';

-- Browsers that an account has signed in with: they hold a random token in a cookie, the row its hash. Somebody else's
-- wrong passwords do not lock out a browser that is known here, and a sign-in from an unknown one is told to the account.
-- Retention: 180 days after the last sign-in, swept.
create table kernel.devices (
    id uuid not null primary key,
    token_hash bytea not null,
    staff_id uuid not null references kernel.staff (id) on delete cascade,
    -- What the browser called itself when it last signed in.
    agent text not null,
    address text not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    -- One browser may be used by several people: each has to become known with it.
    constraint devices_unique unique (token_hash, staff_id)
);
comment on column kernel.devices.agent is 'retention: sign-in';
comment on column kernel.devices.address is 'retention: sign-in';
-- The account's page lists them, and the foreign key needs it.
create index devices_staff on kernel.devices (staff_id, last_at);

-- Networks that an account has signed in from, so that another one can be told. Retention: 180 days after the last.
create table kernel.networks (
    staff_id uuid not null references kernel.staff (id) on delete cascade,
    network text not null,
    last_at timestamptz not null,
    primary key (staff_id, network)
);
comment on column kernel.networks.network is 'retention: sign-in';

-- Second factors: the secret that an authenticator app shares with us (RFC 6238), sealed (lotse/kernel/auth/sealing.py).
create table kernel.second_factors (
    staff_id uuid not null primary key references kernel.staff (id) on delete cascade,
    -- Null until a code has proven that the app holds it.
    sealed bytea,
    confirmed_at timestamptz,
    -- The one being set up; an older one counts until it is confirmed.
    proposed bytea,
    -- The time step of the last code that was taken: no code counts twice (RFC 6238, section 5.2).
    last_step bigint not null default 0,
    constraint second_factors_confirmed check ((sealed is null) = (confirmed_at is null))
);

-- Recovery codes: each stands in for the second factor once. Only keyed hashes; 80 random bits are not to be guessed.
create table kernel.recovery_codes (
    staff_id uuid not null references kernel.staff (id) on delete cascade,
    code_hash bytea not null,
    used_at timestamptz,
    primary key (staff_id, code_hash)
);

-- Sign-ins whose password was right and whose second factor is yet to come. Retention: minutes, swept.
create table kernel.half_sign_ins (
    token_hash bytea not null primary key,
    staff_id uuid not null references kernel.staff (id) on delete cascade,
    method text not null,
    -- The page that was asked for.
    goes_to text not null,
    -- Sealed: how to sign out at the provider that vouched for the account.
    sign_out bytea,
    -- Wrong codes so far; a few end it, so that the password has to be known again.
    mistakes integer not null default 0,
    expires_at timestamptz not null
);
-- Ends with the account's sessions, and serves the foreign key.
create index half_sign_ins_staff on kernel.half_sign_ins (staff_id);
-- The sweep finds what has expired.
create index half_sign_ins_expires_at on kernel.half_sign_ins (expires_at);

-- Visitors who are away at an OpenID provider: what was asked, until they come back. Taken away by the first answer, so
-- none counts twice. Retention: minutes, swept.
create table kernel.oidc_requests (
    state_hash bytea not null primary key,
    -- The browser that left; an answer in another one is refused.
    browser_hash bytea not null,
    provider text not null,
    nonce text not null,
    -- Proves to the provider that who brings the code is who asked (PKCE, RFC 7636).
    verifier text not null,
    goes_to text not null,
    -- Who links an account of the provider to their own; null: a sign-in.
    staff_id uuid references kernel.staff (id) on delete cascade,
    expires_at timestamptz not null
);
-- Serves the foreign key.
create index oidc_requests_staff on kernel.oidc_requests (staff_id);
-- The sweep finds what has expired.
create index oidc_requests_expires_at on kernel.oidc_requests (expires_at);

-- Accounts of OpenID providers that sign somebody in. Issuer and subject and nothing else say who it is: addresses and
-- names are given away, given back and given to others.
create table kernel.identities (
    issuer text not null,
    subject text not null,
    staff_id uuid not null references kernel.staff (id) on delete cascade,
    -- The name of the provider in the settings.
    provider text not null,
    -- What people call it: a mail address or a name, as the provider last said.
    label text not null,
    linked_at timestamptz not null,
    used_at timestamptz not null,
    primary key (issuer, subject)
);
comment on column kernel.identities.label is 'retention: sign-in';
-- The account's page lists them, and the foreign key needs it.
create index identities_staff on kernel.identities (staff_id);

-- What an account should know about itself: a sign-in from a new place, a changed password. Shown until it is put away.
-- Retention: 365 days, swept.
create table kernel.notices (
    id uuid not null primary key,
    staff_id uuid not null references kernel.staff (id) on delete cascade,
    kind text not null,
    -- The session that did it: it is told to the others.
    session_id uuid,
    address text not null,
    agent text not null,
    happened_at timestamptz not null,
    seen_at timestamptz
);
comment on column kernel.notices.address is 'retention: sign-in';
comment on column kernel.notices.agent is 'retention: sign-in';
-- Every page of a signed-in person asks for the ones not yet put away.
create index notices_unseen on kernel.notices (staff_id) where seen_at is null;
-- The account's page lists them, the newest first.
create index notices_staff on kernel.notices (staff_id, happened_at);
