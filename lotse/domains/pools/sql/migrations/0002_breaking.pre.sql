-- Holds are soft or hard, break where less is found than was held, and are limited per holder.
alter table pools.holds
    -- hard: paid for, or promised by a person. Soft ones break first and are limited per holder.
    add column firmness text not null default 'soft',
    -- For guests: a keyed hash of the network they come from, which is limited as well; empty for others.
    add column origin text not null default '',
    add constraint holds_firmness_known check (firmness in ('soft', 'hard'));

alter table pools.hold_lines
    -- Its hold is hard: this one breaks last. Here as well, because who breaks lines has locked the pool and no hold.
    add column hard boolean not null default false,
    -- Closed because less was found in the pool than was held.
    add column broken boolean not null default false,
    -- What is broken is not held.
    add constraint hold_lines_broken_is_closed check (not (live and broken));

-- What soft holds of one holder, or of the guests of one origin, take at the moment: locked by whoever holds for them,
-- so that the limits hold at any number of desks, and bounded by the limits, so that nobody counts past holds.
create table pools.holders (
    id text not null primary key,
    -- [{hold_id, expires_at, lines: [[pool_id, quantity]]}]; what has expired counts for nothing.
    open jsonb not null,
    -- When the last of them expires; from then on the row is not needed.
    until timestamptz not null
) with (fillfactor = 70); -- each hold and each end of one updates its holder
