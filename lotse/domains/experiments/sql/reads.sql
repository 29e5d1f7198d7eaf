-- One experiment by its key.
-- name: experiment
select id, key, variants, salt, coverage, namespace, state, created_at, started_at, stopped_at,
       point, unit
  from experiments.experiments where key = :key;

-- What runs now: asked at the start of a page, a handful.
-- name: running
select id, key, variants, salt, coverage, namespace, state, created_at, started_at, stopped_at,
       point, unit
  from experiments.experiments where state = 'running' order by key;

-- The back office's list.
-- name: experiments
select id, key, variants, salt, coverage, namespace, state, created_at, started_at, stopped_at,
       point, unit
  from experiments.experiments
 where key > coalesce(:after::text, '')
 order by key
 limit :limit;

-- Its own state is decided under the lock.
-- name: experiment_for_change
select id, key, variants, salt, coverage, namespace, state, created_at, started_at, stopped_at,
       point, unit
  from experiments.experiments where key = :key for update;

-- "Why?": one decision.
-- name: decision
select id, point, unit, experiment, variant, alternatives, inputs, chosen, outcome_key, decided_at
  from experiments.decisions where id = :id;

-- What an outcome belongs to; several decisions may wait for the same outcome.
-- name: decisions_by_outcome
select id, point, unit, experiment, variant, alternatives, inputs, chosen, outcome_key, decided_at
  from experiments.decisions
 where outcome_key = :outcome_key and outcome_key <> ''
 order by id
 limit :limit;

-- A decision that names an experiment names one that there is, and one of its variants.
-- name: check_decided_variants
select 'experiments.decision:' || d.id as subject, 'a variant of experiment ' || d.experiment as expected,
       d.variant as found
  from experiments.decisions d
  left join experiments.experiments e on e.key = d.experiment
 where d.variant <> ''
   and (e.id is null or not exists (
       select from jsonb_array_elements(e.variants) a where a ->> 'name' = d.variant));

-- How many units each variant has had: whoever comes twice is one.
-- name: units
select variant, count(distinct unit) as units
  from experiments.decisions
 where experiment = :experiment and experiment <> ''
 group by variant;

-- One experiment by its id, as a preview's link names it.
-- name: experiment_by_id
select id, key, variants, salt, coverage, namespace, state, created_at, started_at, stopped_at, point, unit
  from experiments.experiments where id = :id;
