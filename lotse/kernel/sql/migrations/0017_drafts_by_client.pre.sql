-- Who posted: an address of IPv4 or a network of IPv6, what the bound per client counts by.
alter table kernel.drafts add column client text not null default '';
-- Each refusal asks what its client has kept already.
create index drafts_client on kernel.drafts (client, expires_at);
