"""The search engine that Lotse brings: tantivy, in the process that asks, with its files below LOTSE_HOME."""

from lotse.domains.search.contracts import engines
from lotse.plugins.search_tantivy.engine import Tantivy

engines.register("tantivy", Tantivy())
