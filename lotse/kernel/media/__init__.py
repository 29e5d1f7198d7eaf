"""Pictures and files: checked by their content, stored under it, cut to the sizes that pages show. See README.md."""
