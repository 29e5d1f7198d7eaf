-- Pools: countable things that can run out. They know no business: what a pool stands for is said by a higher domain.
create schema pools;

create table pools.pools (
    id bigint generated always as identity primary key,
    on_hand bigint not null default 0,
    held bigint not null default 0,
    -- When what lies here was last counted. A sale that was over by then and is told later was counted with it.
    counted_at timestamptz,
    -- Nothing is given that is not there: a bug becomes an error, never an oversell.
    constraint pools_on_hand_not_negative check (on_hand >= 0),
    constraint pools_held_not_negative check (held >= 0),
    -- What is promised to somebody is there.
    constraint pools_held_is_covered check (held <= on_hand)
) with (fillfactor = 70); -- each sale updates its pools: room on the page keeps that HOT

-- Every change of a pool's quantity; balances are its projection. Append-only.
create table pools.movements (
    id uuid not null,
    pool_id bigint not null,
    delta bigint not null,
    -- The word for why, e.g. sold, received, adjusted, returned, transferred.
    reason text not null,
    -- What caused it: 'order' and the order's id, 'receipt' and the receipt's id.
    ref_kind text not null,
    ref_id uuid not null,
    actor text not null,
    note text,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    -- A movement of nothing explains nothing.
    constraint movements_delta_not_zero check (delta <> 0),
    -- By pool first, so that the only index of this hot table also answers "why is it 47?".
    constraint movements_pkey primary key (pool_id, id)
) partition by range (id);
-- Takes what has no month of its own, so that a sale never fails because a job did not run.
create table pools.movements_default partition of pools.movements default;

-- A claim on quantities of one or more pools, all or nothing, until it expires.
create table pools.holds (
    id uuid not null primary key,
    -- Whose it is, for limits per party; an id, never a name.
    holder text not null,
    pool_ids bigint[] not null,
    state text not null,
    expires_at timestamptz not null,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    -- hard: paid for, or promised by a person. Soft ones break first and are limited per holder.
    firmness text not null default 'soft',
    -- For guests: a keyed hash of the network they come from, which is limited as well; empty for others.
    origin text not null default '',
    constraint holds_state_known check (state in ('held', 'claimed', 'released', 'expired', 'broken')),
    constraint holds_firmness_known check (firmness in ('soft', 'hard'))
) with (fillfactor = 70); -- a hold changes its state once or twice

create table pools.hold_lines (
    pool_id bigint not null,
    hold_id uuid not null,
    quantity bigint not null,
    expires_at timestamptz not null,
    -- While true, the quantity is part of the pool's `held`.
    live boolean not null,
    -- Its hold is hard: this one breaks last. Here as well, because who breaks lines has locked the pool and no hold.
    hard boolean not null default false,
    -- Closed because less was found in the pool than was held.
    broken boolean not null default false,
    constraint hold_lines_quantity_positive check (quantity > 0),
    -- By pool first: a batch that locks a pool finds its live and expired lines by this index.
    constraint hold_lines_pkey primary key (pool_id, hold_id),
    -- What is broken is not held.
    constraint hold_lines_broken_is_closed check (not (live and broken))
) with (fillfactor = 70);
-- Only live lines are looked for, and they are few.
create index hold_lines_live on pools.hold_lines (pool_id, expires_at) where live;
-- Finds what has expired, for the sweep of pools that nobody touches.
create index hold_lines_expiring on pools.hold_lines (expires_at) where live;

-- What soft holds of one holder, or of the guests of one origin, take at the moment: locked by whoever holds for them,
-- so that the limits hold at any number of desks, and bounded by the limits, so that nobody counts past holds.
create table pools.holders (
    id text not null primary key,
    -- [{hold_id, expires_at, lines: [[pool_id, quantity]]}]; what has expired counts for nothing.
    open jsonb not null,
    -- When the last of them expires; from then on the row is not needed.
    until timestamptz not null
) with (fillfactor = 70); -- each hold and each end of one updates its holder

-- What the desk sends: one row of each of its writers, the fields in the order of the writer's Struct. A type of their
-- own and not the tables' rows, so that a new column does not break a desk of the version before.
create type pools.movements_row as (
    id uuid,
    pool_id bigint,
    delta bigint,
    reason text,
    ref_kind text,
    ref_id uuid,
    actor text,
    note text,
    occurred_at timestamptz,
    recorded_at timestamptz
);

create type pools.balances_row as (
    id bigint,
    on_hand bigint,
    held bigint
);
