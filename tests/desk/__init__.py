"""Proofs about the desk: decisions against a naive model, refusals by table, races with their control, trouble."""
