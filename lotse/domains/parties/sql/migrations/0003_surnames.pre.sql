-- The service desk finds people by the beginning of their surname, and of a mail address.
create index names_surname on parties.names (lower(substring(name from '\S+$')) text_pattern_ops);
create index names_email_prefix on parties.names (lower(email) text_pattern_ops) where email <> '';
