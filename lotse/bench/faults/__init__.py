"""The fault run: what was acknowledged under load is there exactly once, whatever was killed meanwhile.

- `scene`: a small shop, and where its goods lie.
- `load`: clients that keep a history on disk of what they asked and what they were answered.
- `killer`: processes killed, PostgreSQL stopped in mid-flight, sockets cut, at random times drawn from a seed.
- `listener`: consumers of events that write down what reached them.
- `facts` and `judge`: what is in the database, held against the histories. The judge is pure and has tests of its own.
- `run`: rounds of load, recovery and judgement; `lotse bench faults`.
"""
