"""A retailer's own repository: `lotse new`, `lotse theme`, the list of seams, a shop to test against."""
