"""A retailer's own repository: what makes it, what it may use, and that it outlives the Lotse beneath it."""
