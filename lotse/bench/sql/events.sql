-- What the log holds of what was told by scripts.
-- name: logged
select count(*) from behaviour.events where source = 'script';
