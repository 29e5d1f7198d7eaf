-- The lists of events, deliveries and differences are found, filtered and paged by index; they grow by millions.

-- What happened to one thing: an order, an article.
create index event_log_key on kernel.event_log (key);
-- The events of one type, the newest first.
create index event_log_type on kernel.event_log (type, position);

-- The deliveries in one state, the newest first: what was given up, what waits.
create index webhook_deliveries_state on kernel.webhook_deliveries (state, id);

-- The work list, newest first, and what was decided.
create index differences_state on kernel.differences (state, id);
drop index kernel.differences_open;
-- What systems say of one thing.
create index differences_key on kernel.differences (key text_pattern_ops);
