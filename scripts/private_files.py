"""A contract for import-linter: of a domain, the outside imports the files that `.importlinter` calls public.

import-linter's own `protected` contract cannot say "everybody but the same domain", hence this one.
"""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class PrivateFiles(Contract):
    """`packages`: the package whose children are domains. `public`: the files that the others may import."""

    type_name = "private_files"

    packages = fields.StringField()
    public = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        parent = str(self.packages)
        public: set[str] = set(self.public)  # pyright: ignore[reportArgumentType, reportUnknownVariableType]
        broken: list[tuple[str, str]] = []
        for domain in sorted(graph.find_children(parent)):
            for file in sorted(graph.find_children(domain)):
                if file.rpartition(".")[2] in public:
                    continue
                inside = {file, *graph.find_descendants(file)}
                importers = {name for module in inside for name in graph.find_modules_that_directly_import(module)}
                broken += [(name, file) for name in sorted(importers) if not f"{name}.".startswith(f"{domain}.")]
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, file in check.metadata["broken"]:
            output.print_error(f"{importer} imports {file}, which is private to its domain")
        output.new_line()
