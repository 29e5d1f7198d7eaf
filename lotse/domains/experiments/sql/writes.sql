-- Made, or overwritten while it is a draft; no row comes back for one that has begun.
-- name: put_experiment
insert into experiments.experiments as e (id, key, variants, salt, coverage, namespace, created_at, point, unit)
values (:id, :key, :variants, :salt, :coverage, :namespace, :at, :point, :unit)
on conflict (key) do update
   set variants = excluded.variants, salt = excluded.salt, coverage = excluded.coverage,
       namespace = excluded.namespace, point = excluded.point, unit = excluded.unit
 where e.started_at is null
returning e.id, e.key, e.variants, e.salt, e.coverage, e.namespace, e.state, e.created_at, e.started_at, e.stopped_at,
          e.point, e.unit;

-- The row is locked and its state checked by then.
-- name: start
update experiments.experiments set started_at = :at where key = :key;

-- The row is locked and its state checked by then.
-- name: stop
update experiments.experiments set stopped_at = :at where key = :key;

-- Many at once: a page decides for every slot, a replay for every order.
-- name: record_decisions
insert into experiments.decisions
       (id, point, unit, experiment, variant, alternatives, inputs, chosen, outcome_key, decided_at)
select n.id, n.point, n.unit, n.experiment, n.variant, n.alternatives, n.inputs, coalesce(n.chosen, 'null'), n.outcome_key,
       n.decided_at
  from jsonb_to_recordset(:decisions::jsonb)
       as n (id uuid, point text, unit text, experiment text, variant text, alternatives jsonb, inputs jsonb,
             chosen jsonb, outcome_key text, decided_at timestamptz);

-- One new number for each old one, whatever it took part in: the counts by unit stay right.
-- name: forget_units
update experiments.decisions d
   set unit = n.fresh
  from (select u.unit, replace(gen_random_uuid()::text, '-', '') as fresh from unnest(:units::text[]) as u (unit)) n
 where d.unit = n.unit and d.experiment <> '';
