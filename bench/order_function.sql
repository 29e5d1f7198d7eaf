-- One order of two lines by the function of function.sql. Needs a and b, the two pools.
select bench.place(:a, :b);
