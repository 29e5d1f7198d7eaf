"""Benchmarks as part of the product: the real roles under load, beside bare SQL that writes the same rows.

`lotse bench NAME` measures a profile of `lotse.bench.profiles`. What is compared and how to repeat it stands in
docs/performance.md; the pgbench scripts stand in `bench/`.
"""
