"""The docs do what they say: their commands run, the site builds, and it asks nobody else for anything."""
