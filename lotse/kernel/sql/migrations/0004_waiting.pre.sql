-- ---------------------------------------------------------------------------------------------------------------------
-- Waiting rooms: one fair queue per room, shared by all processes and hosts
-- ---------------------------------------------------------------------------------------------------------------------

-- A room: what staff decided, and where its line has come to. A room without a row is closed.
create table kernel.waiting_rooms (
    name text not null primary key,
    -- closed: nobody waits; automatic: opens itself while the shop is strained; open: newcomers wait.
    mode text not null default 'closed',
    -- Mode open: from when newcomers wait. Before it, who is there already is given a pass.
    begins_at timestamptz,
    -- A sale: nobody is admitted before; who came before is drawn by lot.
    opens_at timestamptz,
    -- A rate that staff set; null: it follows what the shop can take, up to most_per_minute.
    per_minute integer,
    most_per_minute integer not null default 6000,
    pass_minutes integer not null default 20,
    -- The opening that counts now; null: the room is not open.
    opening bigint,
    -- Numbers up to here were admitted or passed over.
    mark bigint not null default 0,
    -- Admissions per minute as they are now, what is left of a whole admission, how fast numbers pass (per minute).
    rate double precision not null default 0,
    carry double precision not null default 0,
    pace double precision not null default 0,
    -- The strain last seen (1: as much as the shop can take), and for how many seconds it was too high or low.
    strain double precision not null default 0,
    strained integer not null default 0,
    calm integer not null default 0,
    -- Numbers given out when the line was last moved on: the difference is who came since.
    noted bigint not null default 0,
    -- One process at a time moves the line on: whoever comes first in a second.
    ticked_at timestamptz,
    changed_at timestamptz not null,
    constraint waiting_rooms_mode check (mode in ('closed', 'automatic', 'open')),
    constraint waiting_rooms_begins check (mode <> 'open' or begins_at is not null),
    constraint waiting_rooms_sale_is_planned check (opens_at is null or (mode = 'open' and begins_at <= opens_at)),
    constraint waiting_rooms_rates check (per_minute between 1 and 60000 and most_per_minute between 1 and 60000),
    constraint waiting_rooms_pass check (pass_minutes between 5 and 120)
);

-- Each time a room opens, its line begins anew. The row deals out the numbers: whoever takes some locks it, so they are
-- dense and rise in the order of arrival on all hosts.
create table kernel.waiting_openings (
    id bigint generated always as identity primary key,
    room text not null,
    began_at timestamptz not null,
    ended_at timestamptz,
    -- Before a sale: tickets get no number yet.
    gathering boolean not null,
    last_number bigint not null default 0,
    -- What the lots were drawn with, so that a drawing can be done again and proven.
    seed bytea
);
-- The sweep finds what ended long ago.
create index waiting_openings_ended on kernel.waiting_openings (ended_at);

-- A place in the line. Visitors hold a signed cookie that names it; nothing here says who they are. Retention: two days
-- after the opening ended. fillfactor: `seen_at` is written again and again, on the same page.
create table kernel.waiting_tickets (
    id uuid not null primary key,
    opening bigint not null,
    -- Null while a sale is awaited.
    number bigint,
    state text not null default 'waiting',
    taken_at timestamptz not null,
    -- Written at most once per refresh; who was not seen for long is passed over.
    seen_at timestamptz not null,
    admitted_at timestamptz,
    -- Set when the pass is first handed out; a ticket gives one pass and never a second.
    pass_until timestamptz,
    constraint waiting_tickets_state check (state in ('waiting', 'away', 'admitted')),
    constraint waiting_tickets_admitted check ((state = 'admitted') = (admitted_at is not null)),
    -- Two visitors can never hold one place.
    constraint waiting_tickets_number_unique unique (opening, number)
) with (fillfactor = 80);
-- The head of the line, without those who were admitted or passed over.
create index waiting_tickets_head on kernel.waiting_tickets (opening, number) where state = 'waiting';

-- What happened per minute, for the plot in the back office. Retention: 30 days.
create table kernel.waiting_minutes (
    room text not null,
    minute timestamptz not null,
    waiting bigint not null,
    arrived bigint not null,
    admitted bigint not null,
    passed_over bigint not null,
    rate double precision not null,
    strain double precision not null,
    primary key (room, minute)
);

-- What each front door sees of the shop's strain, every second while a room is not closed. Unlogged: it is of no use
-- after a crash.
create unlogged table kernel.waiting_loads (
    reporter text not null primary key,
    at timestamptz not null,
    strain double precision not null,
    newcomers integer not null
);
