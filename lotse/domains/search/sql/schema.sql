-- Search: what people decide about results, and what was searched for. The index itself is a projection beside it.

create schema search;

-- Words that mean the same, per shop and language.
create table search.synonyms (
    id uuid not null,
    shop_id uuid not null,
    language text not null,
    words text[] not null,
    -- Whoever asks for the first word also finds the others, and not the other way round.
    one_way boolean not null default false,
    changed_at timestamptz not null,
    constraint synonyms_pkey primary key (id),
    constraint synonyms_shop foreign key (shop_id) references parties.shops (id),
    constraint synonyms_language_form check (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
    -- One word means nothing else; a group of more than a line is several.
    constraint synonyms_words_number check (cardinality(words) between 2 and 20)
);
-- A search reads all of its shop; also the foreign key's own look-up.
create index synonyms_shop_id on search.synonyms (shop_id, language);

-- Shops whose table was begun with the words that Lotse brings, so that what people delete does not come back.
create table search.begun (
    shop_id uuid not null,
    language text not null,
    constraint begun_pkey primary key (shop_id, language),
    constraint begun_shop foreign key (shop_id) references parties.shops (id)
);

-- Decisions about the results of one query or one category: pinned, boosted, buried, from when to when, and why.
create table search.rules (
    id uuid not null,
    shop_id uuid not null,
    -- The query in its comparable form in the shop's own language (see the engine's `analysed`), or empty for a
    -- category: no two pins want one place.
    words text not null default '',
    -- As somebody typed it; compared in the language of whoever asks.
    said text not null default '',
    category text not null default '',
    act text not null,
    target text not null,
    name text not null default '',
    value text not null,
    place integer,
    reason text not null,
    valid_from timestamptz,
    valid_to timestamptz,
    changed_at timestamptz not null,
    changed_by text not null,
    constraint rules_pkey primary key (id),
    constraint rules_shop foreign key (shop_id) references parties.shops (id),
    -- Of one list: of a query or of a category.
    constraint rules_one_list check ((words = '') <> (category = '')),
    constraint rules_act_known check (act in ('pin', 'boost', 'bury')),
    constraint rules_target_known check (target in ('product', 'brand', 'category', 'value')),
    -- A pin is one article at a place that a first page can show; nothing else has a place.
    constraint rules_pin_has_place check ((act = 'pin') = (place is not null) and (act <> 'pin' or target = 'product')),
    constraint rules_place_on_first_page check (place between 1 and 24),
    -- Whoever finds it here next year wants to know.
    constraint rules_reason_said check (char_length(reason) between 1 and 300),
    constraint rules_ends_after_it_begins check (valid_to > valid_from)
);
-- A search reads all of its shop; also the foreign key's own look-up.
create index rules_shop_id on search.rules (shop_id);

-- What was searched for, how often, and how much it found the last time. Nobody's: words and counts.
create table search.asked (
    shop_id uuid not null,
    language text not null,
    words text not null,
    asked bigint not null,
    found bigint not null,
    last_at timestamptz not null,
    constraint asked_pkey primary key (shop_id, language, words),
    constraint asked_shop foreign key (shop_id) references parties.shops (id),
    constraint asked_words_length check (char_length(words) between 1 and 80)
);
-- What is old is forgotten.
create index asked_last_at on search.asked (last_at);
