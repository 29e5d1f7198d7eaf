"""Who asks, and what they may: staff log-in, sessions, API tokens, signed links, rights. Knows no domain."""
