-- ---------------------------------------------------------------------------------------------------------------------
-- Who asks: staff, their sessions, API tokens, log-in attempts, and the installation's own secrets
-- ---------------------------------------------------------------------------------------------------------------------

-- Random keys that every host of the installation must share, e.g. the one that signs links. Made on first use.
create table kernel.secrets (
    name text not null primary key,
    secret bytea not null,
    created_at timestamptz not null,
    -- 256 bits, as HMAC-SHA256 takes.
    constraint secrets_length check (octet_length(secret) = 32)
);

-- People who work here. Rows stay, switched off, because changes name them; login, name and password are erasable
-- (retention: until the employment ended, then as long as the audit trail must name a person).
create table kernel.staff (
    id uuid not null primary key,
    login text not null,
    name text not null,
    -- An argon2id hash in PHC format: it carries its own parameters, so they can be raised later.
    password text not null,
    -- Rights as 'thing:verb'; '*' holds all.
    scopes text[] not null,
    active boolean not null default true,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    -- Log-in looks it up; case does not tell two people apart.
    constraint staff_login_unique unique (login),
    constraint staff_login_form check (login = lower(login) and login ~ '^[^[:space:]]{1,200}$'),
    constraint staff_password_is_hashed check (password like '$argon2id$%')
);

-- Sessions of staff in the back office. The browser holds a random token, the row its hash: who reads the table or a
-- backup cannot use what he finds.
create table kernel.sessions (
    token_hash bytea not null primary key,
    staff_id uuid not null references kernel.staff (id) on delete cascade,
    -- Forms of the session prove themselves with a token made from this.
    csrf_secret bytea not null,
    created_at timestamptz not null,
    -- Idle expiry counts from here; written at most once a minute.
    seen_at timestamptz not null,
    -- The latest end, however busy the session is.
    expires_at timestamptz not null
);
-- Ends all sessions of an account when its password or rights change, and serves the foreign key.
create index sessions_staff on kernel.sessions (staff_id);
-- The sweep finds what has expired.
create index sessions_expires_at on kernel.sessions (expires_at);

-- Keys of programs. Shown once when made, stored hashed; never deleted, because changes name them.
create table kernel.tokens (
    id uuid not null primary key,
    name text not null,
    token_hash bytea not null,
    scopes text[] not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    -- Each request looks its token up by this.
    constraint tokens_hash_unique unique (token_hash),
    constraint tokens_name_not_empty check (name <> ''),
    constraint tokens_expire_after_creation check (expires_at > created_at)
);

-- Rate limits (log-in by account and by address): one row per key and no history. `empty_at` is when the bucket that the
-- attempts fill will have leaked dry (generic cell rate algorithm).
create table kernel.attempts (
    key text not null primary key,
    empty_at timestamptz not null
);
-- The sweep finds buckets that are dry.
create index attempts_empty_at on kernel.attempts (empty_at);

-- What somebody typed into a form whose post was refused, until the form is shown again. Holds names and addresses:
-- retention 30 minutes, swept.
create table kernel.drafts (
    token_hash bytea not null primary key,
    -- The page that the form is on: a draft shows nowhere else.
    form text not null,
    typed jsonb not null,
    problem jsonb not null,
    expires_at timestamptz not null,
    -- A body of 1 MiB is the most a form can post; more than this is no form that anybody typed.
    constraint drafts_bounded check (octet_length(typed::text) <= 200000)
);
-- The sweep finds what has expired.
create index drafts_expires_at on kernel.drafts (expires_at);
