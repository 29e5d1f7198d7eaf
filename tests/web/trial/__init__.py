"""A domain that exists only for these tests: one route for each thing that the web does around a route."""
