-- Pictures stand in the library now; those of before are entered with what their names tell.
insert into kernel.media (name, kind, media_type, size, title, created_at, created_by, changed_at)
select distinct p.media, case when p.media like '%.svg' then 'drawing' else 'picture' end,
       case split_part(p.media, '.', 2) when 'svg' then 'image/svg+xml' when 'jpg' then 'image/jpeg'
            else 'image/' || split_part(p.media, '.', 2) end,
       1, p.media, now(), 'system:upgrade', now()
  from catalog.pictures p
 where p.media ~ '^[0-9a-f]{64}[.](svg|jpg|png|webp|avif)$'
on conflict (name) do nothing;
-- What never was a name of a medium was never shown.
delete from catalog.pictures p where not exists (select from kernel.media m where m.name = p.media);

alter table catalog.pictures
    add constraint pictures_media foreign key (media) references kernel.media (name);
-- The foreign key's own look-up, and the sweep's question which media are used.
create index pictures_media on catalog.pictures (media);
