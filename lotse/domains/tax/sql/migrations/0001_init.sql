-- Rates of value added tax. What the law says ships as a migration; a retailer's own go through the command.

create schema tax;

-- A code means one rate for ever: orders and entries of the past carry it.
create table tax.codes (
    code text not null,
    rate numeric(7, 6) not null,
    constraint codes_pkey primary key (code),
    -- For the foreign key below: a rate's code and figure must agree.
    constraint codes_code_rate_unique unique (code, rate),
    constraint codes_code_form check (code ~ '^[A-Za-z0-9][A-Za-z0-9.-]{0,31}$'),
    -- A fraction: 0.19 is 19 %.
    constraint codes_rate_fraction check (rate >= 0 and rate <= 1)
);

create table tax.rates (
    country text not null,
    tax_class text not null,
    -- The first day in the country's own time; it holds until the next row of the same country and class.
    valid_from date not null,
    code text not null,
    rate numeric(7, 6) not null,
    -- One rate per day; also the way it is read.
    constraint rates_pkey primary key (country, tax_class, valid_from),
    constraint rates_code foreign key (code, rate) references tax.codes (code, rate),
    constraint rates_country_form check (country ~ '^[A-Z]{2}$'),
    constraint rates_tax_class_form check (tax_class ~ '^[a-z][a-z0-9_]{0,31}$')
);
