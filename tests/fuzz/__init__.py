"""Hostile input: seeded mutators, targets with invariants, corpora. `python -m tests.fuzz --help` runs more of it."""
