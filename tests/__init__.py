"""Everything that proves the house; `python3 -m tests` runs it."""
