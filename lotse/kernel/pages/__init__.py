"""The page kit: templates with languages and number formats, slots, forms, paging. Knows no domain and no layout."""
