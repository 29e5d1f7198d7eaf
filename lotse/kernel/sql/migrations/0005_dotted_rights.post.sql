-- Rights are written thing.verb from now on. Afterwards, because code of the version before knows thing:verb only; the
-- new code reads both.
update kernel.staff set scopes = string_to_array(replace(array_to_string(scopes, ','), ':', '.'), ',')
where array_to_string(scopes, ',') like '%:%';
update kernel.tokens set scopes = string_to_array(replace(array_to_string(scopes, ','), ':', '.'), ',')
where array_to_string(scopes, ',') like '%:%';
