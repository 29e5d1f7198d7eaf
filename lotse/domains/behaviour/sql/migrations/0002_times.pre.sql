-- Nobody's views of one page within the same quarter of a second are one row: so often.
alter table behaviour.events
    add column times integer not null default 1,
    add constraint events_times check (times > 0 and (times = 1 or visitor is null));
