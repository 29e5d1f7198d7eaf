"""How well the search finds: judged queries (judged.txt), graded by rule, for Lotse and PostgreSQL full text."""
