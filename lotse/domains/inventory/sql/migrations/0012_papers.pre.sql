-- Every paper is a change that the log of changes tells of, with who and why. The desk that moves goods writes the entry
-- beside the paper, and says from where; one that was written any other way is entered all the same.
create or replace function inventory.log_document() returns trigger language plpgsql as $$
begin
    if exists (select from kernel.audit where subject = 'inventory.document:' || new.id) then
        return null;
    end if;
    insert into kernel.audit (id, subject, actor, old, new, reason, recorded_at)
    values (
        uuidv7(), 'inventory.document:' || new.id, new.actor, null,
        jsonb_build_object('kind', new.kind, 'reference', new.reference), nullif(new.note, ''), new.recorded_at
    );
    return null;
end
$$;
drop trigger documents_are_logged on inventory.documents;
create trigger documents_are_logged after insert on inventory.documents for each row
    execute function inventory.log_document();
