-- The lists of events, deliveries and differences are found, filtered and paged by index; they grow by millions.

-- What happened to one thing: an order, an article. None by type: it would cost each event as much again, and of the
-- common types the newest are near the end of the log anyway.
create index event_log_key on kernel.event_log (key);

-- The deliveries in one state, the newest first: what was given up, what waits.
create index webhook_deliveries_state on kernel.webhook_deliveries (state, id);

-- The work list, newest first, and what was decided.
create index differences_state on kernel.differences (state, id);
drop index kernel.differences_open;
-- What systems say of one thing.
create index differences_key on kernel.differences (key text_pattern_ops);
