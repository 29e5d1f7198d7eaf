"""Imports: files of rows (CSV, JSON lines) from people and other systems, in streams, row by row, repeatable.

A domain's `imports.py` says what a row of a kind is and how it is put (`contracts.Importer`); the kernel reads files
(`reading`), runs them in batches that can be resumed (`runs`), watches the drop folder (`drop`), and lets masters of
fields decide (`lotse.kernel.masters`). How it is used: docs/guides/imports.md.
"""
