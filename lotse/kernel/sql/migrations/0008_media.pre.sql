-- Pictures and files.

-- Pictures and files by their content; the bytes lie in the media store. Rows say what they are and show.
create table kernel.media (
    -- SHA-256 of the bytes, size in pixels, ending: a name never changes its meaning.
    name text not null primary key,
    kind text not null,
    media_type text not null,
    size bigint not null,
    width integer,
    height integer,
    -- The file's name when it came, for whoever looks for it; never believed.
    title text not null default '',
    -- In percent of width and height; a page that crops keeps this point in sight.
    focal_x smallint,
    focal_y smallint,
    -- What it shows, by language, for those who do not see it.
    alt jsonb not null default '{}',
    -- Never removed for want of a reference: what a file of settings names, such as the logo.
    kept boolean not null default false,
    -- Where it was fetched.
    source_url text,
    created_at timestamptz not null,
    created_by text not null,
    changed_at timestamptz not null,
    -- Since when nothing refers to it, as the sweep saw; it goes after a grace time.
    unused_since timestamptz,
    constraint media_name_form check (name ~ '^[0-9a-f]{64}(-[1-9][0-9]{0,4}x[1-9][0-9]{0,4})?[.][a-z]{3,4}$'),
    constraint media_kind_known check (kind in ('picture', 'drawing', 'document')),
    constraint media_size_positive check (size > 0),
    -- Both or none: half a point is none.
    constraint media_focal_whole check ((focal_x is null) = (focal_y is null)),
    constraint media_focal_inside check (focal_x between 0 and 100 and focal_y between 0 and 100),
    constraint media_alt_object check (jsonb_typeof(alt) = 'object'),
    constraint media_title_length check (char_length(title) <= 200)
);
-- The library shows the newest first.
create index media_created on kernel.media (created_at desc, name desc);
-- What is going to be removed, for the sweep.
create index media_unused on kernel.media (unused_since) where unused_since is not null;

-- Files as they came. A picture is written anew without its metadata, so what came has another hash than what is kept;
-- the same file again is known by this before anything is unpacked.
create table kernel.media_uploads (
    sha256 bytea not null primary key,
    media text not null,
    constraint media_uploads_media foreign key (media) references kernel.media (name) on delete cascade,
    constraint media_uploads_sha256_length check (octet_length(sha256) = 32)
);
-- The foreign key's own look-up.
create index media_uploads_media on kernel.media_uploads (media);

-- Addresses that somebody wants to have fetched, in lists; a job works them off one by one and goes on where it stopped.
create table kernel.media_fetches (
    batch_id uuid not null,
    position integer not null,
    url text not null,
    state text not null default 'wanted',
    media text,
    -- A refusal's sentence.
    problem text,
    tries integer not null default 0,
    asked_by text not null,
    asked_at timestamptz not null,
    done_at timestamptz,
    constraint media_fetches_pkey primary key (batch_id, position),
    constraint media_fetches_media foreign key (media) references kernel.media (name) on delete set null,
    constraint media_fetches_state_known check (state in ('wanted', 'done', 'failed')),
    constraint media_fetches_url_length check (char_length(url) between 1 and 2000)
);
-- The foreign key's own look-up.
create index media_fetches_media on kernel.media_fetches (media) where media is not null;
-- What is asked for last is shown first, and swept last.
create index media_fetches_asked on kernel.media_fetches (asked_at desc);
