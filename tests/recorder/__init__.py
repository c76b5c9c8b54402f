"""Journals, seals, recovery and films, decoded again."""
