-- Experiments and the log of decisions. The log is append-only: an outcome is found by its key, never written back.

create schema experiments;

create table experiments.experiments (
    id uuid not null,
    key text not null,
    variants jsonb not null,
    -- Hashed together with the unit, so that two experiments cut the same units independently.
    salt text not null,
    coverage double precision not null default 1,
    namespace jsonb,
    created_at timestamptz not null,
    started_at timestamptz,
    stopped_at timestamptz,
    -- Derived, so that state and moments cannot disagree.
    state text not null generated always as (
        case when stopped_at is not null then 'stopped' when started_at is not null then 'running' else 'draft' end
    ) stored,
    -- Where it decides, by the name that the code declares; empty for one that code asks by its key.
    point text not null default '',
    -- Whom it divides: visitors who agreed, or hours, which are nobody.
    unit text not null default 'visitor',
    constraint experiments_pkey primary key (id),
    -- Code and configuration name an experiment by its key.
    constraint experiments_key_unique unique (key),
    -- The key stands in code, cache keys and analytics columns.
    constraint experiments_key_form check (key ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
    -- One arm compares nothing; the names of more than twenty nobody reads.
    constraint experiments_variants_count check (
        jsonb_typeof(variants) = 'array' and jsonb_array_length(variants) between 2 and 20
    ),
    constraint experiments_coverage_share check (coverage >= 0 and coverage <= 1),
    constraint experiments_unit check (unit in ('visitor', 'hour')),
    -- What never started cannot have stopped, and time does not run backwards.
    constraint experiments_moments check (stopped_at is null or (started_at is not null and stopped_at >= started_at))
);

-- Of two experiments at one point neither would know what the other does.
create unique index experiments_point_once on experiments.experiments (point) where state = 'running' and point <> '';

-- Grows with every decision: partitioned by month on the UUIDv7, so that old months leave as a whole.
create table experiments.decisions (
    id uuid not null,
    point text not null,
    -- A random key or an id, never a name or an address.
    unit text not null,
    experiment text not null default '',
    variant text not null default '',
    alternatives jsonb not null default '[]',
    inputs jsonb not null default '{}',
    chosen jsonb not null,
    outcome_key text not null default '',
    decided_at timestamptz not null,
    constraint decisions_pkey primary key (id),
    constraint decisions_point_form check (point ~ '^[a-z0-9_]+(\.[a-z0-9_]+)+$'),
    -- A variant without its experiment could not be read.
    constraint decisions_variant_has_experiment check (variant = '' or experiment <> '')
) partition by range (id);

-- Takes every month that nobody has prepared: a decision is never lost for want of a partition.
create table experiments.decisions_default partition of experiments.decisions default;

-- "What came of it?": the outcome arrives with this key.
create index decisions_outcome_key on experiments.decisions (outcome_key) where outcome_key <> '';

-- How many units each variant has had: the sample-ratio check looks at one experiment's.
create index decisions_experiment on experiments.decisions (experiment, variant, unit) where experiment <> '';

-- Visitors who take their consent back are parted from what was decided for them.
create index decisions_unit on experiments.decisions (unit) where experiment <> '';
