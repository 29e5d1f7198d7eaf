-- What the law says, from 1998 on. Rates are facts that ship with Lotse; `on conflict` leaves what a retailer recorded.
--
-- Germany, standard (UStG s.12 (1)) and reduced (s.12 (2)):
--   1993-01-01  15 %  7 %   Steueraenderungsgesetz 1992
--   1998-04-01  16 %  7 %   Gesetz zur Finanzierung eines zusaetzlichen Bundeszuschusses zur gesetzlichen RV, 19.12.1997
--   2007-01-01  19 %  7 %   Haushaltsbegleitgesetz 2006, Art. 4
--   2020-07-01  16 %  5 %   Zweites Corona-Steuerhilfegesetz of 29.6.2020, Art. 3 (UStG s.28 (1), (2))
--   2021-01-01  19 %  7 %   the same, end of the period
--   zero: 2023-01-01, UStG s.12 (3): photovoltaic modules up to 30 kWp and what belongs to them (Jahressteuergesetz 2022)
-- Austria (UStG 1994 s.10): 20 % / 10 % since 1984-01-01; 13 % (s.10 (3)) since 2016-01-01;
--   5 % from 2020-07-01 to 2021-12-31 (s.28 (52) no. 1) held for gastronomy, culture and publications only, not for goods
--   in general: it is not recorded here.
-- United Kingdom (VATA 1994 s.2 (1); VAT (Change of Rate) Order 2008, SI 2008/3020; Finance (No. 2) Act 2010 s.3):
--   1991-04-01 17.5 %, 2008-12-01 15 %, 2010-01-01 17.5 %, 2011-01-04 20 %; reduced 5 % since 1997-09-01 (s.29A);
--   zero rate (s.30, Schedule 8: books, children's clothes, most food) since 1973-04-01.
-- `none`: tax is not recorded, as in imports from sources that do not state it. Not a statement that none is due.

insert into tax.codes (code, rate) values
    ('DE-15', 0.15), ('DE-16', 0.16), ('DE-19', 0.19), ('DE-7', 0.07), ('DE-5', 0.05), ('DE-0', 0),
    ('AT-20', 0.20), ('AT-13', 0.13), ('AT-10', 0.10),
    ('GB-17.5', 0.175), ('GB-15', 0.15), ('GB-20', 0.20), ('GB-5', 0.05), ('GB-0', 0),
    ('none', 0)
on conflict do nothing;

insert into tax.rates (country, tax_class, valid_from, code, rate) values
    ('DE', 'standard', '1993-01-01', 'DE-15', 0.15),
    ('DE', 'standard', '1998-04-01', 'DE-16', 0.16),
    ('DE', 'standard', '2007-01-01', 'DE-19', 0.19),
    ('DE', 'standard', '2020-07-01', 'DE-16', 0.16),
    ('DE', 'standard', '2021-01-01', 'DE-19', 0.19),
    ('DE', 'reduced', '1993-01-01', 'DE-7', 0.07),
    ('DE', 'reduced', '2020-07-01', 'DE-5', 0.05),
    ('DE', 'reduced', '2021-01-01', 'DE-7', 0.07),
    ('DE', 'zero', '2023-01-01', 'DE-0', 0),
    ('DE', 'none', '1993-01-01', 'none', 0),
    ('AT', 'standard', '1984-01-01', 'AT-20', 0.20),
    ('AT', 'reduced', '1984-01-01', 'AT-10', 0.10),
    ('AT', 'special', '2016-01-01', 'AT-13', 0.13),
    ('AT', 'none', '1984-01-01', 'none', 0),
    ('GB', 'standard', '1991-04-01', 'GB-17.5', 0.175),
    ('GB', 'standard', '2008-12-01', 'GB-15', 0.15),
    ('GB', 'standard', '2010-01-01', 'GB-17.5', 0.175),
    ('GB', 'standard', '2011-01-04', 'GB-20', 0.20),
    ('GB', 'reduced', '1997-09-01', 'GB-5', 0.05),
    ('GB', 'zero', '1973-04-01', 'GB-0', 0),
    ('GB', 'none', '1973-04-01', 'none', 0)
on conflict do nothing;
