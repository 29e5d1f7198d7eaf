-- Where the bench's own consumers write what reached them. No uniqueness: what comes twice shall be seen.
-- name: make_schema
create schema bench_faults
    create table seen (
        consumer text not null,
        number bigint generated always as identity,
        position bigint not null
    );

-- One event took effect.
-- name: saw
insert into bench_faults.seen (consumer, position) values (:consumer, :position);

-- A connection breaks under its holder.
-- name: end_backend
select pg_terminate_backend(:pid::integer);
