"""`python -m lotse`: the same as the command `lotse`; the supervisor starts its roles this way."""

from lotse.cli import main

main()
