-- What the log holds of what was told by scripts.
-- name: logged
select coalesce(sum(times), 0) from behaviour.events where source = 'script';
