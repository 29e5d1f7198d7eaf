-- Adjusting a stock by hand is a change that the log of changes tells of, with who and why. The desk writes the paper, in
-- another process than the page, so the paper itself sees to it: no way of adjusting is left out.
create function inventory.log_document() returns trigger language plpgsql as $$
begin
    insert into kernel.audit (id, subject, actor, old, new, reason, recorded_at)
    values (
        uuidv7(), 'inventory.document:' || new.id, new.actor, null,
        jsonb_build_object('kind', new.kind, 'reference', new.reference), nullif(new.note, ''), new.recorded_at
    );
    return null;
end
$$;
-- Receipts and transfers move goods that are there; an adjustment says that the books were wrong.
create trigger documents_are_logged after insert on inventory.documents for each row
    when (new.kind = 'adjustment') execute function inventory.log_document();
