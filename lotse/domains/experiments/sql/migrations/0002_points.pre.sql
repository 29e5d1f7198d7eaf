-- Experiments decide at declared points, and may divide hours instead of visitors.
alter table experiments.experiments
    -- Where it decides, by the name that the code declares; empty for one that code asks by its key.
    add column point text not null default '',
    -- Whom it divides: visitors who agreed, or hours, which are nobody.
    add column unit text not null default 'visitor',
    add constraint experiments_unit check (unit in ('visitor', 'hour'));

-- Of two experiments at one point neither would know what the other does.
create unique index experiments_point_once on experiments.experiments (point) where state = 'running' and point <> '';

-- How many units each variant has had: the sample-ratio check looks at one experiment's.
create index decisions_experiment on experiments.decisions (experiment, variant, unit) where experiment <> '';
