"""Which variant a unit sees, and the log of every decision that Lotse takes."""
