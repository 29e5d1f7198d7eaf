-- Two different articles, each pair as likely as any other, the smaller pool first: all sides lock in this order.
\set x random(:first, :last)
\set y random(:first, :last - 1)
\set y case when :y >= :x then :y + 1 else :y end
\set a least(:x, :y)
\set b greatest(:x, :y)
