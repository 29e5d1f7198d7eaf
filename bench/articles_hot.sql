-- The one article that everybody wants and any other one. The hot pool has the greatest number: it is locked last, so
-- that a transaction of many statements holds it for as short a time as it can.
\set a random(:first, :last - 1)
\set b :last
