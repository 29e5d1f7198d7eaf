-- Visitors who take their consent back are parted from what was decided for them.
create index decisions_unit on experiments.decisions (unit) where experiment <> '';
