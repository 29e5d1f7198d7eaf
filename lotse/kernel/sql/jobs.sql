-- A job of the timetable that is new, or whose times a new version of Lotse changed, is due at its next time.
-- name: schedule
insert into kernel.timetable (job, cron, due_at) values (:job, :cron, :due_at)
on conflict (job) do update set cron = excluded.cron, due_at = excluded.due_at where timetable.cron <> excluded.cron;

-- What this process's version of Lotse knows and when it is due.
-- name: timetable
select job, due_at from kernel.timetable where job = any (:jobs::text[]);

-- Moves a due time on. Of several workers that try, one touches the row: that one puts the job into the queue.
-- name: move_on
update kernel.timetable set due_at = :due_at where job = :job and due_at = :was;

-- How often a job was begun since it last failed for good. Counts the starts that killed their worker, too, which the
-- queue's own count of attempts does not see.
-- name: starts
select count(*)
  from pgqueuer.pgqueuer_log
 where job_id = :job_id and status = 'picked'
   and created > coalesce((select max(created) from pgqueuer.pgqueuer_log where job_id = :job_id and status = 'failed'),
                          '-infinity');

-- Jobs that failed for good and wait for an operator, with their last error.
-- name: failed
select q.id, q.entrypoint as job, q.created as enqueued_at, q.updated as failed_at,
       (select l.traceback ->> 'exception_message'
          from pgqueuer.pgqueuer_log l
         where l.job_id = q.id and l.traceback is not null
         order by l.created desc
         limit 1) as error
  from pgqueuer.pgqueuer q
 where q.status = 'failed' and (:job::text is null or q.entrypoint = :job)
 order by q.id
 limit :limit;

-- Puts jobs that failed for good back into the queue. The trigger of the table tells the workers.
-- name: requeue
update pgqueuer.pgqueuer
   set status = 'queued', attempts = 0, execute_after = now(), updated = now(), slot = null
 where status = 'failed' and (:job::text is null or entrypoint = :job);

-- What waits or runs, by job, for the metrics.
-- name: queued
select entrypoint as job, count(*) as jobs from pgqueuer.pgqueuer where status in ('queued', 'picked') group by entrypoint;

-- The queue's diary, in bounded batches: an operator asks about last week, not about last year.
-- name: forget_log
delete from pgqueuer.pgqueuer_log
 where id = any (array(select id from pgqueuer.pgqueuer_log where created < :before order by created limit :limit));

-- The diary's sums per second, likewise.
-- name: forget_statistics
delete from pgqueuer.pgqueuer_statistics
 where id = any (array(select id from pgqueuer.pgqueuer_statistics where created < :before limit :limit));

-- What runs, waits, or failed for good (with its last error) as a table.
-- name: job_table
select q.id, q.entrypoint as job, q.status::text as state, q.created as enqueued_at, q.execute_after, q.updated as moved_at,
       q.attempts, convert_from(q.payload, 'UTF8') as payload, last.error
  from pgqueuer.pgqueuer q
  left join lateral (
       select l.traceback ->> 'exception_message' as error
         from pgqueuer.pgqueuer_log l
        where q.status = 'failed' and l.job_id = q.id and l.traceback is not null
        order by l.created desc limit 1
       ) last on true;

-- How many stand where, of all jobs.
-- name: job_counts
select status::text as state, count(*) as jobs from pgqueuer.pgqueuer group by status;

-- One job that failed for good goes back into the queue.
-- name: requeue_one
update pgqueuer.pgqueuer
   set status = 'queued', attempts = 0, execute_after = now(), updated = now(), slot = null
 where id = :id and status = 'failed';

-- When each job of the timetable is due, and how its last run ended.
-- name: timetable_all
select t.job, t.cron, t.due_at, last.status::text as last_state, last.created as last_at
  from kernel.timetable t
  left join lateral (
       select l.status, l.created from pgqueuer.pgqueuer_log l
        where l.entrypoint = t.job and l.status in ('successful', 'exception', 'failed')
        order by l.id desc limit 1
       ) last on true
 order by t.due_at, t.job;
