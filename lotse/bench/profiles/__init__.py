"""The profiles: each module is one and holds `PROFILE` (see `lotse.bench.profile`)."""
